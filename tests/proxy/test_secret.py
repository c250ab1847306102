import copy
import json
import logging
import pickle
import traceback
from collections.abc import Callable
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.errors import UsageError
from proxy.secret import MAX_SECRET, MIN_SECRET, Secret, accept_secret

VALUE = "sk-live-0123456789"
SECRET = Secret(VALUE)


@dataclass(frozen=True)
class Holder:
    credential: Secret


def in_a_log_record() -> str:
    record = logging.LogRecord(
        "x", logging.INFO, __file__, 1, "got %s and %r", (SECRET, SECRET), None
    )
    return logging.Formatter().format(record)


def in_a_traceback_with_locals() -> str:
    held = SECRET
    try:
        raise ValueError(held)  # noqa: TRY301 - a traceback is wanted
    except ValueError as error:
        shown = traceback.TracebackException.from_exception(error, capture_locals=True)
    return "".join(shown.format())


@pytest.mark.parametrize(
    "show",
    [
        lambda: repr(SECRET),
        lambda: str(SECRET),
        lambda: format(SECRET),
        lambda: f"{SECRET:>40}",
        lambda: f"{SECRET!r}{SECRET!s}{SECRET!a}",
        lambda: "%s %r" % (SECRET, SECRET),  # noqa: UP031 - the old form prints too
        lambda: "{} {!r}".format(SECRET, SECRET),  # noqa: UP032 - and this one
        lambda: repr([SECRET]),
        lambda: repr({SECRET: SECRET}),
        lambda: repr(Holder(SECRET)),
        lambda: str(ValueError(SECRET)),
        in_a_log_record,
        in_a_traceback_with_locals,
    ],
)
def test_a_secret_shows_a_mask_instead_of_itself(show: Callable[[], str]) -> None:
    shown = show()
    assert VALUE not in shown
    assert "«secret»" in shown or "\\xabsecret\\xbb" in shown


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_secret_is_not_pickled(protocol: int) -> None:
    with pytest.raises(TypeError, match="not pickled"):
        pickle.dumps(SECRET, protocol)


@pytest.mark.parametrize(
    "duplicate", [copy.copy, copy.deepcopy, lambda secret: copy.deepcopy(Holder(secret))]
)
def test_a_secret_is_not_copied(duplicate: Callable[[Secret], object]) -> None:
    with pytest.raises(TypeError, match="not pickled"):
        duplicate(SECRET)


def test_a_secret_is_not_written_as_json() -> None:
    with pytest.raises(TypeError) as raised:
        json.dumps({"credential": SECRET})
    assert VALUE not in str(raised.value)


def test_a_secret_has_no_attributes_to_dump() -> None:
    assert not hasattr(SECRET, "__dict__")


def test_a_secret_is_revealed_by_one_method() -> None:
    assert SECRET.reveal() == VALUE


def test_secrets_compare_by_value_and_never_equal_their_text() -> None:
    assert Secret(VALUE) == SECRET
    assert hash(Secret(VALUE)) == hash(SECRET)
    assert Secret("sk-live-012345678X") != SECRET
    assert SECRET != VALUE


@pytest.mark.parametrize("ending", ["", "\n", "\r\n"])
def test_one_final_line_break_is_taken_off(ending: str) -> None:
    assert accept_secret(VALUE + ending) == SECRET


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "empty"),
        ("\n", "empty"),
        ("\r\n", "empty"),
        ("x" * (MIN_SECRET - 1), "shorter than 8"),
        ("x" * (MAX_SECRET + 1), "longer than 65536"),
        (VALUE + "\n\n", "line break"),
        (VALUE + "\nX-Other: 1", "line break"),
        ("sk-live\r0123456789", "line break"),
        ("sk-live\x000123456789", "no header can carry"),
        ("sk-live\x7f0123456789", "no header can carry"),
        ("sk-live\t0123456789", "no header can carry"),
        ("sk-live-ö0123456789", "no header can carry"),
        ("\ufeffsk-live-0123456789", "no header can carry"),
    ],
)
def test_what_no_header_can_carry_is_refused(text: str, reason: str) -> None:
    with pytest.raises(UsageError, match=reason) as raised:
        accept_secret(text)
    assert VALUE not in str(raised.value)


@pytest.mark.parametrize("length", [MIN_SECRET, MAX_SECRET])
def test_the_limits_themselves_are_accepted(length: int) -> None:
    assert len(accept_secret("x" * length).reveal()) == length


def test_a_refusal_names_what_was_asked_for() -> None:
    with pytest.raises(UsageError, match="the app_key is empty"):
        accept_secret("", what="app_key")


@given(st.text(max_size=40))
def test_whatever_is_accepted_fits_into_a_header(text: str) -> None:
    try:
        value = accept_secret(text).reveal()
    except UsageError:
        return
    assert all(0x20 <= ord(character) <= 0x7E for character in value)
    assert text in (value, value + "\n", value + "\r\n", value + "\r")
