"""The registry, indexed for decisions: who owns a host, at a cost that does not grow with it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from config.connector import Agent, Connector, DialAddress, Registry
from config.destination import DEFAULT_PORTS, Destination, Scheme

type _Place = tuple[str, int]
type Owners = Mapping[str, Connector]
"""Connectors by slug."""
type _Index = Mapping[_Place, Mapping[Scheme, Owners]]

NOBODY: Final[Mapping[Scheme, Owners]] = {}
NONE: Final[Owners] = {}


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One immutable, numbered state of the registry with its indexes."""

    number: int
    registry: Registry
    _exact: _Index
    _suffixes: _Index

    def is_owned(self, host: str, port: int) -> bool:
        """Tell whether any connector owns a canonical host and port, under whatever scheme."""
        return bool(self._owners(host, port))

    def owners_of(self, destination: Destination) -> Owners:
        """Return the connectors that a request for a destination may mean, by slug.

        Only the most specific: exact hosts come before wildcards, longer suffixes before shorter
        ones. A plain-HTTP request also means a connector that speaks HTTPS (port 80 then stands for
        443): the credential leaves under TLS. The reverse is never true.
        """
        owners = self._owners(destination.host, destination.port)
        same = owners.get(destination.scheme)
        if same or destination.scheme == "https":
            return same or NONE
        if destination.port == DEFAULT_PORTS["http"]:
            owners = self._owners(destination.host, DEFAULT_PORTS["https"])
        return owners.get("https") or NONE

    def dial_address(self, host: str, port: int) -> DialAddress | None:
        """Return where to connect for a host and port instead of asking DNS, if a connector says.

        All that own it say the same, or the file would not load.
        """
        owners = self._owners(host, port)
        return next((c.dial for same in owners.values() for c in same.values()), None)

    def agent(self, slug: str) -> Agent | None:
        return self.registry.agents.get(slug)

    def _owners(self, host: str, port: int) -> Mapping[Scheme, Owners]:
        exact = self._exact.get((host, port))
        if exact:
            return exact
        labels = host.split(".")
        for start in range(1, len(labels)):
            found = self._suffixes.get((".".join(labels[start:]), port))
            if found:
                return found
        return NOBODY


def build_snapshot(registry: Registry, number: int) -> Snapshot:
    """Return the indexed form of a registry."""
    return Snapshot(
        number=number,
        registry=registry,
        _exact=_index(registry.connectors.values(), wildcard=False),
        _suffixes=_index(registry.connectors.values(), wildcard=True),
    )


def _index(connectors: Iterable[Connector], *, wildcard: bool) -> _Index:
    index: dict[_Place, dict[Scheme, dict[str, Connector]]] = {}
    for connector in connectors:
        for pattern in connector.destinations:
            if pattern.wildcard is wildcard:
                owners = index.setdefault((pattern.host, pattern.port), {})
                owners.setdefault(pattern.scheme, {})[connector.slug] = connector
    return index
