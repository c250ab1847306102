"""`keyhatch doctor` over real homes, sound and broken."""

import json
import os
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from admin.commands.doctor import lines_of
from admin.doctor.finding import warning
from tests.support.command_line import NOW, CommandLine, Outcome
from tests.support.origin import Origin, bearer
from tests.support.service import KEY, Site, make_site, service
from tests.support.settings import declare_agent, declare_connector, declare_settings


@pytest.fixture
def line(keyhatch: CommandLine) -> CommandLine:
    done = keyhatch(
        "connector", "add", "Hub", "--type", "api-key", "--provider", "hubspot", "--secret-stdin",
        stdin=KEY,
    )  # fmt: skip
    assert done.code == 0, done.err
    return keyhatch


def found(outcome: Outcome, grade: str) -> dict[str, Any]:
    """Return what was found of a grade about the installation, by topic."""
    findings = outcome.json["findings"]
    about = [f for f in findings if f["grade"] == grade and f["about"] == "installation"]
    return {finding["topic"]: finding for finding in about}


def test_a_sound_home_passes_and_every_line_fits_eighty_columns_but_the_path(
    line: CommandLine,
) -> None:
    outcome = line("doctor")
    assert outcome.code == 0, outcome.out
    assert outcome.err == ""
    lines = [text for text in outcome.out.splitlines() if str(line.home) not in text]
    assert max(map(len, lines)) <= 80
    assert "what an agent under this user could still do" in outcome.out
    assert outcome.out.rstrip().splitlines()[-1].startswith("0 problems, ")


def test_json_has_the_same_and_counts_it(line: CommandLine) -> None:
    document = line("doctor", "--json").json
    grades = [finding["grade"] for finding in document["findings"]]
    assert document["problems"] == grades.count("problem") == 0
    assert document["warnings"] == grades.count("warning") > 0
    assert all(finding["what"] for finding in document["findings"])


def test_nothing_of_a_secret_is_in_it(line: CommandLine) -> None:
    line.environ = {"SECRET_OF_MINE": KEY, "LD_PRELOAD": KEY}
    for words in (["doctor"], ["doctor", "--json"]):
        outcome = line(*words)
        assert KEY not in outcome.out + outcome.err


def test_nothing_is_changed_by_looking(line: CommandLine) -> None:
    before = line.files()
    line("doctor")
    assert line.files() == before


def test_a_home_that_is_not_there_says_what_to_run(bare: CommandLine) -> None:
    outcome = bare("doctor", "--json")
    assert outcome.code == 1
    assert "keyhatch init" in found(outcome, "problem")["home"]["advice"]


def test_a_home_that_is_open_is_a_problem(line: CommandLine) -> None:
    (line.home / "vault.key").chmod(0o644)
    outcome = line("doctor", "--json")
    assert outcome.code == 1
    assert "chmod 600" in found(outcome, "problem")["home"]["advice"]


def test_a_broken_file_is_a_problem_and_the_rest_is_still_looked_at(line: CommandLine) -> None:
    path = line.home / "connectors.yaml"
    path.write_text(path.read_text().replace("hubspot", "hubspto"))
    outcome = line("doctor", "--json")
    assert outcome.code == 1
    assert set(found(outcome, "problem")) == {"configuration"}
    assert {"vault", "local CA", "audit log"} <= set(found(outcome, "ok"))


def test_a_vault_that_is_gone_is_a_problem(line: CommandLine) -> None:
    (line.home / "vault.db").write_bytes(b"no database")
    outcome = line("doctor", "--json")
    assert outcome.code == 1
    assert "vault" in found(outcome, "problem")


def test_roots_that_cannot_be_read_are_a_problem(line: CommandLine) -> None:
    declare_settings(line.home / "connectors.yaml", upstream_ca="./gone.pem")
    assert "gone.pem" in found(line("doctor", "--json"), "problem")["upstream_ca"]["what"]


def test_a_ca_that_is_damaged_or_gone_is_a_problem(line: CommandLine) -> None:
    for change in (lambda p: p.write_bytes(b"x"), Path.unlink):
        change(line.home / "ca" / "ca.pem")
        assert "local CA" in found(line("doctor", "--json"), "problem")


