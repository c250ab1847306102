import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.connector import Connector
from config.policy import Policy, Rule
from proxy.policy.decision import Caller
from proxy.portal.connectors import View
from proxy.portal.pages import answer_portal
from proxy.portal.question import Question
from proxy.problems import KINDS, PROBLEM_BASE, Answer, Problem, ProblemCode, render_problem
from proxy.vault.inventory import CredentialState
from tests.support.registries import owning, snapshot_of

PEM = b"-----BEGIN CERTIFICATE-----\n"
HUB = owning(
    "hubspot-api",
    "api.hubapi.com:443",
    "api.hubspot.com:443",
    provider="hubspot",
    test_path="/account-info/v3/details",
    policy=Policy(allow=(Rule(frozenset({"GET", "POST"}), ("/crm/**",)),)),
)
BOOKS = owning("books", "books.example:8443", enabled=False)
TENANTS = owning("tenants", "*.tenant.example:443")
SECRET_ONE = owning("payroll", "payroll.example:443")
SNAPSHOT = snapshot_of(HUB, BOOKS, TENANTS, SECRET_ONE)
ADA = Caller("ada", frozenset({"hubspot-api", "books", "tenants", "gone"}))


def ask(
    path: str,
    method: str = "GET",
    *,
    accept: str = "",
    tag: str = "",
    caller: Caller = ADA,
    state: CredentialState | None = "ready",
    snapshot: Any = SNAPSHOT,
) -> Answer:
    view = View(caller, snapshot, lambda _connector: state, lambda: PEM)
    return answer_portal(Question(method, path, accept, tag), view)


def document(path: str, **more: Any) -> Any:
    answer = ask(path, **more)
    assert answer.status == 200, answer.body
    assert dict(answer.headers)["Content-Type"] == "application/json"
    return json.loads(answer.body)


def text(path: str, **more: Any) -> str:
    answer = ask(path, **more)
    assert answer.status == 200, answer.body
    assert dict(answer.headers)["Content-Type"] == "text/plain; charset=utf-8"
    return answer.body.decode()


def called(slug: str, name: str, host: str, **more: Any) -> Connector:
    return owning(slug, f"{host}:443", name=name, **more)


class TestConnectors:
    def test_each_is_told_with_all_that_a_call_needs(self) -> None:
        found = document("/connectors")
        assert found["agent"] == "ada"
        assert [entry["slug"] for entry in found["connectors"]] == [
            "books",
            "hubspot-api",
            "tenants",
        ]
        assert found["connectors"][1] == {
            "slug": "hubspot-api",
            "name": "hubspot-api",
            "status": "ready",
            "base_url": "https://api.hubapi.com/",
            "hosts": ["https://api.hubapi.com", "https://api.hubspot.com"],
            "name_url": "http://hubspot-api.connector.keyhatch.internal/",
            "header": "Keyhatch-Connector: hubspot-api",
            "header_needed": False,
            "example": "GET https://api.hubapi.com/account-info/v3/details",
            "policy": ["GET, POST on /crm/**"],
            "hint": None,
            "self": "http://keyhatch.internal/connectors/hubspot-api",
        }

    def test_no_other_agents_connector_is_named_anywhere(self) -> None:
        for path in ("/", "/connectors", "/llms.txt", "/problems", "/connectors/hubspot"):
            for accept in ("application/json", "text/plain"):
                assert b"payroll" not in ask(path, accept=accept).body

    def test_a_connector_that_was_not_granted_is_answered_like_an_unknown_one(self) -> None:
        assert ask("/connectors/payroll") == ask("/connectors/nobody")
        assert ask("/connectors/payroll").status == 404

    def test_a_caller_without_narrowing_sees_every_one(self) -> None:
        found = document("/connectors", caller=Caller("run", None))
        assert len(found["connectors"]) == 4

    def test_one_without_a_base_has_neither_address(self) -> None:
        found = document("/connectors/tenants")
        assert (found["base_url"], found["name_url"]) == (None, None)
        assert found["hosts"] == ["https://*.tenant.example"]

    @pytest.mark.parametrize(
        ("state", "command"),
        [
            ("needs-credential", "set hubspot-api --secret-stdin"),
            ("changed", "confirm hubspot-api"),
            ("needs-connecting", "connect hubspot-api"),
            ("needs-reauthorization", "connect hubspot-api"),
            ("configuration-error", "show hubspot-api"),
        ],
    )
    def test_one_that_is_not_ready_names_what_mends_it(
        self, state: CredentialState, command: str
    ) -> None:
        found = document("/connectors/hubspot-api", state=state)
        assert found["status"] == state
        assert f"`keyhatch connector {command}`" in found["hint"]

    def test_one_that_is_switched_off_is_told_as_disabled(self) -> None:
        found = document("/connectors/books", state="needs-credential")
        assert found["status"] == "disabled"
        assert "enable books" in found["hint"]

    def test_a_vault_that_does_not_tell_is_unknown_not_ready(self) -> None:
        assert document("/connectors/hubspot-api", state=None)["status"] == "unknown"

    def test_two_on_one_host_need_the_header(self) -> None:
        one, two = owning("one", "both.example:443"), owning("two", "both.example:443")
        snapshot = snapshot_of(one, two)
        both = document("/connectors", snapshot=snapshot, caller=Caller("ada", None))
        assert [entry["header_needed"] for entry in both["connectors"]] == [True, True]
        alone = Caller("ada", frozenset({"one"}))
        found = document("/connectors", snapshot=snapshot, caller=alone)
        assert [entry["header_needed"] for entry in found["connectors"]] == [False]


