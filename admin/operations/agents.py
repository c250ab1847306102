"""Agents added and deleted, and the connectors that they are granted."""

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Final

from admin.lookup import find_agent, find_connector
from admin.operations.ledger import Act, announce
from admin.operations.place import Place
from admin.operations.tokens import Issued, Token, issued, listing
from admin.operations.versions import require_current, tag_of
from config.connector import Agent
from config.errors import Fault, NotFoundError, UsageError
from config.policy import FREE
from config.policy_words import describe_policy
from config.shape import require_entry
from config.slug import slugify

NO_POLICY: Final[Mapping[str, object]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Grant:
    """A connector that an agent may use; `policy` has the keys that narrow it, `words` say them."""

    connector: str
    policy: Mapping[str, object]
    words: str

    def __str__(self) -> str:
        return f"{self.connector} ({self.words})" if self.words else self.connector


@dataclass(frozen=True, slots=True)
class AgentState:
    """An agent, its grants in order of their names, and its tokens; `tag` is its entry's."""

    slug: str
    grants: tuple[Grant, ...]
    tokens: tuple[Token, ...]
    tag: str
    listen: str = ""
    unmatched: str | None = None

    @property
    def expires_at(self) -> datetime | None:
        """When the last of its tokens ends; None where one does not, or there is none."""
        ends = [token.expires_at for token in self.tokens]
        return None if None in ends else max((e for e in ends if e is not None), default=None)

    @property
    def last_used(self) -> datetime | None:
        return max((t.last_used for t in self.tokens if t.last_used is not None), default=None)


def states(place: Place) -> tuple[AgentState, ...]:
    """Return all agents, in the order of the file."""
    known, tokens = place.known(), listing(place)
    return tuple(
        _state(agent, known.entry("agents", slug), tokens)
        for slug, agent in known.registry.agents.items()
    )


def state(place: Place, name: str) -> AgentState:
    """Return one agent. Raises NotFoundError."""
    known = place.known()
    agent = find_agent(known.registry, name)
    return _state(agent, known.entry("agents", agent.slug), listing(place, agent.slug))


def add(
    place: Place,
    name: str,
    connectors: Sequence[str] = (),
    *,
    expires_at: datetime | None = None,
    listen: str = "",
    by: str = "",
) -> Issued:
    """Make an agent that may use some connectors, with a first token."""
    from config.edit import edit_file
    from proxy.vault.tokens import AgentTokens

    registry = place.registry()
    slug = slugify(name)
    granted = [find_connector(registry, connector).slug for connector in connectors]
    with AgentTokens(place.home, now=place.now) as tokens, ExitStack() as undo:
        with edit_file(place.home) as file:
            file.add_agent(slug, granted, listen=listen)
            undo.callback(tokens.revoke, slug)
            # Not `issue`: nothing of an earlier namesake stays valid.
            token = tokens.rotate(slug, expires_at=expires_at)
        undo.pop_all()
    announce(place, Act("agent.add", agent=slug, by=by))
    return issued(slug, token, expires_at)


def delete(place: Place, name: str, *, expected: str | None = None, by: str = "") -> str:
    """Delete an agent and its tokens; return its slug. Raises StaleError, see `versions`."""
    from config.edit import edit_file
    from proxy.vault.tokens import AgentTokens

    slug = find_agent(place.registry(), name).slug
    with AgentTokens(place.home) as tokens, edit_file(place.home) as file:
        require_current(file, "agents", slug, expected)
        file.delete_agent(slug)
        # Before the file: should that fail, the agent is locked out, not left with a live token.
        tokens.revoke(slug)
    announce(place, Act("agent.delete", agent=slug, by=by))
    return slug


def grant(
    place: Place,
    name: str,
    connectors: Sequence[str],
    *,
    policy: Mapping[str, object] = NO_POLICY,
    expected: str | None = None,
    by: str = "",
) -> tuple[str, list[str]]:
    """Let an agent use connectors; return its slug and all that it may use.

    `policy` has keys that narrow these grants, as in connectors.yaml; None takes one out.
    """
    wish = _Wish(connectors, policy)
    return _grant(place, name, wish, expected=expected, by=by)


def narrow(
    place: Place,
    name: str,
    connector: str,
    policy: Mapping[str, object],
    *,
    expected: str | None = None,
    by: str = "",
) -> None:
    """Let an agent use one connector under just this policy, whatever it was before."""
    wish = _Wish([connector], policy, is_whole=True)
    _grant(place, name, wish, expected=expected, by=by)


def revoke(
    place: Place,
    name: str,
    connectors: Sequence[str],
    *,
    expected: str | None = None,
    by: str = "",
) -> tuple[str, list[str]]:
    """Take connectors away from an agent; return its slug and what it may still use."""
    from config.edit import edit_file

    with edit_file(place.home, place.known()) as file:
        agent = find_agent(file.registry, name)
        require_current(file, "agents", agent.slug, expected)
        named = [find_connector(file.registry, connector).slug for connector in connectors]
        _require_granted(agent, named)
        kept = [slug for slug in sorted(agent.connectors) if slug not in named]
        file.set_agent_connectors(agent.slug, kept)
    acts = (Act("agent.revoke", agent.slug, slug, by=by) for slug in dict.fromkeys(named))
    announce(place, *acts)
    return agent.slug, kept


@dataclass(frozen=True, slots=True)
class _Wish:
    """What is to be granted; where it `is_whole`, keys that the policy does not name are taken out."""

    connectors: Sequence[str]
    policy: Mapping[str, object]
    is_whole: bool = False

    def keys_for(self, slug: str, entry: Mapping[str, object]) -> Mapping[str, object]:
        """Return what changes of a grant of which the agent's entry is this."""
        known = _policies(entry).get(slug, {}) if self.is_whole else {}
        return dict.fromkeys(known) | dict(self.policy)


def _grant(
    place: Place, name: str, wish: _Wish, *, expected: str | None, by: str
) -> tuple[str, list[str]]:
    from config.edit import edit_file

    with edit_file(place.home, place.known()) as file:
        agent = find_agent(file.registry, name)
        require_current(file, "agents", agent.slug, expected)
        entry = file.entry("agents", agent.slug)
        slugs = [find_connector(file.registry, wanted).slug for wanted in wish.connectors]
        named = list(dict.fromkeys(slugs))
        _require_policy(agent.slug, named, wish.policy)
        granted = [*(slug for slug in sorted(agent.connectors) if slug not in named), *named]
        file.set_agent_connectors(agent.slug, granted)
        for slug in named:
            if keys := wish.keys_for(slug, entry):
                file.narrow_grant(agent.slug, slug, keys)
    announce(place, *(Act("agent.grant", agent.slug, slug, by=by) for slug in named))
    return agent.slug, granted


def _state(agent: Agent, entry: Mapping[str, object], tokens: Sequence[Token]) -> AgentState:
    listen, policies = entry.get("listen"), _policies(entry)
    return AgentState(
        slug=agent.slug,
        grants=tuple(
            Grant(slug, policies.get(slug, {}), describe_policy(agent.narrowed.get(slug, FREE)))
            for slug in sorted(agent.connectors)
        ),
        tokens=tuple(token for token in tokens if token.agent == agent.slug),
        tag=tag_of(entry),
        listen=str(listen) if listen else "",
        unmatched=agent.unmatched,
    )


def _policies(entry: Mapping[str, object]) -> dict[str, dict[str, object]]:
    """Return the policies of an agent's narrowed grants, by connector, as they stand in the file."""
    listed = entry.get("connectors")
    grants = listed if isinstance(listed, list) else []
    return {
        grant["connector"]: {key: value for key, value in grant.items() if key != "connector"}
        for grant in grants
        if isinstance(grant, dict)
    }


def _require_policy(agent: str, named: Sequence[str], policy: Mapping[str, object]) -> None:
    if "connector" in policy:
        message = "unknown key 'connector'"
        raise UsageError(message, hint="leave it out", faults=(Fault(("connector",), message),))
    given = {key: value for key, value in policy.items() if value is not None}
    if given:
        grants = [{"connector": slug, **given} for slug in named]
        require_entry("agents", agent, {"connectors": grants})


def _require_granted(agent: Agent, named: Sequence[str]) -> None:
    missing = [slug for slug in named if slug not in agent.connectors]
    if missing:
        raise NotFoundError(
            f"agent {agent.slug} was not granted {', '.join(missing)}",
            hint=f"it has: {', '.join(sorted(agent.connectors)) or 'nothing'}",
        )
