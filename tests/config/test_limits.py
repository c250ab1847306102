"""Limits of the settings: read, checked, and defaulted one by one."""

from dataclasses import fields

import pytest

from config.errors import ConfigError
from config.limits import Limits
from config.models import LimitsSection
from tests.support.config_texts import load


def limits(text: str) -> Limits:
    return load(f"version: 1\nsettings:\n  limits: {{{text}}}").settings.limits


def test_what_is_left_out_has_its_default() -> None:
    assert limits("") == load("version: 1").settings.limits == Limits()
    assert limits("connections: 3") == Limits(connections=3)


def test_every_limit_has_a_setting() -> None:
    assert {field.name for field in fields(Limits)} == LimitsSection.__annotations__.keys()


@pytest.mark.parametrize(
    ("text", "seconds"), [("500ms", 0.5), ("30s", 30), ("10m", 600), ("2h", 7200)]
)
def test_a_duration_has_a_unit(text: str, seconds: float) -> None:
    assert limits(f"idle_timeout: {text}").idle_timeout == seconds


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("head_timeout: 30", "write it like 30s, 10m or 1h"),
        (
            "head_timeout: soon",
            "a number and ms, s, m, h, d or w, such as 30s or 30d; at most ten years",
        ),
        ("conections: 3", "did you mean 'connections'?"),
        ("head_bytes: 100", "the default is 65536"),
        ("head_bytes: 9999999", "the default is 65536"),
    ],
)
def test_a_mistake_is_told_with_the_next_step(text: str, told: str) -> None:
    with pytest.raises(ConfigError) as found:
        limits(text)
    assert found.value.hint == told


@pytest.mark.parametrize("text", ["connections: 0", "streams: -1", "head_fields: many"])
def test_a_number_is_at_least_one(text: str) -> None:
    with pytest.raises(ConfigError):
        limits(text)
