"""The tokens of agents: made and shown once, listed, ended."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from admin.lookup import find_agent, find_connector
from admin.operations.ledger import Act, announce
from admin.operations.place import Place
from config.connector import Agent, Registry
from config.errors import UsageError
from proxy.secret import Secret

if TYPE_CHECKING:
    from proxy.vault.tokens import AgentTokens


@dataclass(frozen=True, slots=True)
class Issued:
    """A new token, which nobody can show again, with what is kept of it."""

    agent: str
    token: Secret
    id: str
    expires_at: datetime | None


@dataclass(frozen=True, slots=True)
class Token:
    """What is kept of a token. `connectors` None: all that its agent may use."""

    id: str
    agent: str
    created_at: datetime
    expires_at: datetime | None
    last_used: datetime | None
    connectors: tuple[str, ...] | None


def issue(
    place: Place,
    name: str,
    *,
    expires_at: datetime | None = None,
    connectors: Sequence[str] = (),
    by: str = "",
) -> Issued:
    """Make a further token of an agent; its others stay. Named connectors narrow it to them."""
    registry = place.registry()
    agent = find_agent(registry, name)
    ids = granted_ids(registry, agent, connectors)
    with _opened(place) as tokens:
        secret = tokens.issue(agent.slug, expires_at=expires_at, connectors=ids)
    announce(place, Act("agent.token", agent=agent.slug, by=by))
    return issued(agent.slug, secret, expires_at)


def rotate(place: Place, name: str, *, expires_at: datetime | None = None, by: str = "") -> Issued:
    """Make a new token of an agent in place of all that it has."""
    agent = find_agent(place.registry(), name)
    with _opened(place) as tokens:
        secret = tokens.rotate(agent.slug, expires_at=expires_at)
    announce(place, Act("agent.rotate", agent=agent.slug, by=by))
    return issued(agent.slug, secret, expires_at)


def listing(place: Place, name: str | None = None) -> tuple[Token, ...]:
    """Return the tokens of an agent, or of all, that have not expired; the oldest first."""
    registry = place.registry()
    wanted = None if name is None else find_agent(registry, name).slug
    slugs = {connector.id: slug for slug, connector in registry.connectors.items()}
    with _opened(place) as tokens:
        found = tokens.issued()
    return tuple(
        Token(
            id=token.id,
            agent=token.record.agent,
            created_at=token.created_at,
            expires_at=token.record.expires_at,
            last_used=token.used_at,
            connectors=None
            if token.record.connectors is None
            else tuple(sorted(slugs.get(id_, id_) for id_ in token.record.connectors)),
        )
        for token in found
        if wanted is None or token.record.agent == wanted
    )


def revoke(place: Place, name: str, ids: Sequence[str] | None, *, by: str = "") -> int:
    """End tokens of an agent by their ids, or all of them (None); return how many."""
    agent = find_agent(place.registry(), name)
    with _opened(place) as tokens:
        if ids is None:
            count = tokens.revoke(agent.slug)
        else:
            count = len(ids)
            for id_ in ids:
                tokens.revoke_by_id(agent.slug, id_)
    announce(place, Act("agent.revoke-tokens", agent=agent.slug, by=by))
    return count


def granted_ids(registry: Registry, agent: Agent, names: Sequence[str]) -> list[str] | None:
    """Return the ids of connectors that a token is narrowed to; None where none is named.

    Raises UsageError for one that the agent was not granted.
    """
    named = [find_connector(registry, name) for name in names]
    for connector in named:
        if connector.slug not in agent.connectors:
            raise UsageError(
                f"agent {agent.slug} was not granted {connector.slug}",
                hint=f"run `keyhatch agent grant {agent.slug} {connector.slug}` first",
            )
    return [connector.id for connector in named] or None


def issued(agent: str, token: Secret, expires_at: datetime | None) -> Issued:
    """Return a new token with the id that it is listed under."""
    from proxy.vault.tokens import id_of

    return Issued(agent, token, id_of(token), expires_at)


def _opened(place: Place) -> "AgentTokens":
    from proxy.vault.tokens import AgentTokens

    return AgentTokens(place.home, now=place.now)
