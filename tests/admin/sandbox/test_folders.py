"""Files and folders behind the wall: what is seen, what is written, what is closed and stays so."""

import json
import subprocess
from pathlib import Path

import pytest

from tests.support.lane import wait_until
from tests.support.walls import Behind, researcher_with


class TestTheFileSystem:
    def test_the_working_directory_is_written_and_the_rest_is_not(self, behind: Behind) -> None:
        behind.sh("echo made > here; echo x > /tmp/private")
        assert (behind.project / "here").read_text() == "made\n"
        assert not Path("/tmp/private").exists()
        for place in ("/usr/x", "/etc/x", "/x", "/run/keyhatch/x", "/proc/sys/kernel/hostname"):
            assert behind.run("sh", "-c", f"echo x > {place}").returncode != 0, place

    def test_a_file_that_is_made_can_be_changed_and_is_gone_at_the_end(
        self, behind: Behind
    ) -> None:
        own = behind.home / ".claude.json"
        own.write_text('{"theme": "light", "primaryApiKey": "sk-ant-canary"}')
        script = "cat ~/.claude.json; echo; echo changed > ~/.claude.json; cat ~/.claude.json"
        made, changed = behind.sh(script, "--profile", "claude-code").splitlines()
        assert json.loads(made)["hasCompletedOnboarding"] is True
        assert json.loads(made)["theme"] == "light"
        assert "canary" not in made
        assert changed == "changed"
        assert "canary" in own.read_text()

    def test_the_home_is_empty_but_for_what_is_named(self, behind: Behind) -> None:
        for name in (".ssh/id_ed25519", ".aws/credentials", "other/secret"):
            path = behind.home / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("secret")
        assert behind.sh("ls -A ~") == "project"

    def test_the_proxys_own_files_are_nowhere(self, behind: Behind) -> None:
        home = behind.installed.home
        script = f"ls {home}; find / -name vault.db -o -name ca.key -o -name control.sock"
        done = behind.run("sh", "-c", script)
        assert done.stdout.strip() == ""

    def test_what_only_the_superuser_reads_is_hidden_from_his_commands_too(
        self, behind: Behind
    ) -> None:
        assert behind.sh("cat /etc/shadow || :") == ""

    def test_shares_are_opened_as_they_were_asked_for(self, behind: Behind, tmp_path: Path) -> None:
        for name in ("read", "write"):
            (tmp_path / name).mkdir()
            (tmp_path / name / "file").write_text(name)
        options = ["--share", f"{tmp_path}/read:ro", "--share", f"{tmp_path}/write"]
        read = behind.sh(f"cat {tmp_path}/read/file; echo new > {tmp_path}/write/file", *options)
        assert read == "read"
        assert (tmp_path / "write/file").read_text() == "new\n"
        refused = behind.run("sh", "-c", f"echo x > {tmp_path}/read/file", options=options)
        assert refused.returncode != 0

    def test_credentials_in_a_shared_folder_are_covered(self, behind: Behind) -> None:
        config = behind.home / ".config"
        (config / "gh").mkdir(parents=True)
        (config / "gh/hosts.yml").write_text("oauth_token: secret")
        (config / "tool").mkdir()
        told = behind.sh("ls ~/.config; ls -A ~/.config/gh", "--share", "~/.config:ro")
        assert told.split() == ["gh", "tool"]

    def test_one_that_is_shared_by_name_does_not_open_those_beside_it(self, behind: Behind) -> None:
        (behind.project / ".aws").mkdir()
        for name in ("config", "credentials"):
            (behind.project / ".aws" / name).write_text(name)
        told = behind.sh("ls .aws; cat .aws/config", "--share", ".aws/config:ro")
        assert told.split() == ["config", "config"]

    def test_what_is_hidden_is_empty_in_the_working_directory_too(self, behind: Behind) -> None:
        (behind.project / ".env").write_text("SECRET=x")
        (behind.project / "private").mkdir()
        (behind.project / "private/key").write_text("x")
        told = behind.sh("cat .env; ls -A private", "--hide", ".env", "--hide", "private")
        assert told == ""

    def test_what_is_closed_in_it_is_not_moved_away_to_be_open_next_time(
        self, behind: Behind
    ) -> None:
        (behind.project / "around/given").mkdir(parents=True)
        (behind.project / "around/given/file").write_text("as it was")
        (behind.project / "around/key").write_text("secret")
        options = ["--hide", "around/key", "--share", "around/given:ro"]
        behind.sh("mv around moved || mkdir around/made; touch around/made/new", *options)
        behind.sh("for f in */key; do cat $f; done; ! echo x > */given/file", *options)
        assert behind.sh("cat */key", *options) == ""
        assert (behind.project / "around/given/file").read_text() == "as it was"
        assert (behind.project / "around/made/new").exists()

    @pytest.mark.parametrize("way", ["--hide", "hide:"])
    def test_a_link_to_what_is_hidden_is_refused_as_it_could_be_replaced(
        self, behind: Behind, way: str
    ) -> None:
        (behind.project / "real").mkdir()
        (behind.project / "link").symlink_to("real")
        if way == "--hide":
            done = behind.run("true", options=["--hide", "link"])
        else:
            with researcher_with(behind, f"sandbox: {{hide: [{behind.project}/link]}}"):
                done = behind.run("true", options=["--agent", "researcher"])
        assert done.returncode == 2
        assert "name the place itself" in done.stderr

    def test_another_agents_socket_is_hidden_before_it_is_made(self, behind: Behind) -> None:
        folder = behind.project / "run"
        folder.mkdir(mode=0o700)
        socket_path = folder / "researcher.sock"
        script = f"touch waits; while [ ! -e go ]; do :; done; test ! -e {socket_path}"
        with researcher_with(behind, f'listen: "unix:{socket_path}"'):
            wait_until(socket_path.exists)
            socket_path.rename(folder / "away")
            with subprocess.Popen(
                behind.words(["sh", "-c", script]), env=behind.environ, cwd=behind.project,
                stdin=subprocess.DEVNULL,
            ) as process:  # fmt: skip
                wait_until((behind.project / "waits").exists)
                (folder / "away").rename(socket_path)
                (behind.project / "go").touch()
                assert process.wait(60) == 0
            refused = behind.run("true", options=["--share", str(socket_path)])
            assert refused.returncode == 2
            assert "another agent's socket" in refused.stderr

    def test_a_link_that_was_planted_opens_nothing(self, behind: Behind) -> None:
        (behind.home / ".ssh").mkdir()
        (behind.home / ".ssh/id").write_text("secret")
        (behind.project / "link").symlink_to(behind.home / ".ssh")
        assert behind.run("cat", "link/id").returncode != 0

    def test_the_home_folder_is_no_working_directory(self, behind: Behind) -> None:
        done = behind.run("true", cwd=behind.home)
        assert done.returncode == 2
        assert done.stderr.startswith("error: the working directory")