class TestByName:
    SNAPSHOT = snapshot_of(
        called("crm", "HubSpot API", "a.example", provider="hubspot"),
        called("crm-eu", "HubSpot Europe", "b.example", provider="hubspot"),
        called("mail-out", "Ausgehende Post · Café", "c.example", provider="mailgun"),
        called("nihongo", "日本", "d.example"),
    )

    @pytest.mark.parametrize(
        ("asked", "slug"),
        [
            ("crm", "crm"),
            ("CRM-EU", "crm-eu"),
            ("HubSpot%20API", "crm"),
            ("hubspot%20europe", "crm-eu"),
            ("hubspot-europe", "crm-eu"),
            ("Europe", "crm-eu"),
            ("mailgun", "mail-out"),
            ("Mailgun", "mail-out"),
            ("caf%C3%A9", "mail-out"),
            ("%E6%97%A5%E6%9C%AC", "nihongo"),
        ],
    )
    def test_a_connector_is_found_by_what_a_person_calls_it(self, asked: str, slug: str) -> None:
        path = f"/connectors/{asked}"
        found = document(path, snapshot=self.SNAPSHOT, caller=Caller("a", None))
        assert found["slug"] == slug

    def test_a_name_that_fits_several_is_409_and_lists_them(self) -> None:
        answer = ask("/connectors/hubspot", snapshot=self.SNAPSHOT, caller=Caller("a", None))
        problem = json.loads(answer.body)
        assert (answer.status, problem["code"]) == (409, "ambiguous-connector")
        assert "crm, crm-eu" in problem["detail"]

    @pytest.mark.parametrize("asked", ["%", "-", "%20", "x", "..", "%FF", "hub", "ex"])
    def test_anything_else_is_404(self, asked: str) -> None:
        path = f"/connectors/{asked}"
        assert ask(path, snapshot=self.SNAPSHOT, caller=Caller("a", None)).status == 404


class TestGuide:
    def test_it_says_how_to_call_and_lists_the_agents_connectors(self) -> None:
        guide = text("/llms.txt")
        assert '- hubspot-api "hubspot-api": ready; base address https://api.hubapi.com/' in guide
        assert "http://hubspot-api.connector.keyhatch.internal/" in guide
        assert "GET, POST on /crm/**" in guide
        assert all(f"- {code} ({KINDS[code].status})" in guide for code in ProblemCode)

    def test_without_connectors_it_says_so(self) -> None:
        assert "granted you no connector" in text("/llms.txt", caller=Caller("a", frozenset()))

    @given(st.text(st.characters(codec="utf-8"), min_size=1))
    def test_a_name_stays_quoted_and_on_its_line(self, name: str) -> None:
        """A display name that reads like instructions is a label and nothing else."""
        caller = Caller("a", None)
        guides = [
            text("/llms.txt", snapshot=snapshot_of(called("hub", n, "api.example")), caller=caller)
            for n in (name, "x")
        ]
        lines = [guide.splitlines() for guide in guides]
        assert len(lines[0]) == len(lines[1])
        (line,) = [line for line in lines[0] if line.startswith("- hub ")]
        assert re.match(
            r'- hub "(?:[^"\\]|\\.)*": ready; base address https://api\.example/;', line
        )

    @pytest.mark.parametrize(("scheme", "told"), [("http", True), ("https", False)])
    def test_a_service_without_encryption_is_told_as_such(self, scheme: Any, told: bool) -> None:
        plain = snapshot_of(owning("plain", "plain.example:80", scheme=scheme))
        guide = text("/llms.txt", snapshot=plain, caller=Caller("a", frozenset({"plain"})))
        [line] = [one for one in guide.splitlines() if one.startswith("- plain ")]
        assert ("leaves in clear" in line) is told
        assert "unless" in guide


