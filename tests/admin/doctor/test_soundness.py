"""What the doctor says of an installation, fact by fact."""

import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from admin.doctor.finding import Finding, Grade
from admin.doctor.soundness import LITTLE, MITMPROXY, NONE, check_soundness
from admin.doctor.view import Fault
from admin.operations.view import ATTENTION
from proxy.server.surroundings import REFUSED
from tests.support.doctor import AUTHORITY, HARDENED, RUNNING, only, view, worse

ROOT = Path(__file__).parents[3]
FAULT = Fault("something is wrong with it", "do this")


def findings(**facts: Any) -> list[Finding]:
    return list(check_soundness(view(**facts)))


def test_a_sound_installation_has_nothing_but_good_findings() -> None:
    found = findings()
    assert worse(found) == []
    assert {"home", "configuration", "vault", "local CA", "proxy", "audit log", "versions"} == {
        finding.topic for finding in found
    }


@pytest.mark.parametrize(
    ("states", "agents", "told"),
    [
        ({}, 0, "0 connectors, 0 agents"),
        ({"hub": "ready"}, 1, "1 connector, 1 agent"),
        ({"hub": "ready", "old": "disabled"}, 2, "2 connectors, 2 agents"),
    ],
)
def test_it_counts_in_words_that_are_right(states: Any, agents: int, told: str) -> None:
    found = findings(states=states, agents=agents)
    assert [one.what for one in found if one.topic == "configuration"] == [told]


def test_a_home_without_a_proxy_or_a_key_is_sound_too() -> None:
    assert worse(findings(proxy=None, key_source="", authority=None)) == []


@pytest.mark.parametrize(
    ("fact", "topic"),
    [
        ("home_fault", "home"),
        ("config_fault", "configuration"),
        ("vault_fault", "vault"),
        ("authority_fault", "local CA"),
        ("proxy_fault", "proxy"),
        ("roots_fault", "upstream_ca"),
    ],
)
def test_a_fault_is_a_problem_in_its_own_words(fact: str, topic: str) -> None:
    assert only(findings(**{fact: FAULT})) == Finding(
        topic, Grade.PROBLEM, FAULT.what, FAULT.advice
    )


@pytest.mark.parametrize("state", sorted(ATTENTION))
def test_a_connector_that_waits_for_the_operator_comes_with_the_command(state: str) -> None:
    found = only(findings(states={"hub": state}))
    assert found.grade is Grade.WARNING
    assert found.what == f"hub: {state}"
    assert ATTENTION[state].format("hub") in found.advice


@pytest.mark.parametrize("host", ["127.0.0.1", "127.9.9.9", "::1", "localhost"])
def test_loopback_is_where_it_should_listen(host: str) -> None:
    assert worse(findings(listen_host=host)) == []


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5", "proxy.corp.example"])
def test_an_address_that_others_reach_is_a_warning(host: str) -> None:
    found = only(findings(listen_host=host))
    assert (found.grade, found.topic) == (Grade.WARNING, "listen address")


@pytest.mark.parametrize(
    ("authority", "grade", "text"),
    [
        ({"left": timedelta(0)}, Grade.PROBLEM, "has ended"),
        ({"constrained": False}, Grade.WARNING, "every name"),
        ({"in_system_store": True}, Grade.WARNING, "system's store"),
    ],
)
def test_a_ca_that_can_do_too_much_or_nothing_is_said(
    authority: dict[str, Any], grade: Grade, text: str
) -> None:
    from dataclasses import replace

    found = only(findings(authority=replace(AUTHORITY, **authority)))
    assert found.grade is grade
    assert text in found.what


@pytest.mark.parametrize(
    ("said", "grade", "text"),
    [
        ({"config_error": "line 4: what is this"}, Grade.PROBLEM, "line 4"),
        ({"token_faults": ["crm: the disk is full"]}, Grade.WARNING, "crm: the disk is full"),
        ({"hardening": {**HARDENED, "memory_closed": False}}, Grade.PROBLEM, "not closed"),
        ({"hardening": None}, Grade.PROBLEM, "not closed"),
    ],
)
def test_what_a_running_proxy_says_of_itself_is_passed_on(
    said: dict[str, Any], grade: Grade, text: str
) -> None:
    found = only(findings(proxy={**RUNNING, **said}))
    assert (found.grade, found.topic) == (grade, "proxy")
    assert text in found.what


def test_a_platform_that_cannot_close_memory_is_no_fault_of_the_proxy() -> None:
    hardening = {"memory_closed": None, "core_dumps_off": True, "no_new_privileges": None}
    assert worse(findings(proxy={**RUNNING, "hardening": hardening})) == []


@pytest.mark.parametrize(
    ("facts", "grade", "text"),
    [
        ({"audit_writable": False}, Grade.PROBLEM, "cannot be written"),
        ({"free": NONE - 1}, Grade.PROBLEM, "full"),
        ({"free": LITTLE - 1}, Grade.WARNING, "nearly full"),
        ({"ahead": timedelta(minutes=6)}, Grade.WARNING, "future"),
    ],
)
def test_an_audit_log_that_stops_requests_soon_is_said(
    facts: dict[str, Any], grade: Grade, text: str
) -> None:
    found = only(findings(**facts))
    assert found.grade is grade
    assert text in found.what


@pytest.mark.parametrize(
    "versions",
    [{"mitmproxy": "12.3.0"}, {"mitmproxy": "11.1.3"}, {"mitmproxy": ""}, {"python": "3.11.9"}],
)
def test_versions_that_it_was_not_made_for_are_a_problem(versions: dict[str, str]) -> None:
    found = only(findings(**versions))
    assert (found.grade, found.topic) == (Grade.PROBLEM, "versions")


def test_the_mitmproxy_that_it_asks_for_is_the_one_that_is_installed_with_it() -> None:
    bound = re.search(r'"mitmproxy>=(\d+)\.(\d+)', (ROOT / "pyproject.toml").read_text())
    assert bound is not None
    assert (int(bound[1]), int(bound[2])) == MITMPROXY


@pytest.mark.parametrize("name", sorted(REFUSED))
def test_a_variable_that_stops_the_start_is_a_problem(name: str) -> None:
    found = only(findings(variables=frozenset({name, "PATH"})))
    assert (found.grade, found.topic) == (Grade.PROBLEM, "environment")
    assert name in found.what


def test_a_library_path_is_a_warning() -> None:
    assert only(findings(variables=frozenset({"LD_LIBRARY_PATH"}))).grade is Grade.WARNING
