"""Leaves are reused, renewed in time, bounded in number and refused outside the constraints."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier, BrokenBarrierError

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given, settings
from hypothesis import strategies as st

from certs.authority import CertificateAuthority, LeafRefusedError
from certs.constraints import with_portal
from certs.leaf_cache import LeafCache
from certs.profile import sign_authority
from tests.support.fuzzing import examples

START = datetime(2030, 1, 1, tzinfo=UTC)
KEY = ec.generate_private_key(ec.SECP256R1())
AUTHORITY = CertificateAuthority(sign_authority(KEY, with_portal({"tenant.example"}), START), KEY)


class ManualClock:
    """A clock that stands still until it is set."""

    def __init__(self, moment: datetime) -> None:
        self.moment = moment

    def __call__(self) -> datetime:
        return self.moment


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(START)


def host(number: int) -> str:
    return f"t{number}.tenant.example"


def test_a_second_request_gets_the_same_leaf(clock: ManualClock) -> None:
    cache = LeafCache(AUTHORITY, capacity=2, now=clock)
    assert cache.leaf(host(1)) is cache.leaf(host(1))
    assert cache.leaf(host(1)).host == host(1)


def test_the_least_recently_used_leaf_goes_first(clock: ManualClock) -> None:
    cache = LeafCache(AUTHORITY, capacity=2, now=clock)
    first, second = cache.leaf(host(1)), cache.leaf(host(2))
    cache.leaf(host(1))
    cache.leaf(host(3))
    assert cache.leaf(host(1)) is first
    assert cache.leaf(host(2)) is not second


def test_a_leaf_is_renewed_well_before_it_runs_out(clock: ManualClock) -> None:
    cache = LeafCache(AUTHORITY, capacity=2, now=clock)
    first = cache.leaf(host(1))
    clock.moment = first.certificate.not_valid_after_utc - timedelta(days=1)
    second = cache.leaf(host(1))
    assert second is not first
    assert second.certificate.not_valid_after_utc > clock.moment + timedelta(days=5)
    assert len(cache) == 1


def test_a_leaf_is_not_renewed_every_day(clock: ManualClock) -> None:
    cache = LeafCache(AUTHORITY, capacity=2, now=clock)
    first = cache.leaf(host(1))
    clock.moment += timedelta(days=3)
    assert cache.leaf(host(1)) is first


def test_a_leaf_from_the_future_is_replaced_when_the_clock_is_set_back(clock: ManualClock) -> None:
    clock.moment = START + timedelta(days=30)
    cache = LeafCache(AUTHORITY, capacity=2, now=clock)
    cache.leaf(host(1))
    clock.moment = START
    assert cache.leaf(host(1)).certificate.not_valid_before_utc <= START


def test_the_last_hour_of_the_authority_does_not_sign_for_every_request(clock: ManualClock) -> None:
    clock.moment = AUTHORITY.certificate.not_valid_after_utc - timedelta(hours=1)
    cache = LeafCache(AUTHORITY, capacity=2, now=clock)
    first = cache.leaf(host(1))
    clock.moment += timedelta(minutes=30)
    assert cache.leaf(host(1)) is first


@pytest.mark.parametrize("name", ["evil.test", "127.0.0.1", "*.tenant.example", "\x00"])
def test_a_refused_name_leaves_no_trace(clock: ManualClock, name: str) -> None:
    cache = LeafCache(AUTHORITY, capacity=2, now=clock)
    with pytest.raises(LeafRefusedError):
        cache.leaf(name)
    assert len(cache) == 0


def test_a_cache_without_room_is_a_mistake(clock: ManualClock) -> None:
    with pytest.raises(ValueError, match="at least one"):
        LeafCache(AUTHORITY, capacity=0, now=clock)


def test_a_flood_of_five_thousand_names_stays_within_capacity(clock: ManualClock) -> None:
    cache = LeafCache(AUTHORITY, capacity=100, now=clock)
    for number in range(5000):
        assert cache.leaf(host(number)).host == host(number)
    assert len(cache) == 100


def test_threads_share_a_cache(clock: ManualClock) -> None:
    cache = LeafCache(AUTHORITY, capacity=8, now=clock)
    with ThreadPoolExecutor(8) as pool:
        leaves = list(pool.map(lambda number: cache.leaf(host(number % 12)), range(400)))
    assert [leaf.host for leaf in leaves] == [host(number % 12) for number in range(400)]
    assert len(cache) == 8


def test_one_thread_at_a_time_looks_and_issues() -> None:
    """Else a leaf could be dropped by one thread between another's look-up and its use."""
    meeting = Barrier(2)

    def meet() -> datetime:
        meeting.wait(timeout=0.2)
        return START

    cache = LeafCache(AUTHORITY, capacity=1, now=meet)
    with ThreadPoolExecutor(2) as pool:
        calls = [pool.submit(cache.leaf, host(number)) for number in range(2)]
    assert all(isinstance(call.exception(), BrokenBarrierError) for call in calls)


@settings(deadline=None, max_examples=examples(60))
@given(
    capacity=st.integers(1, 5),
    steps=st.lists(st.tuples(st.integers(0, 9), st.integers(-100, 400)), max_size=40),
)
def test_size_never_exceeds_capacity_and_every_leaf_is_valid_now(
    capacity: int, steps: list[tuple[int, int]]
) -> None:
    clock = ManualClock(START)
    cache = LeafCache(AUTHORITY, capacity=capacity, now=clock)
    for number, hours in steps:
        clock.moment = max(START, clock.moment + timedelta(hours=hours))
        leaf = cache.leaf(host(number))
        certificate = leaf.certificate
        assert leaf.host == host(number)
        assert certificate.not_valid_before_utc <= clock.moment < certificate.not_valid_after_utc
        assert len(cache) <= capacity
