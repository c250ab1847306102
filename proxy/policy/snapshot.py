"""The registry, indexed for decisions: who owns a host, at a cost that does not grow with it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from config.connector import Agent, Connector, DialAddress, Registry
from config.destination import DEFAULT_PORTS, Destination

type _Place = tuple[str, int]
type _Owners = Mapping[_Place, tuple[Connector, ...]]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One immutable, numbered state of the registry with its indexes."""

    number: int
    registry: Registry
    _exact: _Owners
    _suffixes: _Owners

    def owners(self, host: str, port: int) -> tuple[Connector, ...]:
        """Return the connectors that own a canonical host and port, the most specific only.

        Exact hosts come before wildcards, longer suffixes before shorter ones.
        """
        exact = self._exact.get((host, port))
        if exact:
            return exact
        labels = host.split(".")
        for start in range(1, len(labels)):
            found = self._suffixes.get((".".join(labels[start:]), port))
            if found:
                return found
        return ()

    def owners_of(self, destination: Destination) -> tuple[Connector, ...]:
        """Return the connectors that a request for a destination may mean.

        A plain-HTTP request also means a connector that speaks HTTPS (port 80 then stands for
        443): the credential leaves under TLS. The reverse is never true.
        """
        owners = self.owners(destination.host, destination.port)
        same = tuple(c for c in owners if c.scheme == destination.scheme)
        if same or destination.scheme == "https":
            return same
        if destination.port == DEFAULT_PORTS["http"]:
            owners = self.owners(destination.host, DEFAULT_PORTS["https"])
        return tuple(c for c in owners if c.scheme == "https")

    def dial_address(self, host: str, port: int) -> DialAddress | None:
        """Return where to connect for a host and port instead of asking DNS, if a connector says."""
        return next((c.dial for c in self.owners(host, port) if c.dial), None)

    def agent(self, slug: str) -> Agent | None:
        return self.registry.agents.get(slug)


def build_snapshot(registry: Registry, number: int) -> Snapshot:
    """Return the indexed form of a registry."""
    return Snapshot(
        number=number,
        registry=registry,
        _exact=_index(registry.connectors.values(), wildcard=False),
        _suffixes=_index(registry.connectors.values(), wildcard=True),
    )


def _index(connectors: Iterable[Connector], *, wildcard: bool) -> _Owners:
    index: dict[_Place, tuple[Connector, ...]] = {}
    for connector in connectors:
        places = {(d.host, d.port) for d in connector.destinations if d.wildcard is wildcard}
        for place in places:
            index[place] = (*index.get(place, ()), connector)
    return index
