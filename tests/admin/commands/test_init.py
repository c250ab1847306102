import os
import stat
from pathlib import Path

import pytest

from tests.support.command_line import CommandLine


def snapshot(folder: Path) -> dict[str, bytes | None]:
    return {
        str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None
        for path in sorted(folder.rglob("*"))
    }


def test_a_new_home_is_closed_to_others_and_complete(bare: CommandLine) -> None:
    outcome = bare("init", "--key-source", "file")
    assert outcome.code == 0
    assert "next: keyhatch connector add" in outcome.out
    assert stat.S_IMODE(bare.home.stat().st_mode) == 0o700
    assert {"connectors.yaml", "connectors.schema.json", "vault.db", "ca"} <= {
        path.name for path in bare.home.iterdir()
    }
    for path in bare.home.rglob("*"):
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path


def test_a_new_home_passes_its_own_check(keyhatch: CommandLine) -> None:
    assert keyhatch("config", "check").code == 0
    assert keyhatch("connector", "list", "--json").json == []
    assert keyhatch("vault", "status", "--json").json["key_source"] == "file"


def test_a_second_init_changes_nothing(keyhatch: CommandLine) -> None:
    before = keyhatch.files()
    outcome = keyhatch("init")
    assert outcome.code == 4
    assert "already initialised" in outcome.error
    assert outcome.hint
    assert keyhatch.files() == before


def test_json_names_the_home(bare: CommandLine) -> None:
    outcome = bare("init", "--key-source", "file", "--json")
    assert outcome.json["home"] == str(bare.home)


def test_a_passphrase_is_typed_twice_and_unlocks(bare: CommandLine) -> None:
    words = "correct horse battery staple"
    assert bare("init", "--key-source", "passphrase", typed=[words, words]).code == 0
    assert bare("vault", "rotate-key", typed=[words]).code == 0
    wrong = bare("vault", "rotate-key", typed=["another passphrase"])
    assert wrong.code == 5
    assert bare("vault", "rotate-key").code == 5


@pytest.mark.parametrize("typed", [None, ["one passphrase", "another one"], ["", ""]])
def test_what_fails_leaves_no_folder_behind(bare: CommandLine, typed: list[str] | None) -> None:
    bare.home = bare.home / "deep" / "er"
    outcome = bare("init", "--key-source", "passphrase", typed=typed)
    assert outcome.code in (2, 5)
    assert outcome.hint
    assert not bare.home.parent.parent.exists()


def test_what_fails_leaves_an_existing_folder_as_it_was(bare: CommandLine) -> None:
    bare.home.mkdir(mode=0o700)
    (bare.home / "notes.txt").write_text("mine")
    (bare.home / "notes.txt").chmod(0o600)
    before = snapshot(bare.home)
    assert bare("init", "--key-source", "passphrase").code == 5
    assert snapshot(bare.home) == before


def test_a_folder_that_is_open_to_others_is_refused_and_left_alone(bare: CommandLine) -> None:
    bare.home.mkdir(mode=0o755)
    bare.home.chmod(0o755)
    outcome = bare("init", "--key-source", "file")
    assert outcome.code == 1
    assert "open to others" in outcome.error
    assert outcome.hint.startswith("run `chmod 700 ")
    assert snapshot(bare.home) == {}


def test_a_file_in_the_place_of_the_folder_is_an_error(bare: CommandLine) -> None:
    bare.home.write_text("")
    outcome = bare("init", "--key-source", "file")
    assert outcome.code == 1
    assert outcome.hint


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give a folder to another user")
def test_a_home_of_another_owner_is_refused_and_left_alone(bare: CommandLine) -> None:
    bare.home.mkdir(mode=0o700)
    os.chown(bare.home, 12345, -1)
    outcome = bare("init", "--key-source", "file")
    assert outcome.code == 1
    assert "belongs to another user" in outcome.error
    assert outcome.hint
    assert snapshot(bare.home) == {}


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give a folder to another user")
@pytest.mark.parametrize(
    "words",
    [
        ["connector", "list"],
        ["connector", "add", "X", "--type", "api-key", "--provider", "openai", "--no-secret"],
        ["agent", "add", "a"],
        ["logs"],
        ["ca", "show"],
        ["vault", "status"],
    ],
)
def test_commands_refuse_a_home_that_became_another_s(
    keyhatch: CommandLine, words: list[str]
) -> None:
    before = keyhatch.files()
    os.chown(keyhatch.home, 12345, -1)
    outcome = keyhatch(*words)
    assert outcome.code == 1
    assert "belongs to another user" in outcome.error
    assert outcome.hint
    assert keyhatch.files() == before


@pytest.mark.parametrize(
    "words", [["connector", "list"], ["agent", "list"], ["logs"], ["ca", "path"]]
)
def test_commands_ask_for_init_first(bare: CommandLine, words: list[str]) -> None:
    outcome = bare(*words)
    assert (outcome.code, outcome.hint) == (5, "run `keyhatch init` first")
    assert not bare.home.exists()
