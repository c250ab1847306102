import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import click
import pytest

from admin.cli import COMMANDS, root
from admin.options.lazy import Entry, LazyGroup
from tests.support.command_line import CommandLine

ROOT = Path(__file__).parents[2]
HEAVY = ("mitmproxy", "sqlalchemy", "pydantic", "yaml", "cryptography", "keyring", "structlog")


def every_entry(entries: dict[str, Entry], prefix: str = "keyhatch") -> Iterator[tuple[str, Entry]]:
    for name, entry in entries.items():
        if find_spec(entry.target.partition(":")[0]) is None:
            continue
        yield f"{prefix} {name}", entry
        command = entry.load()
        if isinstance(command, LazyGroup):
            yield from every_entry(dict(command.entries), f"{prefix} {name}")


ENTRIES = dict(every_entry(COMMANDS))


def python(code: str, **environ: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env={"PATH": "/usr/bin:/bin", **environ},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout + done.stderr


def loaded_after(arguments: list[str], **environ: str) -> set[str]:
    """Return which heavy modules a call leaves loaded."""
    code = (
        "import sys, atexit\n"
        f"loaded = lambda: [m for m in {HEAVY!r} if m in sys.modules]\n"
        "atexit.register(lambda: print('loaded', *loaded(), file=sys.stderr))\n"
        f"sys.argv = ['keyhatch', *{arguments!r}]\n"
        "from admin.cli import run\nrun()\n"
    )
    line = python(code, **environ).splitlines()[-1]
    assert line.startswith("loaded")
    return set(line.split()[1:])


@pytest.mark.parametrize("path", ENTRIES)
def test_the_list_of_commands_says_what_the_command_itself_says(path: str) -> None:
    entry = ENTRIES[path]
    own = (entry.load().help or "").partition("\n\n")[0]
    assert " ".join(own.split()) == entry.help


@pytest.mark.parametrize("path", ENTRIES)
def test_every_command_takes_home_and_shows_examples(path: str) -> None:
    command = ENTRIES[path].load()
    names = {name for parameter in command.params for name in parameter.opts}
    assert "--home" in names
    assert (command.epilog or "").strip().startswith("examples:\n  ")


@pytest.mark.parametrize("path", ENTRIES)
def test_no_command_takes_a_secret_as_an_argument(path: str) -> None:
    names = {name for parameter in ENTRIES[path].load().params for name in parameter.opts}
    assert not names & {"--secret", "--api-key", "--key", "--token", "--password", "--passphrase"}


def test_the_help_fits_a_hundred_columns() -> None:
    context = click.Context(root, info_name="keyhatch")
    lines = root.get_help(context).splitlines()
    assert all(len(line) <= 100 for line in lines)


@pytest.mark.parametrize(
    "arguments", [["--help"], ["connector", "--help"], ["--version"], ["nonsense"]]
)
def test_help_loads_nothing_heavy(arguments: list[str]) -> None:
    assert loaded_after(arguments) == set()


def test_completing_a_command_loads_nothing_heavy() -> None:
    environ = {
        "_KEYHATCH_COMPLETE": "bash_complete",
        "COMP_WORDS": "keyhatch con",
        "COMP_CWORD": "1",
    }
    assert loaded_after([], **environ) == set()


def test_listing_connectors_loads_none_of_the_slow_modules(keyhatch: CommandLine) -> None:
    loaded = loaded_after(["connector", "list", "--home", str(keyhatch.home)])
    assert loaded <= {"pydantic", "yaml"}


def test_a_process_closes_its_umask_and_remembers_the_caller_s() -> None:
    code = (
        "import atexit, os, sys, admin.cli\n"
        "os.umask(0o013)\n"
        "admin.cli.call = lambda args, session: print(oct(session.umask), oct(os.umask(0)))\n"
        "admin.cli.run()\n"
    )
    assert python(code).split() == ["0o13", "0o77"]


def test_without_arguments_the_help_is_shown_as_a_usage_error(bare: CommandLine) -> None:
    outcome = bare()
    assert outcome.code == 2
    assert "Commands:" in outcome.err


@pytest.mark.parametrize(
    ("words", "error", "hint"),
    [
        (["conector"], "no such command 'conector'", "did you mean `keyhatch connector`?"),
        (["agent", "ad"], "no such command 'ad'", "did you mean `keyhatch agent add`?"),
        (["zzz"], "no such command 'zzz'", "see `keyhatch --help`"),
        (["connector", "add"], "missing argument 'NAME'", "see `keyhatch connector add --help`"),
        (
            ["connector", "list", "--jsn"],
            "no such option --jsn",
            "did you mean --json?",
        ),
    ],
)
def test_wrong_words_get_one_line_and_a_hint(
    bare: CommandLine, words: list[str], error: str, hint: str
) -> None:
    outcome = bare(*words)
    assert (outcome.code, outcome.error, outcome.hint) == (2, error, hint)


@pytest.mark.parametrize(
    "words",
    [
        ["connector", "add", "X", "--secret", "sk-canary-1"],
        ["connector", "add", "X", "--secret=sk-canary-1"],
        ["connector", "add", "X", "sk-canary-1"],
        ["connector", "set", "X", "sk-canary-1"],
    ],
)
def test_a_secret_among_the_words_is_refused_and_not_repeated(
    bare: CommandLine, words: list[str]
) -> None:
    outcome = bare(*words)
    assert outcome.code == 2
    assert "sk-canary" not in outcome.out + outcome.err
    assert not bare.home.exists()


def test_json_and_home_may_stand_before_or_behind_the_command(keyhatch: CommandLine) -> None:
    before = keyhatch("--json", "--home", str(keyhatch.home), "connector", "list")
    behind = keyhatch("connector", "list", "--json", "--home", str(keyhatch.home))
    assert before.json == behind.json == []


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_gets_its_script(bare: CommandLine, shell: str) -> None:
    outcome = bare("completion", shell)
    assert outcome.code == 0
    assert "_KEYHATCH_COMPLETE" in outcome.out


def test_an_unforeseen_error_shows_its_traceback_only_in_debug_mode(keyhatch: CommandLine) -> None:
    def fail(_seconds: float) -> None:
        raise ZeroDivisionError("canary")

    keyhatch.wait = fail
    quiet = keyhatch("logs", "-f")
    assert (quiet.code, quiet.error) == (1, "unexpected ZeroDivisionError")
    keyhatch.environ = {"KEYHATCH_DEBUG": "1"}
    assert "Traceback" in keyhatch("logs", "-f").err


def test_an_interrupted_command_says_nothing_and_ends_with_130(keyhatch: CommandLine) -> None:
    def interrupt(_seconds: float) -> None:
        raise KeyboardInterrupt

    keyhatch.wait = interrupt
    outcome = keyhatch("logs", "-f")
    assert (outcome.code, outcome.out, outcome.err.strip()) == (130, "", "")
