"""Suggestions from audit records: hosts of nobody become rules or connectors."""

from typing import Any

from admin.audit.suggestion import as_yaml, is_unmatched, suggest
from config.catalog import load_catalog
from tests.support.config_texts import load

CATALOG = load_catalog()
REGISTRY = load("""\
version: 1
connectors: {own: {type: api_key, hosts: [own.example.com]}}
agents: {ada: , bob: }
""")


def record(host: str, agent: str | None = "ada", **more: Any) -> dict[str, Any]:
    values = {
        "event": "outcome",
        "decision": "tunnel",
        "reason": "unmatched",
        "code": None,
        "host": host,
        "port": 443,
        "agent": agent,
        "time": "2026-03-04T12:00:00.000Z",
    }
    return {**values, **more}


REFUSED = {"decision": "refuse", "reason": "egress-denied", "code": "egress-denied"}


def refused(host: str, agent: str | None = "ada", **more: Any) -> dict[str, Any]:
    return record(host, agent, **{**REFUSED, "rule": "settings unmatched: deny", **more})


def hosts(*records: dict[str, Any]) -> list[str]:
    return [s.host for s in suggest(filter(is_unmatched, records), REGISTRY, CATALOG)]


def test_hosts_are_counted_the_most_asked_for_first() -> None:
    records = [record("a.example.org"), *[refused("b.example.org", "bob")] * 2]
    records.append(record("b.example.org", time="2026-03-05T12:00:00.000Z"))
    first, second = suggest(records, REGISTRY, CATALOG)
    assert (first.host, first.count, second.host) == ("b.example.org", 3, "a.example.org")
    assert (first.by["bob"].refused, first.by["ada"].tunnelled) == (2, 1)
    assert first.by["ada"].last == "2026-03-05T12:00:00.000Z"


def test_only_hosts_that_no_connector_owned_count() -> None:
    others = [
        record("a.example.org", event="intent"),
        record("a.example.org", decision="inject", reason="owned"),
        refused("a.example.org", code="connector-not-granted", rule=None),
        refused("a.example.org", rule="agent egress deny a.example.org"),
        refused("a.example.org", rule="settings unmatched: tunnel"),  # refused for its address
        record("own.example.com"),  # owned by now
    ]
    assert hosts(*others) == []


def test_what_no_rule_opens_is_not_proposed() -> None:
    closed = ["10.0.0.1", "169.254.169.254", "printer.local", "intranet", "x.internal"]
    assert hosts(*map(refused, closed), refused("a.example.org", port=22)) == []


def test_a_name_that_the_log_does_not_tell_whole_is_not_proposed() -> None:
    assert hosts(record("{label}.example.org"), record("x y"), record("A.example.org")) == []


def test_a_port_that_is_not_the_webs_is_named() -> None:
    assert hosts(record("a.example.org", port=8443)) == ["a.example.org:8443"]


def test_a_host_of_the_catalog_is_a_connector_to_add() -> None:
    hubspot, zendesk, other = suggest(
        [record("api.hubapi.com"), record("acme.zendesk.com"), record("zz.example.org")],
        REGISTRY,
        CATALOG,
    )
    assert zendesk.host == "acme.zendesk.com" or hubspot.host == "acme.zendesk.com"
    commands = {s.host: s.command for s in (hubspot, zendesk, other)}
    assert commands["api.hubapi.com"] == (
        "keyhatch connector add hubspot --type api-key --provider hubspot"
    )
    assert "--provider zendesk" in (commands["acme.zendesk.com"] or "")
    assert commands["zz.example.org"] is None


def test_the_lines_load_and_say_just_that() -> None:
    records = [
        *(record("a.example.org"), refused("b.example.org"), record("b.example.org", "bob")),
        *(record("c.example.org", "run"), record("d.example.org", None)),
        *(record("a.example.org", port=8443), record("api.hubapi.com"), record("1.1.1.1")),
    ]
    lines = as_yaml(suggest(records, REGISTRY, CATALOG), REGISTRY.agents)
    made = load("version: 1\n" + "\n".join(lines))
    ada, bob = made.agents["ada"], made.agents["bob"]
    assert (ada.unmatched, bob.unmatched, made.settings.unmatched) == ("deny",) * 3
    assert {str(pattern) for pattern in ada.egress.allow} == {
        *("a.example.org", "a.example.org:8443", "b.example.org", "1.1.1.1")
    }
    assert {str(pattern) for pattern in bob.egress.allow} == {"b.example.org"}
    assert {str(pattern) for pattern in made.settings.egress.allow} == {
        *("c.example.org", "d.example.org")
    }
    assert "        - a.example.org  # 1 let through, last 2026-03-04" in lines
