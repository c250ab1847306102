import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.portal import answer_portal
from proxy.problems import KINDS, PROBLEM_BASE, Problem, ProblemCode, render_problem

PEM = b"-----BEGIN CERTIFICATE-----\n"


def get(path: str, method: str = "GET") -> tuple[int, bytes]:
    answer = answer_portal(method, path, lambda: PEM)
    return answer.status, answer.body


@pytest.mark.parametrize("code", ProblemCode)
def test_every_problem_has_the_page_that_its_type_names(code: ProblemCode) -> None:
    url = PROBLEM_BASE + code
    status, body = get(url.removeprefix("http://keyhatch.internal"))
    assert status == 200
    assert KINDS[code].explanation.encode() in body


def test_the_index_names_every_page_and_the_certificate() -> None:
    status, body = get("/")
    assert status == 200
    assert all((PROBLEM_BASE + code).encode() in body for code in ProblemCode)
    assert b"http://keyhatch.internal/ca.pem" in body


def test_the_certificate_is_the_one_of_the_moment() -> None:
    assert get("/ca.pem") == (200, PEM)


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "get", "OPTIONS", ""])
def test_it_can_only_be_read(method: str) -> None:
    """Invariant 15: nothing that an agent asks here changes anything."""
    assert get("/", method)[0] == 405


@given(st.text())
def test_invariant_04_what_an_agent_writes_is_never_sent_back(path: str) -> None:
    marked = f"/{path}canary-51e0"
    status, body = get(marked)
    assert status == 404
    assert b"canary-51e0" not in body


@pytest.mark.parametrize("code", ProblemCode)
def test_a_problem_has_every_member_of_the_contract(code: ProblemCode) -> None:
    answer = render_problem(Problem(code, "detail", connector="hub"))
    document = json.loads(answer.body)
    assert document.keys() == {"type", "title", "status", "detail", "code", "connector", "hint"}
    assert document["type"] == PROBLEM_BASE + code
    assert document["status"] == answer.status
    assert document["hint"], "there is always a next step"
    fields = dict(answer.headers)
    assert fields["Content-Type"] == "application/problem+json"
    assert fields["Proxy-Status"].startswith("keyhatch; error=")
    assert ("Proxy-Authenticate" in fields) is (answer.status == 407)


@given(st.text())
def test_a_problem_stays_json_and_ascii_whatever_it_quotes(text: str) -> None:
    """Its bytes stand in a response: none of them may be another's to choose freely."""
    answer = render_problem(Problem(ProblemCode.BAD_REQUEST, text, connector=text, hint=text))
    assert answer.body.isascii()
    assert json.loads(answer.body)["detail"] == text
