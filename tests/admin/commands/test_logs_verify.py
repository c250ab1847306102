import os
from pathlib import Path

import pytest

from config.home import Home
from proxy.audit.anchor import load_key, seal
from proxy.audit.chain import Head
from proxy.audit.files import journal_files
from proxy.audit.journal import Journal
from tests.support.command_line import CommandLine
from tests.support.journals import NOW, a_record
from tests.support.vaults import reopen


@pytest.fixture
def head(keyhatch: CommandLine) -> Head:
    """Write a journal as the proxy does, sealed at its end."""
    home = Home(keyhatch.home)
    with reopen(home) as vault:
        key = load_key(vault)
        journal = Journal(home.audit, key)
        for number in range(5):
            journal.append(NOW, a_record(str(number)))
        vault.seal_audit_head(seal(journal.head, key))
        journal.close()
    return journal.head


def file_of(line: CommandLine) -> Path:
    [file] = journal_files(line.home / "audit")
    return file


def test_a_log_as_it_was_written_is_said_to_be(keyhatch: CommandLine, head: Head) -> None:
    outcome = keyhatch("logs", "verify")
    assert outcome.code == 0
    assert outcome.out.splitlines() == [
        "5 records in 1 file",
        "as it was written",
        f"head {head.seq}:{head.digest}",
    ]


def test_a_changed_line_is_named_and_the_exit_code_says_so(
    keyhatch: CommandLine, head: Head
) -> None:
    file = file_of(keyhatch)
    file.write_bytes(file.read_bytes().replace(b'"id":"2"', b'"id":"7"'))
    outcome = keyhatch("logs", "verify")
    assert outcome.code == 1
    assert (
        outcome.out.splitlines()[0] == f"{file.name}:3: edited: record 3 is not as it was written"
    )
    assert "hint: " in outcome.err
    facts = keyhatch("logs", "verify", "--json")
    assert facts.code == 1
    assert facts.json["ok"] is False
    [finding] = facts.json["findings"]
    assert (finding["kind"], finding["file"], finding["line"]) == ("edited", file.name, 3)


def test_a_log_that_was_cut_is_found_by_the_vault(keyhatch: CommandLine, head: Head) -> None:
    file = file_of(keyhatch)
    os.truncate(file, len(file.read_bytes()) - 10)
    outcome = keyhatch("logs", "verify", "--json")
    assert [finding["kind"] for finding in outcome.json["findings"]] == ["cut-off"]
    assert keyhatch("logs", "verify", "--chain-only").code == 0


def test_a_head_that_was_noted_is_held_against_the_log(keyhatch: CommandLine, head: Head) -> None:
    assert keyhatch("logs", "verify", "--head", f"{head.seq}:{head.digest}").code == 0
    assert keyhatch("logs", "verify", "--head", f"{head.seq}:{'0' * 64}").code == 1
    assert keyhatch("logs", "verify", "--head", f"{head.seq + 9}:{head.digest}").code == 1
    assert keyhatch("logs", "verify", "--head", "soon").code == 2


def test_a_sealed_head_that_was_changed_is_a_finding(keyhatch: CommandLine, head: Head) -> None:
    with reopen(Home(keyhatch.home)) as vault:
        sealed = vault.audit_head()
        assert sealed is not None
        vault.forget_audit_head()
        vault.seal_audit_head(sealed._replace(seq=2))
    outcome = keyhatch("logs", "verify")
    assert outcome.code == 1
    assert "unsealed" in outcome.out


def test_a_vault_that_was_made_anew_is_told_from_a_forger(
    keyhatch: CommandLine, head: Head
) -> None:
    journal = Journal(keyhatch.home / "audit", None)
    journal.close()
    with reopen(Home(keyhatch.home)) as vault:
        vault.delete(".audit")
        vault.forget_audit_head()
    outcome = keyhatch("logs", "verify")
    assert outcome.code == 1
    assert "was the vault made anew" in outcome.err


def test_an_empty_log_is_as_it_was_written(keyhatch: CommandLine) -> None:
    assert keyhatch("logs", "verify").code == 0
