"""What becomes of a connector's refresh state: pure steps from one row to the next."""

from dataclasses import replace
from datetime import datetime
from typing import Final

from config.connector import Connector
from proxy.oauth.failure import FailureKind, TokenFailure
from proxy.oauth.grants.renewal import can_renew
from proxy.oauth.schedule import MAX_CONFIGURATION_RETRY, MAX_RETRY, Random, refresh_at, retry_at
from proxy.oauth.token_set import TokenSet
from proxy.vault.refresh_state import Condition, RefreshState

CUT_OFF: Final = "; an earlier refresh was cut off before its answer was stored"


def renewable(connector: Connector, token_set: TokenSet | None) -> bool:
    """Tell whether a connector can get a token without its operator."""
    return connector.oauth is not None and can_renew(connector.oauth, token_set)


def begun(state: RefreshState, now: datetime, *, forced: bool) -> RefreshState:
    """The write-ahead marker: the provider is about to be asked. An older marker stays."""
    return replace(
        state,
        pending_since=state.pending_since or now,
        forced_at=now if forced else state.forced_at,
    )


def renewed(
    state: RefreshState, connector: Connector, token_set: TokenSet, now: datetime, random: Random
) -> RefreshState:
    """There is a new token set."""
    return RefreshState(
        connector_id=state.connector_id,
        version=state.version,
        last_success=now,
        next_refresh=refresh_at(token_set, random) if renewable(connector, token_set) else None,
        forced_at=state.forced_at,
    )


def failed(
    state: RefreshState, failure: TokenFailure, now: datetime, random: Random, *, cut_off: bool
) -> RefreshState:
    """The provider gave none.

    What it refused in so many words has ended, and its marker with it. After any other answer, or
    none, it may all the same have replaced the refresh token: the marker stays. `cut_off`: there
    was a marker before this attempt.
    """
    failures = state.failures + 1
    known = replace(state, failures=failures, last_error_at=now, last_error=_sentence(failure))
    match failure.kind:
        case FailureKind.INVALID_GRANT:
            error = known.last_error + (CUT_OFF if cut_off else "")
            return replace(
                known,
                condition=Condition.NEEDS_REAUTHORIZATION,
                last_error=error,
                next_refresh=None,
                pending_since=None,
                retry_at=None,
            )
        case FailureKind.UNAVAILABLE:
            wait = retry_at(failures, failure.retry_after, now, random, longest=MAX_RETRY)
            return replace(known, retry_at=wait)
        case _:
            longest = MAX_CONFIGURATION_RETRY
            wait = retry_at(failures, failure.retry_after, now, random, longest=longest)
            return replace(
                known,
                condition=Condition.CONFIGURATION_ERROR,
                pending_since=known.pending_since if cut_off else None,
                retry_at=wait,
            )


def ended(state: RefreshState, now: datetime) -> RefreshState:
    """The last token has expired, and nothing can renew it."""
    return replace(
        state,
        condition=Condition.NEEDS_REAUTHORIZATION,
        last_error="the access token has expired, and there is no refresh token",
        last_error_at=now,
        next_refresh=None,
        pending_since=None,
    )


def _sentence(failure: TokenFailure) -> str:
    """Return what an operator reads; `error` is one of the known words of OAuth, or ours."""
    match failure.kind:
        case FailureKind.INVALID_GRANT:
            return "the provider no longer accepts this connection (invalid_grant)"
        case FailureKind.INVALID_CLIENT:
            return "the provider does not accept the client id or secret (invalid_client)"
        case FailureKind.UNAVAILABLE:
            return f"the token endpoint gave no tokens: {failure.error}"
        case _:
            return f"the refresh was refused: {failure.error}"
