"""The registry, indexed for decisions: who owns a host, at a cost that does not grow with it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final
from urllib.parse import urlsplit

from config.connector import Agent, Connector, DialAddress, Registry
from config.destination import DEFAULT_PORTS, Destination, Scheme, parse_destination
from proxy.policy.readings import readings_of

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
    _endpoints: Mapping[_Place, frozenset[str]] = MappingProxyType({})

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

    def is_token_endpoint(self, host: str, port: int, path: str) -> bool:
        """Tell whether a path at a host may be read as some connector's token endpoint."""
        endpoints = self._endpoints.get((host, port))
        if endpoints is None:
            return False
        readings = readings_of(path)
        return readings is None or not endpoints.isdisjoint(readings)

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
        _endpoints=_token_endpoints(registry.connectors.values()),
    )


def _token_endpoints(connectors: Iterable[Connector]) -> Mapping[_Place, frozenset[str]]:
    found: dict[_Place, frozenset[str]] = {}
    urls = {url for c in connectors if c.oauth for url in c.oauth.endpoint_urls}
    for url in urls:
        parts = urlsplit(url)
        where = parse_destination(parts.netloc, "https")
        place = where.host, where.port
        found[place] = found.get(place, frozenset()) | (readings_of(parts.path) or frozenset())
    return found


def _index(connectors: Iterable[Connector], *, wildcard: bool) -> _Index:
    index: dict[_Place, dict[Scheme, dict[str, Connector]]] = {}
    for connector in connectors:
        for pattern in connector.destinations:
            if pattern.wildcard is wildcard:
                owners = index.setdefault((pattern.host, pattern.port), {})
                owners.setdefault(pattern.scheme, {})[connector.slug] = connector
    return index
