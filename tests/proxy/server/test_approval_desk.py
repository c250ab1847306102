"""What the control socket says about requests that wait, and what it takes for an answer."""

import asyncio
from typing import Any

import pytest

from config.errors import ConflictError, NotFoundError, UsageError
from proxy.policy.approvals import Answer, Approvals, Verdict
from proxy.policy.held import HeldRequest
from proxy.server.approval_desk import PREVIEW, URL_SHOWN, answer_desk

NOW = 100.0


def ask(approvals: Approvals, **parts: Any) -> list[Verdict]:
    """Let one request wait under the id `one`; return where its verdict will be."""
    told = {"url": "https://api.example.com/x", "fields": (), "body": b"", **parts}
    verdicts: list[Verdict] = []
    seat = approvals.seat("ada")
    assert seat is not None
    seat.ask(HeldRequest("ada", "hub", "POST", **told), 60, verdicts.append)
    return verdicts


@pytest.fixture
def approvals() -> Approvals:
    return Approvals(lambda: NOW, lambda: "one")


def reply(approvals: Approvals, **message: object) -> dict[str, Any]:
    return asyncio.run(answer_desk(approvals, message))


def test_a_list_has_what_is_needed_to_tell_requests_apart(approvals: Approvals) -> None:
    ask(approvals, body=b"hello")
    [row] = reply(approvals, op="approvals")["pending"]
    digest = row.pop("digest")
    assert len(digest) == 64
    assert row == {
        "id": "one",
        "age": 0.0,
        "left": 60.0,
        "agent": "ada",
        "connector": "hub",
        "method": "POST",
        "url": "https://api.example.com/x",
        "bytes": 5,
    }


def test_one_request_is_shown_whole_but_for_a_long_body(approvals: Approvals) -> None:
    url = "https://api.example.com/" + "x" * URL_SHOWN
    ask(approvals, url=url, fields=((b"A", b"1"), (b"B", b"\xff")), body=b"\x80" + b"y" * PREVIEW)
    [row] = reply(approvals, op="approvals")["pending"]
    assert row["url"] == url[:URL_SHOWN] + "…"
    whole = reply(approvals, op="approval", id="one")
    assert whole["url"] == url
    assert whole["fields"] == ["A: 1", "B: \\xff"]
    assert whole["preview"] == "\\x80" + "y" * (PREVIEW - 1)
    assert whole["preview_is_whole"] is False


@pytest.mark.parametrize(("yes", "answer"), [(True, Answer.YES), (False, Answer.NO)])
def test_an_answer_is_the_operators_by_the_command_line(
    approvals: Approvals, yes: bool, answer: Answer
) -> None:
    verdicts = ask(approvals)
    assert reply(approvals, op="answer", id="one", yes=yes, reason="so")["id"] == "one"
    assert verdicts == [Verdict(answer, "operator via cli", 0.0, "so")]
    with pytest.raises(ConflictError):
        reply(approvals, op="answer", id="one", yes=yes)
    with pytest.raises(NotFoundError):
        reply(approvals, op="approval", id="two")


def test_an_answer_from_elsewhere_says_whose_it_is(approvals: Approvals) -> None:
    verdicts = ask(approvals)
    reply(approvals, op="answer", id="one", yes=True, by="ada at the page")
    assert verdicts == [Verdict(Answer.YES, "ada at the page", 0.0, "")]


@pytest.mark.parametrize(
    "message",
    [
        {"op": "answer", "id": "one", "yes": True, "by": 5},
        {"op": "answer", "id": "one", "yes": True, "by": "x" * 129},
        {"op": "approval"},
        {"op": "approval", "id": 5},
        {"op": "answer", "id": "one"},
        {"op": "answer", "id": "one", "yes": 1},
        {"op": "answer", "id": "one", "yes": "true"},
        {"op": "answer", "id": "one", "yes": True, "reason": None},
    ],
)
def test_what_is_not_clearly_an_answer_is_none(
    approvals: Approvals, message: dict[str, object]
) -> None:
    verdicts = ask(approvals)
    with pytest.raises(UsageError, match="does not know this request"):
        reply(approvals, **message)
    assert verdicts == []


@pytest.mark.parametrize("wait", [0, -1, 0.01, "long", None])
def test_who_waits_for_a_change_gets_the_list_when_the_time_is_up(
    approvals: Approvals, wait: object
) -> None:
    assert reply(approvals, op="approvals", after=0, wait=wait) == {"version": 0, "pending": []}
    assert approvals._watchers == []


def test_a_change_is_told_at_once(approvals: Approvals) -> None:
    async def watch() -> dict[str, Any]:
        waiting = asyncio.create_task(
            answer_desk(approvals, {"op": "approvals", "after": 0, "wait": 20})
        )
        await asyncio.sleep(0)
        ask(approvals)
        return await waiting

    found = asyncio.run(watch())
    assert [row["id"] for row in found["pending"]] == ["one"]
