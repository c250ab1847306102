"""The nearest valid word."""

import pytest

from config.suggest import did_you_mean, nearest


@pytest.mark.parametrize(
    ("word", "match"),
    [("hots", "hosts"), ("HOSTS", "hosts"), ("placment", "placement"), ("zzz", None), ("", None)],
)
def test_the_nearest_word_is_found_or_none(word: str, match: str | None) -> None:
    assert nearest(word, ["hosts", "placement", "dial"]) == match


def test_without_a_near_word_the_first_few_are_listed() -> None:
    assert did_you_mean("zzz", "abcdefghij", what="keys") == "keys: a, b, c, d, e, f, g, h, …"
    assert did_you_mean("zzz", ["a"]) == "known: a"
    assert did_you_mean("zzz", []) == ""
