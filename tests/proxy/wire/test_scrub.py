import base64
from collections.abc import Iterable
from contextlib import suppress
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.wire.forms import MIN_FORM
from proxy.wire.needles import Needles
from proxy.wire.scrub import MessageScrubber, Scrubber, SplitCredentialError

SECRET = "sk-live-0123456789abcdef"
EVENT = b'data: {"delta": "hello"}\n\n'

# Few letters and much repetition, so that forms overlap themselves and each other.
SMALL = st.text(alphabet="ab", min_size=8, max_size=12)
VALUES = st.lists(st.one_of(SMALL, st.just(SECRET), st.just("a/b+c d%")), min_size=1, max_size=3)


def naively_masked(values: Iterable[str], data: bytes) -> bytes:
    """Mask by the definition: each byte that lies in an occurrence of any form."""
    masked = bytearray(data)
    for form in Needles.of(values).forms:
        for at in range(len(data)):
            if data.startswith(form, at):
                masked[at : at + len(form)] = b"*" * len(form)
    return bytes(masked)


@st.composite
def values_and_text(draw: st.DrawFn) -> tuple[list[str], bytes]:
    """Draw values and a text made of their forms, pieces of these, and other things."""
    values = draw(VALUES)
    forms = st.sampled_from(Needles.of(values).forms)
    pieces = st.one_of(
        forms,
        st.tuples(forms, st.integers(1, 12)).map(lambda drawn: drawn[0][: drawn[1]]),
        st.tuples(forms, st.integers(1, 12)).map(lambda drawn: drawn[0][drawn[1] :]),
        st.binary(max_size=3),
        st.text(alphabet="ab", max_size=20).map(str.encode),
    )
    return values, b"".join(draw(st.lists(pieces, max_size=6)))


def cut(data: bytes, points: list[int]) -> list[bytes]:
    edges = [0, *sorted(point % (len(data) + 1) for point in points), len(data)]
    return [data[start:end] for start, end in pairwise(edges)]


@given(values_and_text(), st.lists(st.integers(0, 10_000), max_size=12))
def test_invariant_05_any_cut_gives_what_the_definition_says(
    drawn: tuple[list[str], bytes], points: list[int]
) -> None:
    values, data = drawn
    scrubber = Scrubber(values)
    streamed = b"".join(map(scrubber.feed, cut(data, points))) + scrubber.finish()
    assert streamed == naively_masked(values, data)
    assert scrubber.once(data) == streamed


@given(values_and_text())
def test_byte_by_byte_gives_the_same(drawn: tuple[list[str], bytes]) -> None:
    values, data = drawn
    scrubber = Scrubber(values)
    streamed = b"".join(scrubber.feed(bytes([byte])) for byte in data) + scrubber.finish()
    assert streamed == naively_masked(values, data)


@given(values_and_text())
def test_only_what_may_become_an_occurrence_is_held_back(drawn: tuple[list[str], bytes]) -> None:
    values, data = drawn
    held = data[len(Scrubber(values).feed(data)) :]
    forms = Needles.of(values).forms
    assert not held or any(len(form) > len(held) and form.startswith(held) for form in forms)
    assert not any(
        form.startswith(data[at:]) and len(form) > len(data) - at
        for form in forms
        for at in range(len(data) - len(held))
    )


def test_an_event_passes_at_once() -> None:
    scrubber = Scrubber([SECRET])
    assert scrubber.feed(EVENT) == EVENT
    assert scrubber.feed(EVENT) == EVENT


def test_a_false_start_does_not_hide_a_true_one_behind_it() -> None:
    start = SECRET[:12].encode()
    assert Scrubber([SECRET]).feed(start + b"/" + start) == start + b"/"


def test_the_mask_has_the_length_of_what_it_covers() -> None:
    assert Scrubber([SECRET]).once(f"<{SECRET}>".encode()) == b"<" + b"*" * len(SECRET) + b">"


@pytest.mark.parametrize("missing", [1, 2, 10])
def test_a_guess_that_is_nearly_right_stays(missing: int) -> None:
    """G20: masking a part would tell a guesser how far he is."""
    for guess in (SECRET[:-missing], SECRET[missing:], SECRET[:-1] + "X"):
        assert Scrubber([SECRET]).once(guess.encode()) == guess.encode()


def test_two_values_of_which_one_begins_the_other_are_both_covered_whole() -> None:
    longer = SECRET + "-and-a-longer-tail"
    assert Scrubber([SECRET, longer]).once(longer.encode()) == b"*" * len(longer)
    assert Scrubber([longer, SECRET]).once(SECRET.encode()) == b"*" * len(SECRET)


def test_occurrences_that_overlap_are_covered_whole() -> None:
    assert Scrubber(["abababab"]).once(b"-ababababab-") == b"-" + b"*" * 10 + b"-"


