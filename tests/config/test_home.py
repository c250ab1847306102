"""The home folder and its permissions."""

import os
import stat
from pathlib import Path

import pytest

from config.errors import KeyhatchError, OperatorNeededError
from config.home import Home, locate_home


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home(tmp_path / "home")
    home.create()
    home.connectors.write_text("version: 1\n")
    home.connectors.chmod(0o600)
    return home


def test_the_option_beats_the_environment_and_both_beat_the_platform(tmp_path: Path) -> None:
    environ = {"KEYHATCH_HOME": str(tmp_path / "env")}
    assert locate_home(tmp_path / "option", environ).root == tmp_path / "option"
    assert locate_home(None, environ).root == tmp_path / "env"
    assert locate_home(None, {}).root.name == "keyhatch"


def test_a_relative_home_is_made_absolute() -> None:
    assert locate_home(Path("here"), {}).root == Path.cwd() / "here"


def test_folders_are_created_closed_to_others(home: Home) -> None:
    for folder in (home.root, home.ca, home.audit, home.run):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    home.create()
    home.require()


def test_a_home_that_is_not_initialised_says_what_to_run(tmp_path: Path) -> None:
    with pytest.raises(OperatorNeededError) as caught:
        Home(tmp_path).require()
    assert "keyhatch init" in caught.value.hint


@pytest.mark.parametrize("name", ["root", "ca", "audit", "run"])
def test_a_folder_open_to_others_is_refused(home: Home, name: str) -> None:
    getattr(home, name).chmod(0o750)
    with pytest.raises(KeyhatchError, match="open to others") as caught:
        home.require()
    assert "chmod 700" in caught.value.hint


@pytest.mark.parametrize("name", ["connectors", "vault", "vault_key"])
def test_a_file_open_to_others_is_refused(home: Home, name: str) -> None:
    path: Path = getattr(home, name)
    path.touch()
    path.chmod(0o640)
    with pytest.raises(KeyhatchError, match="open to others") as caught:
        home.require()
    assert "chmod 600" in caught.value.hint


def test_a_symbolic_link_in_the_home_is_refused(home: Home, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir(mode=0o700)
    home.run.rmdir()
    home.run.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(KeyhatchError, match="symbolic link"):
        home.require()


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give a file away")
def test_a_home_of_another_owner_is_refused(home: Home) -> None:
    os.chown(home.root, 12345, -1)
    with pytest.raises(KeyhatchError, match="another user"):
        home.require()


def test_ownership_comes_before_what_is_missing(home: Home) -> None:
    """A folder that lets us not look inside must not pass for one that is not initialised."""
    home.connectors.unlink()
    home.root.chmod(0o755)
    with pytest.raises(KeyhatchError, match="open to others"):
        home.require()


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(KeyhatchError, match="cannot create"):
        Home(tmp_path / "file" / "home").create()


@pytest.mark.parametrize(
    "name",
    [
        "connectors.yaml",
        "vault.db",
        "vault.key",
        "vault-2.key",
        "vault.db-wal",
        "ca/ca.key",
        "api-tokens.json",
    ],
)
def test_a_file_with_a_second_name_is_refused(home: Home, tmp_path: Path, name: str) -> None:
    path = home.root / name
    path.touch()
    path.chmod(0o600)
    home.require()
    (tmp_path / "second").hardlink_to(path)
    with pytest.raises(KeyhatchError, match="hard link"):
        home.require()


@pytest.mark.parametrize("name", ["vault.db", "vault.key", "ca/ca.key", "run/serve.lock"])
def test_a_link_that_was_swapped_in_for_a_file_is_refused(
    home: Home, tmp_path: Path, name: str
) -> None:
    (tmp_path / "elsewhere").touch(mode=0o600)
    (home.root / name).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(KeyhatchError, match="symbolic link"):
        home.require()


def test_a_home_that_anybody_could_replace_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "open"
    folder.mkdir()
    home = Home(folder / "between" / "home")
    home.create()
    home.connectors.touch(mode=0o600)
    home.require()
    folder.chmod(0o777)
    with pytest.raises(KeyhatchError, match="everybody may replace it") as caught:
        home.require()
    assert f"chmod o-w {folder}" in caught.value.hint
    folder.chmod(0o1777)
    home.require()
