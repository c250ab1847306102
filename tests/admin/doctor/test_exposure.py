"""What the doctor says of an agent under the same user, fact by fact."""

from typing import Any

import pytest

from admin.doctor.exposure import ROOT_GROUPS, check_exposure
from admin.doctor.finding import Finding, Grade
from admin.doctor.view import Fault
from tests.support.doctor import view, worse

ALWAYS = "agents under this user can connect without the proxy"


def findings(**facts: Any) -> list[Finding]:
    return list(check_exposure(view(**facts)))


def beyond(**facts: Any) -> Finding:
    """Return the one finding that is not fine beside the one that is always there."""
    [one] = [finding for finding in worse(findings(**facts)) if finding.what != ALWAYS]
    return one


def test_that_the_proxy_can_be_gone_around_is_always_said() -> None:
    assert [finding.what for finding in worse(findings())] == [ALWAYS]


@pytest.mark.parametrize(
    ("facts", "topic", "text"),
    [
        ({"unmatched": "tunnel"}, "way out", "every public host"),
        ({"key_source": "file"}, "vault key", "beside the vault"),
        ({"key_source": "keyring", "session_bus": True}, "vault key", "D-Bus"),
        ({"key_source": "environment"}, "vault key", "a file that this user can read"),
        ({"platform": "darwin"}, "memory", "debugger"),
        ({"ptrace_scope": 0}, "memory", "each other's memory"),
        ({"ptrace_scope": None}, "memory", "each other's memory"),
        ({"open_swap": ("/dev/sda2",)}, "swap", "/dev/sda2"),
        ({"own_code": True}, "program", "change Keyhatch itself"),
        ({"uid": 0}, "root", "you are root"),
        ({"sockets": ("/run/docker.sock",)}, "root", "/run/docker.sock"),
        ({"ssh_agent": True}, "ssh agent", "log in"),
        ({"no_wall": Fault("bubblewrap is not installed", "install it")}, "sandbox", "bubblewrap"),
        ({"approvals": True}, "approvals", "say yes"),
        ({"past_the_wall": ("ada",)}, "sandbox", "ada is run behind the wall only"),
    ],
)
def test_what_is_open_is_a_warning_with_its_remedy(
    facts: dict[str, Any], topic: str, text: str
) -> None:
    found = [f for f in worse(findings(**facts)) if f.topic == topic and f.what != ALWAYS]
    assert [(f.grade, f.topic) for f in found] == [(Grade.WARNING, topic)]
    assert text in found[0].what
    assert found[0].advice


@pytest.mark.parametrize("group", sorted(ROOT_GROUPS))
def test_a_group_that_leads_to_root_is_named(group: str) -> None:
    assert group in beyond(groups=frozenset({group, "users"})).what


def test_a_program_that_other_users_can_change_is_a_problem() -> None:
    found = beyond(strangers_code=("/opt/shared/bin",), own_code=True)
    assert (found.grade, found.topic) == (Grade.PROBLEM, "program")
    assert "/opt/shared/bin" in found.what


@pytest.mark.parametrize("scope", [1, 2, 3])
def test_yama_closes_memory(scope: int) -> None:
    assert "memory" not in {finding.topic for finding in worse(findings(ptrace_scope=scope))}


def test_the_wall_comes_first_and_is_the_remedy_where_it_can_be_built() -> None:
    first, way_out, *_ = findings()
    assert (first.topic, first.grade) == ("sandbox", Grade.OK)
    assert "run --sandbox" in first.what
    assert "run --sandbox" in way_out.advice


def test_what_keeps_the_wall_from_being_built_is_said_and_it_is_no_remedy_then() -> None:
    fault = Fault("bubblewrap is not installed: there is no program bwrap", "install it")
    first, way_out, *_ = findings(no_wall=fault)
    assert (first.what, first.advice) == (fault.what, fault.advice)
    assert "run --sandbox" not in way_out.advice


def test_a_keyring_without_a_bus_is_out_of_reach() -> None:
    assert [finding.what for finding in worse(findings(key_source="keyring"))] == [ALWAYS]
