from datetime import timedelta

import pytest

from config.audit import DEFAULT_ROTATION, Rotation, parse_size
from config.errors import ConfigError, UsageError
from tests.support.config_texts import load

MIB = 1024 * 1024


def rotation(text: str) -> Rotation:
    return load(f"version: 1\nsettings:\n  audit: {{{text}}}").settings.audit


def test_what_is_left_out_has_its_default() -> None:
    assert rotation("") == load("version: 1").settings.audit == DEFAULT_ROTATION
    assert rotation("max_size: 1MiB") == Rotation(max_size=MIB)


def test_each_key_is_read() -> None:
    told = rotation("max_size: 512KiB, max_age: 6h, keep: 30d")
    assert told == Rotation(MIB // 2, timedelta(hours=6), timedelta(days=30), None)


@pytest.mark.parametrize(
    ("keep", "found"),
    [
        ("2w", (timedelta(weeks=2), None)),
        ("2GiB", (None, 2048 * MIB)),
        ("forever", (None, None)),
    ],
)
def test_what_is_kept_is_an_age_or_a_size_or_all(keep: str, found: tuple[object, object]) -> None:
    told = rotation(f"keep: {keep}")
    assert (told.keep_for, told.keep_bytes) == found


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("max_size: 64", "max_size"),
        ("max_size: 0MiB", "max_size"),
        ("max_size: 64MB", "max_size"),
        ("max_age: daily", "max_age"),
        ("keep: 90", "keep"),
        ("keep: never", "keep"),
        ("keep: 5 GiB", "keep"),
        ("kept: 5d", "kept"),
    ],
)
def test_what_is_wrong_is_named_with_its_place(text: str, where: str) -> None:
    with pytest.raises(ConfigError) as caught:
        rotation(text)
    assert caught.value.line == 3
    assert caught.value.hint or where == "max_size"


@pytest.mark.parametrize("text", ["", "MiB", "1.5MiB", "-1MiB", "٣MiB", "1TiB"])
def test_what_is_no_size_is_refused_with_the_form(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_size(text)
    assert "64MiB" in caught.value.hint
