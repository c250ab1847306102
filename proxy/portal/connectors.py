"""What an agent is told of the connectors that it may use; it learns of no others."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final, Literal

from config.connector import Connector
from config.destination import Destination, DestinationPattern
from config.errors import UsageError
from config.policy_words import policy_lines
from config.slug import slugify
from proxy.policy.decision import NAME_SUFFIX, Caller
from proxy.policy.snapshot import Snapshot
from proxy.portal.words import one_line
from proxy.vault.inventory import CredentialState

PORTAL: Final = "http://keyhatch.internal"

type Status = CredentialState | Literal["disabled", "unknown"]

# What the operator does about it, as the end of `keyhatch connector …`.
_REMEDIES: Final[dict[Status, str]] = {
    "disabled": "enable {}",
    "needs-credential": "set {} --secret-stdin",
    "changed": "confirm {}",
    "needs-connecting": "connect {}",
    "needs-reauthorization": "connect {}",
    "configuration-error": "show {}",
}


@dataclass(frozen=True, slots=True)
class View:
    """What one agent may see at one moment; `credential` tells how a connector's secrets are."""

    caller: Caller
    snapshot: Snapshot
    credential: Callable[[Connector], CredentialState | None]
    ca_pem: Callable[[], bytes]

    def connectors(self) -> list[Connector]:
        """Return the connectors that the agent may use, by slug."""
        known, granted = self.snapshot.registry.connectors, self.caller.connectors
        named = known.values() if granted is None else [known[s] for s in granted if s in known]
        return sorted((c for c in named if self.caller.may_use(c)), key=lambda c: c.slug)

    def status(self, connector: Connector) -> Status:
        """Return whether a call would find the connector ready."""
        if not connector.enabled:
            return "disabled"
        return self.credential(connector) or "unknown"

    def is_alone(self, connector: Connector) -> bool:
        """Tell whether the host alone is enough for the proxy to know which connector is meant."""
        return all(
            [
                c
                for c in self.snapshot.owners_of(_destination(pattern)).values()
                if c.enabled and self.caller.may_use(c)
            ]
            == [connector]
            for pattern in connector.destinations
            if not pattern.wildcard
        )


def find(view: View, asked: str) -> list[Connector]:
    """Return the agent's connectors that a name means: its slug, display name, provider, a word.

    The nearest kind of match counts alone; more than one connector means that the name was not
    enough, none that there is no such connector for this agent.
    """
    wanted = asked.strip().casefold()
    if not wanted:
        return []
    slug = _slug_or_empty(wanted)
    matches: tuple[Callable[[Connector], bool], ...] = (
        lambda c: c.slug == wanted,
        lambda c: c.name.casefold() == wanted,
        lambda c: slug != "" and slug in {c.slug, _slug_or_empty(c.name)},
        lambda c: c.provider is not None and c.provider in {wanted, slug},
        lambda c: _has_words(f"{c.slug}-{_slug_or_empty(c.name)}", slug),
    )
    known = view.connectors()
    return next((found for match in matches if (found := list(filter(match, known)))), [])


def facts_of(connector: Connector, view: View) -> dict[str, object]:
    """Return what an agent needs to call a connector; there is no secret in it."""
    status = view.status(connector)
    base = base_url(connector)
    facts: dict[str, object] = {
        "slug": connector.slug,
        "name": one_line(connector.name),
        "status": status,
        "base_url": base,
        "hosts": [str(pattern) for pattern in connector.destinations],
        "name_url": name_url(connector),
        "header": f"Keyhatch-Connector: {connector.slug}",
        "header_needed": not view.is_alone(connector),
        "example": example(connector),
        "policy": policy_of(connector, view.caller),
        "hint": remedy(connector, status),
        "self": f"{PORTAL}/connectors/{connector.slug}",
    }
    return facts


def base_url(connector: Connector) -> str | None:
    """Return the address of the connector's own host; None where it owns only wildcards."""
    base = connector.base
    return f"{Destination(base.scheme, base.host, base.port)}/" if base else None


def name_url(connector: Connector) -> str | None:
    """Return the address that names the connector instead of a host."""
    return f"http://{connector.slug}{NAME_SUFFIX}/" if connector.base else None


def example(connector: Connector) -> str | None:
    """Return a request that shows whether the connector works, where one is known."""
    base = base_url(connector)
    if base is None or connector.test_path is None:
        return None
    return f"GET {base}{connector.test_path.removeprefix('/')}"


def policy_of(connector: Connector, caller: Caller) -> list[str]:
    """Return what an agent may do through a connector, a line each: its policy, then the grant's."""
    lines = [*policy_lines(connector.policy), *policy_lines(caller.grant(connector))]
    return [one_line(line, limit=400) for line in lines] or ["any method on any path"]


def remedy(connector: Connector, status: Status) -> str | None:
    """Return what the operator does to make a connector ready; None where it is."""
    command = _REMEDIES.get(status)
    if command is None:
        return None
    return f"ask the operator to run `keyhatch connector {command.format(connector.slug)}`"


def _destination(pattern: DestinationPattern) -> Destination:
    return Destination(pattern.scheme, pattern.host, pattern.port)


def _slug_or_empty(name: str) -> str:
    try:
        return slugify(name)
    except UsageError:
        return ""


def _has_words(text: str, wanted: str) -> bool:
    """Tell whether every word of a slug is among the words of another."""
    words: Iterable[str] = wanted.split("-")
    return bool(wanted) and set(words) <= set(text.split("-"))
