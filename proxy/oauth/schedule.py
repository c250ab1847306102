"""When a token is used, renewed, and tried again: pure functions of times and of one random number."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from math import ceil
from typing import Final

from proxy.oauth.token_set import TokenSet
from proxy.vault.refresh_state import Condition, RefreshState

type Random = Callable[[], float]  # in [0, 1)

AHEAD: Final = 0.2  # of a token's life that is left when it is renewed in the background …
MAX_AHEAD: Final = timedelta(minutes=10)  # … and at most this much
LEEWAY: Final = 0.05  # of its life that is not used: the request is on its way for a while …
MIN_LEEWAY: Final = timedelta(seconds=1.5)  # … and servers count in whole seconds, from their floor
MAX_LEEWAY: Final = timedelta(seconds=5)
FIRST_RETRY: Final = 1.0  # seconds, doubled with each failure in a row
MAX_RETRY: Final = 300.0
MAX_CONFIGURATION_RETRY: Final = 60.0  # an operator who mends the file waits for no longer
MAX_RETRY_AFTER: Final = 3600.0  # what a provider may ask for
FORCED_INTERVAL: Final = timedelta(seconds=30)  # between refreshes that agents bring about by a 401
NEVER: Final = datetime.max.replace(tzinfo=UTC)


def usable_until(token_set: TokenSet) -> datetime:
    """Return when an access token must no longer be sent; NEVER where the provider says nothing."""
    if token_set.expires_at is None:
        return NEVER
    life = _life(token_set)
    leeway = min(max(life * LEEWAY, MIN_LEEWAY), MAX_LEEWAY, life / 2)
    return token_set.expires_at - leeway


def refresh_at(token_set: TokenSet, random: Random) -> datetime | None:
    """Return when to renew ahead of expiry: spread out, so that many connectors do not meet."""
    if token_set.expires_at is None:
        return None
    ahead = min(_life(token_set) * AHEAD, MAX_AHEAD)
    return usable_until(token_set) - ahead * (0.6 + 0.4 * random())


def retry_at(
    failures: int, retry_after: float | None, now: datetime, random: Random, *, longest: float
) -> datetime:
    """Return when to try again after so many failures in a row (from 1), in whole seconds.

    Doubles up to `longest` seconds, with jitter of a half; never before the provider's
    `retry_after` (seconds), as far as that is reasonable.
    """
    backoff = min(FIRST_RETRY * 2.0 ** min(failures - 1, 30), longest) * (0.5 + 0.5 * random())
    asked = 0.0 if retry_after is None else max(0.0, min(retry_after, MAX_RETRY_AFTER))
    seconds = ceil(now.timestamp() + max(backoff, asked))
    return datetime.fromtimestamp(seconds, UTC)


def due_at(state: RefreshState) -> datetime | None:
    """Return when a connector is to be renewed in the background, or None: not by itself.

    A refresh that was cut off is due at once: some providers take the old refresh token for a
    short while only.
    """
    if state.condition is Condition.NEEDS_REAUTHORIZATION:
        return None
    due = state.pending_since or state.next_refresh
    if due is None or state.retry_at is None:
        return due
    return max(due, state.retry_at)


def should_renew(
    token_set: TokenSet | None, state: RefreshState, now: datetime, *, refused: int | None = None
) -> bool:
    """Tell whether to ask the provider now.

    `refused` is the version of the token set that an upstream has answered 401 to, if one has.
    """
    if state.condition is Condition.NEEDS_REAUTHORIZATION or _held_back(state, now):
        return False
    if refused is not None:
        return state.version == refused and _may_force(state, now)
    if token_set is None or now >= usable_until(token_set):
        return True
    due = due_at(state)
    return due is not None and now >= due


def _held_back(state: RefreshState, now: datetime) -> bool:
    """A time beyond the longest wait is one of a clock that was wrong, and holds nothing back."""
    latest = now + timedelta(seconds=MAX_RETRY_AFTER + 1)
    return state.retry_at is not None and now < state.retry_at <= latest


def _may_force(state: RefreshState, now: datetime) -> bool:
    return state.forced_at is None or abs(now - state.forced_at) >= FORCED_INTERVAL


def _life(token_set: TokenSet) -> timedelta:
    expires_at = token_set.expires_at or token_set.obtained_at
    return max(expires_at - token_set.obtained_at, timedelta())
