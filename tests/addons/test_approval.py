"""Requests that wait for the operator's yes, over sockets: what is approved is what is sent."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from proxy.policy.approvals import MAX_OF_AGENT
from proxy.policy.held import MAX_HELD_BODY
from tests.addons.conftest import KEY
from tests.addons.test_protocols import H2Client, h2_fields
from tests.support.approving import HOST, URL, answer, ask, text_of, waiting
from tests.support.lane import RunningLane, running_lane
from tests.support.origin import Origin
from tests.support.raw_client import RawClient, Reply, proxy_authorization


@pytest.fixture(scope="module")
def origin() -> Iterator[Origin]:
    with Origin(hosts=(HOST, "other.example.com", "key.example.com")) as service:
        yield service


@pytest.fixture
def lane(origin: Origin, tmp_path: Path) -> Iterator[RunningLane]:
    origin.requests.clear()
    with running_lane(
        tmp_path / "home", text_of(origin.dial), {"secret": KEY}, origin=origin
    ) as running:
        yield running


@pytest.fixture
def client(lane: RunningLane) -> Iterator[RawClient]:
    with RawClient(lane.port, lane.token) as connection:
        yield connection


def test_a_request_is_held_until_yes_and_then_sent_as_it_is(
    client: RawClient, lane: RunningLane, origin: Origin
) -> None:
    ask(client, lane, "POST", "Content-Type: text/x", body=b"hello \x00\xff")
    [found] = waiting(lane)
    assert origin.requests == []
    assert (found.request.agent, found.request.connector, found.request.method) == (
        "run",
        "asks",
        "POST",
    )
    assert found.request.url == f"https://{HOST}/echo"
    answer(lane, found)
    assert client.reply().status == 200
    [sent] = origin.requests
    assert (sent.method, sent.target, sent.body) == ("POST", "/echo", b"hello \x00\xff")
    assert sent.all("authorization") == [f"Bearer {KEY}"]
    [record] = lane.outcomes()
    assert record["approval"]["answer"] == "yes"
    assert record["approval"]["by"] == "operator"
    assert record["approval"]["digest"] == found.request.digest() == found.digest
    assert record["approval"]["ms"] >= 0
    assert record["bytes_in"] == 8
    [intent] = [r for r in lane.records() if r["event"] == "intent"]
    assert intent["approval"] == record["approval"]


def test_what_needs_no_approval_does_not_wait(client: RawClient, lane: RunningLane) -> None:
    assert client.get(URL).status == 200
    assert "approval" not in lane.outcomes()[0]


def test_a_no_is_told_with_its_reason_and_the_connection_goes_on(
    client: RawClient, lane: RunningLane, origin: Origin
) -> None:
    ask(client, lane, "DELETE")
    [found] = waiting(lane)
    answer(lane, found, yes=False, reason="not on a Friday")
    reply = client.reply()
    assert (reply.status, reply.code) == (403, "approval-denied")
    assert reply.json["detail"].endswith("said no to this request: not on a Friday")
    assert client.get(URL).status == 200
    assert [request.method for request in origin.requests] == ["GET"]
    record = lane.outcomes(2)[0]
    assert (record["decision"], record["code"]) == ("refuse", "approval-denied")
    assert record["approval"]["answer"] == "no"


def test_without_an_answer_it_is_refused_when_its_time_is_up(
    lane: RunningLane, client: RawClient, origin: Origin
) -> None:
    lane.swap(text_of(origin.dial, timeout="1s"))
    reply = client.call("POST", URL, body=b"x")
    assert (reply.status, reply.code) == (403, "approval-timed-out")
    assert origin.requests == []
    [record] = lane.outcomes()
    assert (record["approval"]["answer"], record["approval"]["by"]) == ("timed-out", None)


CHUNKED = b"5;ext=1\r\nhello\r\n1\r\n \r\n5\r\nworld\r\n0\r\nTrailer: x\r\n\r\n"


@pytest.mark.parametrize("expects", [False, True])
def test_a_chunked_body_arrives_as_it_was_approved(
    client: RawClient, lane: RunningLane, origin: Origin, expects: bool
) -> None:
    more = ("Expect: 100-continue",) if expects else ()
    ask(client, lane, "POST", "Transfer-Encoding: chunked", *more)
    if expects:
        assert client.reply().status == 100
    client.send(CHUNKED)
    [found] = waiting(lane)
    assert found.request.body == b"hello world"
    answer(lane, found)
    assert client.reply().status == 200
    assert origin.requests[0].body == b"hello world"


def test_a_body_of_http2_arrives_as_it_was_approved(
    client: RawClient, lane: RunningLane, origin: Origin
) -> None:
    speaker = H2Client(lane, client, HOST)
    body = bytes(range(256)) * 40
    stream = speaker.send([(":method", "PUT"), *h2_fields(HOST)[1:]], body)
    [found] = waiting(lane)
    assert found.request.body == body
    answer(lane, found)
    head, _ = speaker.answer(stream)
    assert head[":status"] == "200"
    assert origin.requests[0].body == body
    assert origin.requests[0].all("authorization") == [f"Bearer {KEY}"]


def test_streams_of_one_connection_are_answered_in_another_order(
    client: RawClient, lane: RunningLane, origin: Origin
) -> None:
    speaker = H2Client(lane, client, HOST)
    put = [(":method", "PUT"), *h2_fields(HOST)[1:]]
    one = speaker.send(put, b"first")
    waiting(lane)
    other = speaker.send(put, b"second")
    first, second = waiting(lane, 2)
    assert (first.request.body, second.request.body) == (b"first", b"second")
    answer(lane, second)
    assert speaker.answer(other)[0][":status"] == "200"
    answer(lane, first, yes=False)
    assert speaker.answer(one)[0][":status"] == "403"
    assert [request.body for request in origin.requests] == [b"second"]


def test_a_stream_that_is_reset_cannot_be_approved(
    client: RawClient, lane: RunningLane, origin: Origin
) -> None:
    speaker = H2Client(lane, client, HOST)
    stream = speaker.send([(":method", "PUT"), *h2_fields(HOST)[1:]], b"x")
    waiting(lane)
    speaker.reset(stream)
    waiting(lane, 0)
    assert speaker.get(h2_fields(HOST))[0][":status"] == "200"
    assert [request.method for request in origin.requests] == ["GET"]


@pytest.mark.parametrize("told_before", [True, False])
def test_a_body_over_the_limit_is_refused_before_anybody_is_asked(
    client: RawClient, lane: RunningLane, origin: Origin, told_before: bool
) -> None:
    if told_before:
        length = f"Content-Length: {MAX_HELD_BODY + 1}"
        ask(client, lane, "POST", length, "Expect: 100-continue")
    else:
        ask(client, lane, "POST", "Transfer-Encoding: chunked")
        client.send(b"%x\r\n" % (MAX_HELD_BODY + 1) + b"x" * (MAX_HELD_BODY + 1))
    reply = client.reply()
    assert (reply.status, reply.code) == (413, "limit-exceeded")
    assert origin.requests == []
    [record] = lane.outcomes()
    assert (record["status"], record["code"]) == (413, "limit-exceeded")
    assert lane.call(lane.engine.approvals.pending) == ()


def test_a_body_of_just_the_limit_is_held(client: RawClient, lane: RunningLane) -> None:
    ask(client, lane, "POST", body=b"x" * MAX_HELD_BODY)
    [found] = waiting(lane)
    answer(lane, found)
    assert client.reply().status == 200


def test_an_agent_that_hangs_up_takes_its_request_back(lane: RunningLane, origin: Origin) -> None:
    with RawClient(lane.port, lane.token) as client:
        ask(client, lane)
        [found] = waiting(lane)
    waiting(lane, 0)
    with pytest.raises(Exception, match="its agent hung up"):
        answer(lane, found)
    [record] = lane.outcomes()
    assert record["status"] is None
    assert origin.requests == []
    assert lane.engine.approvals._seats.total() == 0


def test_a_grant_asks_for_paths_of_its_own(lane: RunningLane, origin: Origin) -> None:
    with RawClient(lane.port, lane.lease("ada")) as client:
        assert client.get("http://other.example.com/b").status == 200
        host = "other.example.com"
        token = proxy_authorization(client._token or "")
        client.send(f"GET http://{host}/%61/x HTTP/1.1\r\nHost: {host}\r\n{token}\r\n\r\n".encode())
        [found] = waiting(lane)
        assert found.request.url == "https://other.example.com/a/x"
        answer(lane, found)
        assert client.reply().status == 200
    assert origin.requests[-1].target == "/a/x"


def test_more_than_the_places_of_an_agent_are_refused(lane: RunningLane) -> None:
    with ExitStack() as stack:
        clients = [
            stack.enter_context(RawClient(lane.port, lane.token)) for _ in range(MAX_OF_AGENT + 1)
        ]
        for client in clients[:-1]:
            ask(client, lane)
        held = waiting(lane, MAX_OF_AGENT)
        ask(clients[-1], lane)
        reply = clients[-1].reply()
        assert (reply.status, reply.code) == (429, "limit-exceeded")
        assert reply.one("retry-after") is not None
        answer(lane, held[0], yes=False)
        assert clients[0].reply().status == 403
        ask(clients[0], lane)
        waiting(lane, MAX_OF_AGENT)


def test_the_end_of_the_proxy_refuses_what_waits(origin: Origin, tmp_path: Path) -> None:
    replies: list[Reply] = []
    with running_lane(
        tmp_path / "home", text_of(origin.dial), {"secret": KEY}, origin=origin
    ) as lane:
        client = RawClient(lane.port, lane.token)
        ask(client, lane)
        waiting(lane)
    with client:
        replies.append(client.reply())
    assert replies[0].code == "approval-timed-out"
    assert "stopped" in replies[0].json["detail"]
