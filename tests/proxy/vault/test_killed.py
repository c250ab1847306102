"""Killed at any point, the vault opens, with whole records and one of its keys."""

import os
import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from config.home import Home
from proxy.vault.errors import SecretMissingError
from proxy.vault.inventory import read_inventory
from proxy.vault.keys.reference import KeySourceKind
from proxy.vault.vault import Vault
from tests.support.vault_child import NAMES, value
from tests.support.vaults import BINDING, SECRET, create, new_home, reopen

ROOT = Path(__file__).parents[3]
CHILD = [sys.executable, "-m", "tests.support.vault_child"]

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")


def stored(vault: Vault) -> dict[str, str]:
    """Return every value that `put_for_ever` has put; raises when a record is not whole."""
    found = {}
    for number in range(NAMES):
        try:
            found[f"c{number}"] = vault.get(f"c{number}", "secret", BINDING).reveal()
        except SecretMissingError:
            continue
    return found


def put_until_killed(folder: Path, first: int, acknowledged: int) -> int:
    """Let a process put secrets, kill it after so many, and return the last it spoke of."""
    with subprocess.Popen(
        [*CHILD, "put-for-ever", folder, str(first)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout is not None
        for _ in range(acknowledged):
            child.stdout.readline()
        child.send_signal(signal.SIGKILL)
        spoken = child.stdout.read().split()
    return int(spoken[-1]) if spoken else first + acknowledged - 1


def test_a_killed_writer_leaves_whole_records_and_all_that_it_acknowledged(tmp_path: Path) -> None:
    home = new_home(tmp_path)
    create(home).close()
    first = 0
    for _ in range(10):
        last = put_until_killed(tmp_path, first, random.randint(1, 40))
        with reopen(home) as vault:
            found = stored(vault)
        numbers = {int(text.split()[0]) for text in found.values()}
        assert all(found[f"c{number % NAMES}"] == value(number).reveal() for number in numbers)
        # One more may be on disk than it came to say.
        assert max(numbers) in (last, last + 1)
        assert numbers >= set(range(max(first, last - NAMES + 2), last + 1))
        first = last + 2


def killed_everywhere(folder: Path, *program: str) -> list[Home]:
    """Return the homes in which a program was killed, each one step later; the last was not."""
    done = subprocess.run(
        [*CHILD, program[0], folder, *program[1:]],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return [Home(Path(line) / "home") for line in done.stdout.splitlines()]


CHANGES = [
    (KeySourceKind.FILE, KeySourceKind.FILE),
    (KeySourceKind.FILE, KeySourceKind.KEYRING),
    (KeySourceKind.KEYRING, KeySourceKind.KEYRING),
    (KeySourceKind.KEYRING, KeySourceKind.FILE),
    (KeySourceKind.FILE, KeySourceKind.PASSPHRASE),
    (KeySourceKind.PASSPHRASE, KeySourceKind.FILE),
    (KeySourceKind.FILE, KeySourceKind.ENVIRONMENT),
    (KeySourceKind.ENVIRONMENT, KeySourceKind.KEYRING),
]


@pytest.mark.parametrize(("old", "new"), CHANGES)
def test_a_killed_change_of_source_leaves_the_old_or_the_new_one(
    tmp_path: Path, old: KeySourceKind, new: KeySourceKind
) -> None:
    folder = tmp_path / "x"
    folder.mkdir()
    with create(new_home(folder), old) as vault:
        vault.put("a", "secret", BINDING, SECRET)
    homes = killed_everywhere(folder, "kill-change", new)
    assert len(homes) > 5
    sources = [read_inventory(home).key_source for home in homes]
    assert set(sources) == {old, new}
    assert sources[-1] == new
    for home in homes:
        with reopen(home) as vault:
            assert vault.get("a", "secret", BINDING) == SECRET
            # What a killed change left behind is no obstacle to the next one.
            vault.adopt_key(vault._sources.of(KeySourceKind.FILE))
        with reopen(home) as vault:
            assert vault.get("a", "secret", BINDING) == SECRET


def test_a_change_of_source_leaves_no_key_behind(tmp_path: Path) -> None:
    home = new_home(tmp_path)
    with create(home) as vault:
        for kind in (KeySourceKind.FILE, KeySourceKind.FILE, KeySourceKind.KEYRING):
            vault.adopt_key(vault._sources.of(kind))
            keys = [path.name for path in home.root.glob("*.key")]
            assert len(keys) == (1 if kind is KeySourceKind.FILE else 0)
        vault.adopt_key(vault._sources.of(KeySourceKind.PASSPHRASE))
    assert list((tmp_path / "keyring").iterdir()) == []


def test_a_killed_rotation_leaves_every_record_readable(tmp_path: Path) -> None:
    folder = tmp_path / "x"
    folder.mkdir()
    with create(new_home(folder)) as vault:
        for number in range(NAMES):
            vault.put(f"c{number}", "secret", BINDING, value(number))
    for home in killed_everywhere(folder, "kill-rotate"):
        with reopen(home) as vault:
            assert len(stored(vault)) == NAMES


@pytest.mark.parametrize("kind", [KeySourceKind.FILE, KeySourceKind.KEYRING])
def test_a_killed_creation_leaves_a_vault_or_none_and_can_be_repeated(
    tmp_path: Path, kind: KeySourceKind
) -> None:
    folder = tmp_path / "x"
    folder.mkdir()
    new_home(folder)
    homes = killed_everywhere(folder, "kill-create", kind)
    assert len(homes) > 5
    assert not homes[0].vault.exists()
    for home in homes:
        if not home.vault.exists():
            create(home, kind).close()
        with reopen(home) as vault:
            vault.put("a", "secret", BINDING, SECRET)
        assert not list(home.root.glob(".vault.db*"))


def test_writers_and_rotations_in_other_processes_lose_nothing(tmp_path: Path) -> None:
    home = new_home(tmp_path)
    create(home).close()
    children = [
        subprocess.Popen([*CHILD, *words], cwd=ROOT)
        for words in (
            ("put-some", tmp_path, "a", "60"),
            ("put-some", tmp_path, "b", "60"),
            ("rotate-some", tmp_path, "25"),
        )
    ]
    assert [child.wait() for child in children] == [0, 0, 0]
    with reopen(home) as vault:
        for name in ("a", "b"):
            for number in range(60):
                assert vault.get(f"{name}{number}", "secret", BINDING) == value(number)