def test_basic_credentials_are_covered_whole_when_they_are_among_the_values() -> None:
    basic = base64.b64encode(f"user:{SECRET}".encode()).decode()
    scrubber = Scrubber([SECRET, basic, f"Basic {basic}"])
    assert scrubber.once(f'"{basic}"'.encode()) == b'"' + b"*" * len(basic) + b'"'


def test_a_value_too_short_to_tell_apart_is_left() -> None:
    assert Scrubber(["abc"]).once(b"abc %61%62%63") == b"abc %61%62%63"


def test_nothing_to_look_for_passes_everything_at_once() -> None:
    scrubber = Scrubber([])
    assert scrubber.feed(b"abc") == b"abc"
    assert scrubber.finish() == b""


def test_a_finished_scrubber_starts_anew() -> None:
    scrubber = Scrubber([SECRET])
    assert scrubber.feed(SECRET[:10].encode()) == b""
    assert scrubber.finish() == SECRET[:10].encode()
    assert scrubber.feed(SECRET[10:].encode()) + scrubber.finish() == SECRET[10:].encode()


def test_header_names_and_values_are_masked() -> None:
    fields = ((b"X-Echo", f"Bearer {SECRET}".encode()), (SECRET.encode(), b"1"), (b"A", b"b"))
    mask = b"*" * len(SECRET)
    assert Scrubber([SECRET]).fields(fields) == (
        (b"X-Echo", b"Bearer " + mask),
        (mask, b"1"),
        (b"A", b"b"),
    )


def test_fields_without_a_secret_are_returned_as_they_are() -> None:
    fields = ((b"Content-Type", b"text/plain"),)
    assert Scrubber([SECRET]).fields(fields) is fields


def test_prepared_needles_serve_several_scrubbers() -> None:
    needles = Needles.of([SECRET])
    first, second = Scrubber(needles), Scrubber(needles)
    first.feed(SECRET[:10].encode())
    assert second.feed(b"x\n") == b"x\n"


def test_needles_do_not_print_what_they_look_for() -> None:
    needles = Needles.of([SECRET])
    assert SECRET not in repr(needles)
    assert SECRET not in repr(needles.probes[0])
    assert SECRET[:8] not in repr(needles.heads[0])


def naive_messages(values: Iterable[str], messages: list[bytes]) -> list[bytes]:
    """Mask each byte that lies in an occurrence that ends by the end of its message.

    Ends before the first message that shows half of a form, or MIN_FORM bytes of a shorter one.
    """
    forms = Needles.of(values).forms
    masked: list[bytes] = []
    so_far = b""
    for message in messages:
        so_far += message
        covered = {
            at
            for form in forms
            for start in range(len(so_far))
            if so_far.startswith(form, start)
            for at in range(start, start + len(form))
        }
        last = max(covered, default=-1)
        for form in forms:
            for size in range(1, len(form)):
                shown = min(size, len(so_far) - 1 - last)
                if so_far.endswith(form[:size]) and shown >= max(MIN_FORM, len(form) / 2):
                    return masked
        first = len(so_far) - len(message)
        masked.append(
            bytes(42 if first + at in covered else byte for at, byte in enumerate(message))
        )
    return masked


def through(scrubber: MessageScrubber, messages: list[bytes]) -> list[bytes]:
    """Pass messages until one may not."""
    passed: list[bytes] = []
    with suppress(SplitCredentialError):
        passed.extend(map(scrubber.message, messages))
    return passed


@given(values_and_text(), st.lists(st.integers(0, 10_000), max_size=12))
def test_invariant_05_messages_are_masked_across_their_borders(
    drawn: tuple[list[str], bytes], points: list[int]
) -> None:
    """G12."""
    values, data = drawn
    messages = cut(data, points)
    passed = through(Scrubber(values).messages(), messages)
    assert passed == naive_messages(values, messages)


@pytest.mark.parametrize("size", range(1, len(SECRET)))
def test_of_a_credential_in_two_messages_less_than_half_goes_through(size: int) -> None:
    halves = [b"you are " + SECRET[:size].encode(), SECRET[size:].encode() + b", are you"]
    passed = through(Scrubber([SECRET]).messages(), halves)
    if size >= len(SECRET) / 2:
        assert passed == []
    else:
        assert passed == [halves[0], b"*" * (len(SECRET) - size) + b", are you"]


@pytest.mark.parametrize("size", range(1, 9))
def test_of_a_credential_in_many_messages_less_than_half_goes_through(size: int) -> None:
    raw = SECRET.encode()
    messages = [raw[at : at + size] for at in range(0, len(raw), size)]
    passed = b"".join(through(Scrubber([SECRET]).messages(), messages))
    assert raw.startswith(passed)
    assert len(passed) < len(SECRET) / 2


def test_messages_that_end_in_a_few_characters_of_it_go_on_as_they_are() -> None:
    """G20: else an agent that is echoed learns it piece by piece."""
    scrubber = Scrubber([SECRET]).messages()
    for size in range(1, len(SECRET) // 2):
        guess = b"> " + SECRET[:size].encode()
        assert scrubber.message(guess) == guess