class TestForms:
    @pytest.mark.parametrize(
        ("accept", "is_json"),
        [
            ("", True),
            ("*/*", True),
            ("text/html, application/xhtml+xml, */*;q=0.8", True),
            ("text/plain", False),
            ("text/*", False),
            ("text/plain;q=0.5, application/json", True),
            ("application/json;q=0.1, text/plain;q=0.2", False),
            ("application/json;q=0, */*", False),
            ("image/png", True),
            ("application/json;q=banana, text/plain;q=0.1", False),
        ],
    )
    def test_the_list_comes_in_the_form_that_is_wanted(self, accept: str, is_json: bool) -> None:
        kind = dict(ask("/connectors", accept=accept).headers)["Content-Type"]
        assert (kind == "application/json") is is_json

    def test_pages_are_text_unless_json_is_asked_for(self) -> None:
        for path in ("/", "/problems", "/problems/bad-request"):
            assert text(path, accept="*/*")
            assert document(path, accept="application/json")

    @given(st.text())
    def test_no_accept_field_breaks_it(self, accept: str) -> None:
        assert ask("/connectors", accept=accept).status == 200

    def test_what_is_the_agents_own_is_never_kept(self) -> None:
        for path in ("/connectors", "/llms.txt", "/connectors/books"):
            fields = dict(ask(path).headers)
            assert fields["Cache-Control"] == "no-store"
            assert "ETag" not in fields

    @pytest.mark.parametrize("path", ["/", "/ca.pem", "/problems", "/problems/egress-denied"])
    def test_what_is_the_same_for_all_is_not_sent_twice(self, path: str) -> None:
        first = ask(path)
        tag = dict(first.headers)["ETag"]
        for given_tag in (tag, f"W/{tag}", f'"other", {tag}', "*"):
            again = ask(path, tag=given_tag)
            assert (again.status, again.body) == (304, b"")
        assert ask(path, tag='"other"').status == 200
        assert ask(path, tag=tag, accept="application/json").status == (
            304 if path == "/ca.pem" else 200
        )


class TestPages:
    @pytest.mark.parametrize("code", ProblemCode)
    def test_every_problem_has_the_page_that_its_type_names(self, code: ProblemCode) -> None:
        url = PROBLEM_BASE + code
        page = text(url.removeprefix("http://keyhatch.internal"))
        assert KINDS[code].explanation in page

    def test_the_index_names_every_page_and_the_certificate(self) -> None:
        page = text("/")
        assert all(PROBLEM_BASE + code in page for code in ProblemCode)
        for path in ("ca.pem", "connectors", "llms.txt"):
            assert f"http://keyhatch.internal/{path}" in page

    def test_the_certificate_is_the_one_of_the_moment(self) -> None:
        assert (ask("/ca.pem").status, ask("/ca.pem").body) == (200, PEM)

    @pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "get", "OPTIONS", ""])
    @pytest.mark.parametrize("path", ["/", "/connectors", "/nowhere"])
    def test_it_can_only_be_read(self, method: str, path: str) -> None:
        """Invariant 15: nothing that an agent asks here changes anything."""
        answer = ask(path, method)
        assert (answer.status, dict(answer.headers)["Allow"]) == (405, "GET, HEAD")

    @pytest.mark.parametrize(
        "path", ["/nowhere", "/connectors/a/b", "/problems/x", "/ca", "/connector"]
    )
    def test_what_is_not_there_is_a_problem(self, path: str) -> None:
        answer = ask(path)
        assert (answer.status, json.loads(answer.body)["code"]) == (404, "not-found")

    @given(st.text())
    def test_invariant_04_what_an_agent_writes_is_never_sent_back(self, path: str) -> None:
        for folder in ("", "connectors/", "problems/"):
            answer = ask(f"/{folder}{path}canary-51e0")
            assert answer.status == 404
            assert b"canary-51e0" not in answer.body


class TestProblems:
    @pytest.mark.parametrize("code", ProblemCode)
    def test_a_problem_has_every_member_of_the_contract(self, code: ProblemCode) -> None:
        answer = render_problem(Problem(code, "detail", connector="hub"))
        found = json.loads(answer.body)
        assert found.keys() == {"type", "title", "status", "detail", "code", "connector", "hint"}
        assert found["type"] == PROBLEM_BASE + code
        assert found["status"] == answer.status
        assert found["hint"], "there is always a next step"
        fields = dict(answer.headers)
        assert fields["Content-Type"] == "application/problem+json"
        assert fields["Proxy-Status"].startswith("keyhatch; error=")
        assert ("Proxy-Authenticate" in fields) is (answer.status == 407)

    @given(st.text())
    def test_a_problem_stays_json_and_ascii_whatever_it_quotes(self, quoted: str) -> None:
        """Its bytes stand in a response: none of them may be another's to choose freely."""
        answer = render_problem(Problem(ProblemCode.BAD_REQUEST, quoted, quoted, quoted))
        assert answer.body.isascii()
        assert json.loads(answer.body)["detail"] == quoted
