"""Copies of the certificates for other users and containers."""

import stat
from datetime import datetime
from pathlib import Path

import pytest

from certs.authority import CertificateAuthority, ensure_authority
from certs.bundle import bundle_path
from certs.public_copies import write_public_copies
from config.errors import KeyhatchError
from config.home import Home


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "shared"
    made.mkdir(mode=0o755)
    return made


def test_others_can_read_the_copies_and_there_is_no_key(
    home: Home, authority: CertificateAuthority, folder: Path
) -> None:
    write_public_copies(home, folder)
    assert sorted(path.name for path in folder.iterdir()) == ["bundle.pem", "ca.pem"]
    assert (folder / "ca.pem").read_bytes() == authority.pem
    assert (folder / "bundle.pem").read_bytes() == bundle_path(home).read_bytes()
    for path in folder.iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o644
        assert b"PRIVATE" not in path.read_bytes()


def test_they_follow_a_new_issue(home: Home, now: datetime, folder: Path) -> None:
    ensure_authority(home, frozenset(), now=now)
    write_public_copies(home, folder)
    newer = ensure_authority(home, frozenset({"new.example"}), now=now)
    write_public_copies(home, folder)
    assert (folder / "ca.pem").read_bytes() == newer.pem


@pytest.mark.usefixtures("authority")
def test_what_has_not_changed_is_not_written(home: Home, folder: Path) -> None:
    write_public_copies(home, folder)
    before = (folder / "ca.pem").stat().st_ino
    write_public_copies(home, folder)
    assert (folder / "ca.pem").stat().st_ino == before


@pytest.mark.usefixtures("authority")
@pytest.mark.parametrize("mode", [0o775, 0o757, 0o1777])
def test_a_folder_that_others_can_write_is_refused(home: Home, folder: Path, mode: int) -> None:
    folder.chmod(mode)
    with pytest.raises(KeyhatchError, match="other users can change") as caught:
        write_public_copies(home, folder)
    assert "chmod go-w" in caught.value.hint
    assert list(folder.iterdir()) == []


@pytest.mark.usefixtures("authority")
def test_a_link_in_place_of_the_folder_is_refused(home: Home, folder: Path) -> None:
    link = folder.with_name("link")
    link.symlink_to(folder)
    with pytest.raises(KeyhatchError, match="symbolic link"):
        write_public_copies(home, link)


@pytest.mark.usefixtures("authority")
def test_a_link_in_place_of_a_copy_is_replaced_and_its_target_left(
    home: Home, folder: Path
) -> None:
    precious = folder.with_name("precious")
    precious.write_bytes(b"mine")
    (folder / "ca.pem").symlink_to(precious)
    write_public_copies(home, folder)
    assert precious.read_bytes() == b"mine"
    assert not (folder / "ca.pem").is_symlink()


@pytest.mark.usefixtures("authority")
def test_a_folder_that_is_not_there_is_an_error_with_a_hint(home: Home, folder: Path) -> None:
    with pytest.raises(KeyhatchError, match="no such file or directory") as caught:
        write_public_copies(home, folder / "missing")
    assert "--ca-folder" in caught.value.hint
