from proxy.wire.needles import NeedleCache, Needles

FIRST = ("sk-live-0123456789",)
SECOND = ("sk-live-abcdefghij",)


def test_what_was_compiled_serves_again_while_the_values_stay() -> None:
    cache = NeedleCache()
    assert cache.of("billing", FIRST) is cache.of("billing", tuple(FIRST))


def test_a_rotated_credential_is_compiled_anew_and_the_old_one_forgotten() -> None:
    cache = NeedleCache()
    old = cache.of("billing", FIRST)
    assert cache.of("billing", SECOND) == Needles.of(SECOND)
    assert cache.of("billing", FIRST) is not old


def test_the_least_recently_used_goes_when_full() -> None:
    cache = NeedleCache(capacity=2)
    kept, gone = cache.of("a", FIRST), cache.of("b", FIRST)
    cache.of("a", FIRST)
    cache.of("c", FIRST)
    assert cache.of("a", FIRST) is kept
    assert cache.of("b", FIRST) is not gone


def test_a_discarded_credential_is_forgotten() -> None:
    cache = NeedleCache()
    old = cache.of("billing", FIRST)
    cache.discard("billing")
    cache.discard("never there")
    assert cache.of("billing", FIRST) is not old
    assert FIRST[0] not in repr(cache)


def test_a_form_that_contains_another_is_not_searched_by_itself() -> None:
    """What makes throughput independent of how many spellings there are."""
    needles = Needles.of(FIRST)
    searched = [probe for probe in needles.probes if not probe.then]
    assert len(searched) < len(needles.forms) / 2
