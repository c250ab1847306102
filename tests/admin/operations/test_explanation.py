"""Explanations: the decision itself, and the line of connectors.yaml that it comes from."""

from datetime import UTC, datetime
from typing import Any

import pytest

from admin.operations.explanation import Case, explain
from config.catalog import load_catalog
from config.errors import UsageError
from config.load import registry_of
from config.marks import parse_yaml

TEXT = """\
version: 1
settings:
  egress:
    deny:
      - "*.ads.example"
connectors:
  billing:
    type: api_key
    hosts: [billing.example]
    deny:
      - {methods: [DELETE]}
      - {paths: [/admin/**]}
    rate: 9/minute
  twin: {type: api_key, hosts: [billing.example], enabled: off}
agents:
  clerk:
    unmatched: deny
    egress: {allow: [pypi.org]}
    connectors:
      - twin
      - connector: billing
        allow:
          - {methods: [GET]}
          - methods: [POST]
        hours: {days: mon, time: 09:00-17:00, zone: UTC}
        approve: [POST]
        concurrency: 2
"""
MONDAY = datetime(2026, 3, 2, 12, tzinfo=UTC)
DOCUMENT = parse_yaml(TEXT, source="connectors.yaml")
REGISTRY = registry_of(DOCUMENT, load_catalog())


def explained(
    method: str, url: str, *, agent: str | None = "clerk", at: datetime = MONDAY, **case: Any
) -> dict[str, Any]:
    who = REGISTRY.agents[agent] if agent else None
    return explain(Case(who, case.get("connector"), method, url, at), REGISTRY, DOCUMENT)


@pytest.mark.parametrize(
    ("method", "url", "decision", "line", "rule"),
    [
        ("GET", "https://billing.example/v1", "inject", 23, "allow: GET on /**"),
        ("POST", "https://billing.example/v1", "inject, after", 26, "approve: POST"),
        ("DELETE", "https://billing.example/v1", "refuse (403 method", 11, "deny: DELETE"),
        ("GET", "https://billing.example/Admin/x", "refuse (403 method", 12, "deny: any method"),
        ("PUT", "https://billing.example/v1", "refuse (403 method", 22, "no rule of the allow"),
        ("GET", "https://pypi.org/simple", "tunnel", 18, "egress allow: pypi.org of agent"),
        ("GET", "http://pypi.org/simple", "forward", 18, "egress allow: pypi.org of agent"),
        ("GET", "https://x.ads.example/", "refuse (403 egress", 5, "egress deny: *.ads.example"),
        ("GET", "https://other.example/", "refuse (403 egress", 17, "unmatched: deny of agent"),
    ],
)
def test_the_rule_that_decides_is_told_with_its_line(
    method: str, url: str, decision: str, line: int, rule: str
) -> None:
    found = explained(method, url)
    assert found["decision"].startswith(decision)
    assert found["rule"].startswith(rule)
    assert found["line"] == line


def test_outside_the_hours_it_is_told_when_they_begin() -> None:
    found = explained("GET", "https://billing.example/", at=datetime(2026, 3, 2, 8, tzinfo=UTC))
    assert found["decision"] == "refuse (403 outside-hours)"
    assert (found["retry_after"], found["line"]) == (3600, 25)
    assert found["rule"] == "hours: mon 09:00-17:00 UTC of the grant of billing"


def test_the_path_that_would_be_sent_is_told() -> None:
    found = explained("GET", "http://billing.example/%61?q=%61")
    assert found["sent"] == "https://billing.example/a?q=%61"
    assert found["limits"] == ["9/minute", "2 at a time"]


def test_what_no_rule_decides_has_none() -> None:
    for url in ("https://billing.example/a//b", "https://10.0.0.1/", "https://nowhere.internal/"):
        found = explained("GET", url, agent=None if "billing" not in url else "clerk")
        assert found["decision"].startswith("refuse")
        assert (found["rule"], found["line"]) == (None, None)


def test_without_an_agent_no_grant_narrows() -> None:
    found = explained("PUT", "https://billing.example/v1", agent=None)
    assert found["decision"] == "inject"
    assert found["agent"] == "run"
    default = explained("GET", "https://other.example/", agent=None)
    assert default["rule"] == "unmatched: tunnel of the settings (the default)"
    assert default["line"] is None


def test_a_connector_can_be_named() -> None:
    found = explained("GET", "https://billing.example/", connector="twin")
    assert found["decision"] == "refuse (403 connector-disabled)"
    assert "keyhatch connector enable twin" in found["hint"]


def test_a_connector_can_be_asked_by_its_name_and_the_portal_answers_itself() -> None:
    by_name = explained("GET", "http://billing.connector.keyhatch.internal/v1")
    assert by_name["sent"] == "https://billing.example/v1"
    assert explained("GET", "http://keyhatch.internal/")["decision"] == "portal"


@pytest.mark.parametrize(
    ("method", "url"),
    [
        *(("get", "https://a.example/"), ("GET", "a.example"), ("GET", "ftp://a.example/")),
        *(("GET", "https://a.example/#x"), ("GET", "https://u@a.example/"), ("GET", "https://")),
        *(("GET", "https://[::1/"), ("GET", "https://a.example:0/"), ("GET", "https://a b/")),
    ],
)
def test_what_is_never_sent_is_not_explained(method: str, url: str) -> None:
    with pytest.raises(UsageError):
        explained(method, url)