def test_an_audit_record_from_the_future_is_a_warning(line: CommandLine) -> None:
    record = line.home / "audit" / "2026-05-09.jsonl"
    record.touch(mode=0o600)
    ahead = (NOW + timedelta(hours=1)).timestamp()
    os.utime(record, (ahead, ahead))
    assert "clock" in found(line("doctor", "--json"), "warning")


def test_a_listen_address_that_others_reach_is_a_warning(line: CommandLine) -> None:
    declare_settings(line.home / "connectors.yaml", listen="0.0.0.0:8321")
    outcome = line("doctor", "--json")
    assert outcome.code == 0
    assert "listen address" in found(outcome, "warning")


class TestAnAgentThatIsToBeBehindTheWall:
    def warned(self, line: CommandLine) -> list[str]:
        findings = line("doctor", "--json").json["findings"]
        return [f["advice"] for f in findings if "behind the wall only" in f["what"]]

    def require(self, line: CommandLine, **more: str) -> None:
        declare_agent(line.home / "connectors.yaml", "ada", sandbox="required", **more)

    def test_its_tokens_are_a_warning_until_they_are_gone(self, line: CommandLine) -> None:
        line("agent", "add", "ada")
        assert self.warned(line) == []
        self.require(line)
        [advice] = self.warned(line)
        assert "agent revoke ada --all-tokens" in advice
        line("agent", "revoke", "ada", "--all-tokens")
        assert self.warned(line) == []

    def test_so_is_a_listener(self, line: CommandLine) -> None:
        line("agent", "add", "ada")
        line("agent", "revoke", "ada", "--all-tokens")
        self.require(line, listen="127.0.0.1:8401")
        assert len(self.warned(line)) == 1


def test_a_rule_that_asks_the_operator_tells_who_else_could_answer(line: CommandLine) -> None:
    topics = [f["topic"] for f in line("doctor", "--json").json["findings"]]
    assert "approvals" not in topics
    declare_connector(line.home / "connectors.yaml", "hub", approve=["POST"])
    topics = [f["topic"] for f in line("doctor", "--json").json["findings"]]
    assert "approvals" in topics


@pytest.fixture(scope="module")
def origin() -> Iterator[Origin]:
    with Origin(bearer(KEY)) as made:
        yield made


class TestBesideARunningProxy:
    @pytest.fixture
    def site(self, tmp_path: Path, origin: Origin) -> Site:
        return make_site(tmp_path, origin)

    def test_it_is_asked_and_has_closed_itself(self, site: Site) -> None:
        """A real run of everything: the installed command, a home, a proxy."""
        with service(site) as running:
            done = site.keyhatch("doctor", "--json")
            findings = json.loads(done.stdout)["findings"]
            said = [f["what"] for f in findings if f["topic"] == "proxy" and f["grade"] == "ok"]
            assert any(str(running.process.pid) in what for what in said)
            assert any("closed to other programs" in what for what in said)
            assert KEY not in done.stdout + done.stderr

    def test_a_file_that_it_has_not_taken_up_is_a_problem(self, site: Site) -> None:
        with service(site) as running:
            site.write(site.text.replace("hosts", "hsots"))
            with pytest.raises(Exception, match="hsots"):
                running.reload()
            done = site.keyhatch("doctor", "--json")
            assert done.returncode == 1
            findings = json.loads(done.stdout)["findings"]
            assert any("old connectors" in finding["what"] for finding in findings)


def test_lines_keep_to_their_width_and_words_that_are_copied_stay_whole() -> None:
    path, command = "/x" * 60, "run `keyhatch vault change-key --key-source passphrase` " * 5
    lines = lines_of(warning("home", f"{path} \x1b[31m {'word ' * 40}", command), 80)
    assert all(len(text) <= 80 for text in lines if path not in text)
    assert any(path in text for text in lines)
    assert "\x1b" not in "".join(lines)
    assert " ".join("".join(lines).split()).count("--key-source") == 5
