import click
import pytest

from admin.failures import failure_of, wants_traceback
from config.errors import (
    ConflictError,
    KeyhatchError,
    NotFoundError,
    OperatorNeededError,
    UsageError,
)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (KeyhatchError("m"), 1),
        (UsageError("m"), 2),
        (NotFoundError("m"), 3),
        (ConflictError("m"), 4),
        (OperatorNeededError("m"), 5),
        (click.UsageError("M."), 2),
        (click.Abort(), 130),
        (FileNotFoundError(2, "No such file or directory", "x"), 1),
        (ZeroDivisionError("m"), 1),
    ],
)
def test_each_kind_of_error_has_its_exit_code(error: Exception, code: int) -> None:
    assert failure_of(error).exit_code == code


def test_an_unforeseen_error_is_named_by_type_and_its_text_is_kept_back() -> None:
    lines = failure_of(RuntimeError("sk-canary")).lines()
    assert lines[0] == "error: unexpected RuntimeError"
    assert "KEYHATCH_DEBUG=1" in lines[1]
    assert not any("sk-canary" in line for line in lines)


def test_an_operating_system_error_names_its_file_and_reason() -> None:
    failure = failure_of(PermissionError(13, "Permission denied", "/x/y"))
    assert failure.lines() == ["error: /x/y: permission denied"]


def test_a_message_of_several_lines_stays_one_line() -> None:
    assert failure_of(KeyhatchError("a\nb", hint="c\rd")).lines() == [
        "error: a\\nb",
        "hint: c\\rd",
    ]


@pytest.mark.parametrize("name", ["--secret", "--api-key", "--token", "--password"])
def test_an_option_that_would_take_a_secret_is_explained(name: str) -> None:
    failure = failure_of(click.NoSuchOption(name))
    assert failure.exit_code == 2
    assert "--secret-stdin" in failure.hint
    assert "history" in failure.hint


def test_a_mistyped_option_gets_the_nearest_one() -> None:
    failure = failure_of(click.NoSuchOption("--provder", possibilities=["--provider"]))
    assert failure.lines() == ["error: no such option --provder", "hint: did you mean --provider?"]


@pytest.mark.parametrize(("value", "wanted"), [("1", True), ("0", False), ("", False)])
def test_the_traceback_is_shown_only_when_asked_for(value: str, wanted: bool) -> None:
    assert wants_traceback({"KEYHATCH_DEBUG": value}) is wanted
