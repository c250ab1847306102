"""What a request for tokens is told: the tokens, or a problem with the command that mends it."""

from datetime import datetime
from math import ceil
from typing import Final

from config.connector import Connector
from config.errors import KeyhatchError
from proxy.oauth.schedule import usable_until
from proxy.oauth.store import Held
from proxy.oauth.token_set import TokenSet
from proxy.problems import Problem, ProblemCode
from proxy.vault.errors import BindingChangedError
from proxy.vault.refresh_state import Condition, RefreshState

_RETRY_SOON: Final = 1  # seconds


def explain(connector: Connector, held: Held, now: datetime) -> TokenSet | Problem:
    """Return the tokens if they may be sent now, else why not.

    A connector that needs its operator is refused even while its last token has not expired: the
    provider has ended the connection.
    """
    state, token_set = held.state, held.token_set
    if state.condition is Condition.NEEDS_REAUTHORIZATION:
        return _problem(
            ProblemCode.NEEDS_REAUTHORIZATION,
            connector,
            f"the provider no longer accepts the connection of {connector.slug}",
            "connect {}",
        )
    if token_set is not None and now < usable_until(token_set):
        return token_set
    if state.condition is Condition.CONFIGURATION_ERROR:
        return _problem(
            ProblemCode.CREDENTIAL_MISSING,
            connector,
            f"the provider refuses how {connector.slug} is configured",
            "show {}",
        )
    if token_set is None and connector.oauth is not None and connector.oauth.grant.connects:
        return _problem(
            ProblemCode.CREDENTIAL_MISSING,
            connector,
            f"the connector {connector.slug} is not connected",
            "connect {}",
        )
    return unavailable(connector, _wait(state, now))


def problem_of(connector: Connector, error: KeyhatchError) -> Problem:
    """Return what an agent is told when the vault refuses to give the tokens."""
    if isinstance(error, BindingChangedError):
        detail = f"the connector {connector.slug} changed where its credential goes"
        return _problem(ProblemCode.CONNECTOR_CHANGED, connector, detail, "confirm {}")
    detail = f"the connector {connector.slug} has no usable credential"
    return _problem(ProblemCode.CREDENTIAL_MISSING, connector, detail, "show {}")


def unavailable(connector: Connector, retry_after: int) -> Problem:
    """Return the problem for a token that cannot be had just now; `retry_after` in seconds."""
    return Problem(
        ProblemCode.TOKEN_ENDPOINT_UNAVAILABLE,
        f"no fresh access token could be had for {connector.slug}",
        connector=connector.slug,
        retry_after=retry_after,
    )


def _wait(state: RefreshState, now: datetime) -> int:
    if state.retry_at is None:
        return _RETRY_SOON
    return max(_RETRY_SOON, ceil((state.retry_at - now).total_seconds()))


def _problem(code: ProblemCode, connector: Connector, detail: str, command: str) -> Problem:
    hint = f"the operator runs `keyhatch connector {command.format(connector.slug)}`"
    return Problem(code, detail, connector=connector.slug, hint=hint)
