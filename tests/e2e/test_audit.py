"""The audit log of a real proxy: killed, started anew, changed by a stranger, shown and drawn."""

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.journals import lines_of
from tests.support.origin import Origin, bearer
from tests.support.service import KEY, PATIENCE, Site, make_site, service
from tests.support.vaults import files_of


@pytest.fixture(scope="module")
def origin() -> Iterator[Origin]:
    with Origin(bearer(KEY)) as made:
        yield made


@pytest.fixture
def site(tmp_path: Path, origin: Origin) -> Site:
    return make_site(tmp_path, origin)


def test_a_log_outlives_a_kill_and_shows_a_change(site: Site) -> None:
    with service(site) as running:
        client = running.client()
        assert {client.get(f"/crm/v3/objects/contacts/{n}")[0] for n in range(20)} == {200}
        os.kill(running.process.pid, signal.SIGKILL)
        running.process.wait(PATIENCE)
    with service(site) as running:
        assert running.client().get("/nothing?key=x")[0] in {200, 404}
    found = json.loads(site.keyhatch("logs", "verify", "--json").stdout)
    assert (found["ok"], found["unsigned"]) == (True, 0)
    assert found["sealed"] == found["head"]["seq"] == found["records"]

    [file] = sorted(site.home.audit.iterdir())
    lines = file.read_bytes().splitlines(keepends=True)
    file.write_bytes(b"".join(lines[:5] + lines[6:]))
    done = site.keyhatch("logs", "verify")
    assert done.returncode == 1
    assert done.stdout.splitlines()[0] == f"{file.name}:6: missing: record 6 is missing before"


def test_what_was_cut_while_it_ran_is_told_for_good(site: Site) -> None:
    with service(site) as running:
        client = running.client()
        client.get()
        [file] = sorted(site.home.audit.iterdir())
        os.truncate(file, 0)
        client.get()
    found = json.loads(site.keyhatch("logs", "verify", "--json").stdout)
    assert [finding["kind"] for finding in found["findings"]] == ["missing"]
    assert "gap" in [json.loads(line)["event"] for line in lines_of(site.home.audit)]


def test_people_see_what_happened_and_nowhere_the_key(site: Site) -> None:
    with service(site) as running:
        client = running.client()
        for path in ("/crm", "/echo", f"/{KEY}"):
            client.get(path)
    shown = [
        site.keyhatch("logs", *words).stdout
        for words in ((), ("--json",), ("stats",), ("stats", "--json"), ("--admin",), ("verify",))
    ]
    assert "3 requests" in shown[2]
    assert "proxy.start by proxy" in shown[4]
    assert not [text for text in shown if KEY in text or site.token in text]
    content = [files_of(site.home)[name] for name in files_of(site.home) if "audit" in name]
    assert content
    assert not [part for part in content if KEY.encode() in part]
