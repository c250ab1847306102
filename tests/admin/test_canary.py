"""A secret that went in comes out nowhere: not in any command's output, not in any file."""

import base64
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.command_line import CommandLine, Outcome

ROOT = Path(__file__).parents[2]
FIRST = "canary-one-3f9a77c1d2e84b60"
SECOND = "canary-two-90b1c2d3e4f5a6b7"
PHRASE = "canary phrase of several words"

COMMANDS = [
    "connector list",
    "connector list --json",
    "connector show billing",
    "connector show billing --json",
    "connector set billing --host other.corp.example",
    "connector disable billing",
    "connector enable billing --json",
    "connector confirm billing",
    "connector rename billing Billing2",
    "connector rename billing2 billing",
    "agent add bot --connector billing --json",
    "agent list --json",
    "agent grant bot dog",
    "agent revoke bot dog",
    "catalog show hubspot",
    "ca show",
    "ca export",
    "config check --json",
    "config schema",
    "vault status --json",
    "vault rotate-key",
    "logs --json",
    "connector nonsense",
    "connector delete dog --yes",
]


def forms(secret: str) -> list[bytes]:
    """Return a secret as it would be found: plain, reversed nowhere, base64 at each alignment."""
    plain = secret.encode()
    encoded = [base64.b64encode(b"x" * shift + plain)[4:-4] for shift in range(3)]
    return [plain, plain.hex().encode(), *encoded]


def assert_clean(where: str, content: bytes) -> None:
    for secret in (FIRST, SECOND, PHRASE):
        assert not any(form in content for form in forms(secret)), where


@pytest.fixture
def line(keyhatch: CommandLine) -> CommandLine:
    outcomes = [
        keyhatch(
            "connector", "add", "Billing", "--type", "api-key", "--host", "billing.corp.example",
            "--secret-stdin", stdin=FIRST,
        ),
        keyhatch(
            "connector", "add", "Dog", "--type", "api-key", "--provider", "datadog",
            "--secret-stdin", stdin=f"{FIRST}\n{SECOND}\n",
        ),
        keyhatch("connector", "set", "billing", typed=[SECOND]),
    ]  # fmt: skip
    for outcome in outcomes:
        assert outcome.code == 0, outcome.err
        check(outcome)
    return keyhatch


def check(outcome: Outcome) -> None:
    assert_clean("standard output", outcome.raw)
    assert_clean("standard error", outcome.err.encode())


def check_home(line: CommandLine) -> None:
    for path in line.home.rglob("*"):
        if path.is_file():
            assert_clean(path.name, path.read_bytes())


def test_no_command_prints_or_leaves_a_secret(line: CommandLine) -> None:
    line.environ = {"KEYHATCH_DEBUG": "1"}
    for words in COMMANDS:
        check(line(*words.split()))
        check_home(line)


def test_neither_a_passphrase_nor_what_it_opens_is_left(line: CommandLine) -> None:
    check(line("vault", "change-key", "--key-source", "passphrase", typed=[PHRASE, PHRASE]))
    check_home(line)
    check(line("vault", "rotate-key", typed=[PHRASE]))
    check_home(line)


@pytest.mark.parametrize("broken", [f"{FIRST}\n{SECOND}", f"{FIRST}\0", FIRST + "ü", ""])
def test_a_refused_secret_is_not_repeated(line: CommandLine, broken: str) -> None:
    line.environ = {"KEYHATCH_DEBUG": "1"}
    outcome = line("connector", "set", "billing", "--secret-stdin", stdin=broken)
    assert outcome.code == 2
    check(outcome)
    check_home(line)


def test_a_real_process_keeps_it_out_of_its_arguments_and_its_memory_of_errors(
    tmp_path: Path,
) -> None:
    home = tmp_path / "home"
    environ = {**os.environ, "KEYHATCH_HOME": str(home), "KEYHATCH_DEBUG": "1"}

    def keyhatch(*words: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, str(ROOT / "keyhatch.py"), *words],
            env=environ,
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
        )

    assert keyhatch("init", "--key-source", "file").returncode == 0
    added = keyhatch(
        "connector", "add", "HubSpot", "--type", "api-key", "--provider", "hubspot",
        "--secret-stdin", stdin=FIRST,
    )  # fmt: skip
    assert (added.returncode, added.stdout) == (0, "added connector hubspot (ready)\n")
    refused = keyhatch("connector", "set", "hubspot", "--secret-stdin", stdin=FIRST + "\x1b")
    assert refused.returncode == 2
    assert refused.stderr.splitlines()[-1].startswith("hint: ")
    assert_clean("standard error", refused.stderr.encode())
    check_home(CommandLine(home))
