import json
import os
import pwd
from typing import Any

import pytest

from admin.operations.ledger import user_name
from tests.support.command_line import CommandLine
from tests.support.journals import lines_of

SECRET = "canary-5f0c1d2e3b4a59687786950413"
ADD = ("connector", "add", "HubSpot API", "--type", "api-key", "--provider", "hubspot")


def acts(line: CommandLine) -> list[dict[str, Any]]:
    records = [json.loads(text) for text in lines_of(line.home / "audit")]
    return [record for record in records if record["event"] == "admin"]


@pytest.fixture
def hub(keyhatch: CommandLine) -> CommandLine:
    assert keyhatch(*ADD, "--secret-stdin", stdin=SECRET).code == 0
    return keyhatch


def test_a_new_connector_is_on_record_with_whoever_made_it(hub: CommandLine) -> None:
    [act] = acts(hub)
    assert act["mac"]
    told = {key: act[key] for key in ("action", "agent", "connector", "to", "by")}
    assert told == {
        "action": "connector.add",
        "agent": None,
        "connector": "hubspot-api",
        "to": None,
        "by": pwd.getpwuid(os.getuid()).pw_name,
    }


COMMANDS = [
    (("connector", "set", "hubspot-api", "--secret-stdin"), "connector.set"),
    (("connector", "rename", "hubspot-api", "Sales"), "connector.rename"),
    (("connector", "disable", "hubspot-api"), "connector.disable"),
    (("connector", "enable", "hubspot-api"), "connector.enable"),
    (("connector", "delete", "hubspot-api", "--yes"), "connector.delete"),
    (("agent", "add", "bot", "--connector", "hubspot-api"), "agent.add"),
    (("vault", "rotate-key"), "vault.rotate-key"),
]


@pytest.mark.parametrize(("command", "action"), COMMANDS)
def test_what_a_command_does_is_on_record(
    hub: CommandLine, command: tuple[str, ...], action: str
) -> None:
    assert hub(*command, stdin=SECRET).code == 0
    assert [act["action"] for act in acts(hub)] == ["connector.add", action]
    assert hub("logs", "verify").code == 0


def test_a_grant_is_a_record_for_each_connector(hub: CommandLine) -> None:
    hub(*ADD[:2], "Second", *ADD[3:], "--no-secret")
    hub("agent", "add", "bot")
    hub("agent", "grant", "bot", "second", "hubspot-api")
    granted = [act["connector"] for act in acts(hub) if act["action"] == "agent.grant"]
    assert sorted(granted) == ["hubspot-api", "second"]


def test_what_failed_is_not_on_record(hub: CommandLine) -> None:
    assert hub("connector", "rename", "nothing", "x").code == 3
    assert len(acts(hub)) == 1


def test_invariant_08_no_record_has_a_secret_or_a_token(hub: CommandLine) -> None:
    token = hub("agent", "add", "bot").out.strip()
    content = b"".join(lines_of(hub.home / "audit")).decode()
    assert SECRET not in content
    assert token not in content


def test_a_log_that_cannot_be_written_undoes_nothing(hub: CommandLine) -> None:
    """A token must not stay valid because the disk is full."""
    hub("agent", "add", "bot")
    audit = hub.home / "audit"
    for path in audit.iterdir():
        path.unlink()
    audit.rmdir()
    outcome = hub("agent", "delete", "bot", "--yes")
    assert outcome.code == 0
    assert "not in the audit log" in outcome.err


def test_with_a_passphrase_nobody_is_asked_just_for_the_record(bare: CommandLine) -> None:
    passphrase = "correct horse battery"
    init = bare("init", "--key-source", "passphrase", typed=[passphrase, passphrase])
    assert init.code == 0
    assert bare("agent", "add", "bot").asked == []
    [act] = acts(bare)
    assert act["mac"] is None
    verified = bare("logs", "verify", typed=[passphrase])
    assert (verified.code, "without a MAC" in verified.err) == (0, True)


def test_the_user_is_not_what_the_environment_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOGNAME", "somebody-else")
    assert user_name() == pwd.getpwuid(os.getuid()).pw_name
