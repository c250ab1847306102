"""A file system that is really full: refused, told, and taken up again when there is room."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from proxy.audit.journal import AuditUnavailableError, Journal
from tests.addons.conftest import KEY as SECRET
from tests.support.journals import KEY, NOW, a_record, kinds, verified
from tests.support.lane import running_lane, wait_until
from tests.support.origin import Origin
from tests.support.raw_client import RawClient

TEXT = """
version: 1
settings: {{upstream_ca: ./origin-ca.pem}}
connectors:
  c: {{name: C, type: api_key, hosts: [api.example.com], dial: "{dial}"}}
"""


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 64 KiB."""
    mount, umount = shutil.which("mount"), shutil.which("umount")
    if os.geteuid() != 0 or mount is None or umount is None:
        pytest.skip("only root can mount a small file system")
    folder = tmp_path / "audit"
    folder.mkdir(mode=0o700)
    made = subprocess.run(
        [mount, "-t", "tmpfs", "-o", "size=64k,mode=700", "none", folder], check=False
    )
    if made.returncode:
        pytest.skip("this system lets no file system be mounted")
    try:
        yield folder
    finally:
        subprocess.run([umount, "-l", folder], check=True)


def fill(folder: Path) -> Path:
    """Leave no room on a file system."""
    ballast = folder / "ballast"
    with ballast.open("wb", buffering=0) as file, suppress(OSError):
        while True:
            file.write(bytes(512))
    return ballast


def test_what_a_full_disk_cuts_short_is_taken_back(small_disk: Path) -> None:
    journal = Journal(small_disk, KEY)
    written = 0
    refused = ""
    while not refused:
        try:
            journal.append(NOW, a_record(str(written)))
            written += 1
        except AuditUnavailableError as error:
            refused = str(error)
    assert "no space left" in refused
    assert written > 50
    head = journal.head
    report = verified(small_disk, head)
    assert (kinds(report), report.remarks, report.records) == ([], [], written)
    journal.close()


def test_it_goes_on_when_there_is_room_again(small_disk: Path) -> None:
    journal = Journal(small_disk, KEY)
    journal.append(NOW, a_record())
    ballast = fill(small_disk)
    for _ in range(20):
        try:
            journal.append(NOW, a_record("x" * 3000))
        except AuditUnavailableError:
            break
    else:
        pytest.fail("the disk was not full")
    ballast.unlink()
    journal.append(NOW, a_record())
    assert kinds(verified(small_disk, journal.head)) == []
    journal.close()


def test_a_proxy_with_a_full_disk_lets_nothing_out_and_works_again_with_room(
    small_disk: Path,
) -> None:
    """K08, through the lane: the home's own folder is full."""
    with Origin(hosts=("api.example.com",)) as origin:
        text = TEXT.format(dial=origin.dial)
        home = small_disk.parent
        with (
            running_lane(home, text, {"secret": SECRET}, origin=origin) as lane,
            RawClient(lane.port, lane.token) as client,
        ):
            assert client.get("http://api.example.com/a").status == 200
            ballast = fill(small_disk)
            codes = [client.get("http://api.example.com/b" + "c" * n).status for n in range(30)]
            assert codes[-1] == 503
            reached = len(origin.requests)
            assert client.get("http://api.example.com/d").code == "audit-unavailable"
            assert len(origin.requests) == reached
            wait_until(lambda: lane.engine.unrecorded > 0)
            ballast.unlink()
            assert client.get("http://api.example.com/e").status == 200
