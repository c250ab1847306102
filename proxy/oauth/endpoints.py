"""How the endpoints that belong to a connector are reached: by its own dial entries, else vetted."""

import time
from dataclasses import dataclass
from pathlib import Path

from config.connector import Connector, DialAddress
from config.destination import Destination
from proxy.oauth.driver import HttpDriver
from proxy.server.dialer import Dialer, DialTable, is_own_address, resolve_by_system


@dataclass(frozen=True, slots=True)
class Endpoints:
    """Makes drivers; `roots` is the PEM file that servers are verified against."""

    roots: Path

    def authorization(self, connector: Connector) -> HttpDriver:
        """Return a driver to a connector's authorization server.

        `token_dial` is where all of it is dialled: what it is for is a server that has a single
        address of its own.
        """
        if connector.token_dial is None:
            return self._driver(lambda host, port: _own_dial(connector, host, port))
        return self._driver(lambda _host, _port: connector.token_dial)

    def service(self, connector: Connector) -> HttpDriver:
        """Return a driver to the service itself, dialled as the proxy does for agents."""
        return self._driver(lambda host, port: _own_dial(connector, host, port), plain=True)

    def _driver(self, dial_table: DialTable, *, plain: bool = False) -> HttpDriver:
        dialer = Dialer(
            dial_table=dial_table,
            resolve=resolve_by_system,
            monotonic=time.monotonic,
            is_own_address=is_own_address,
        )
        return HttpDriver(dialer, self.roots, plain=plain)


def _own_dial(connector: Connector, host: str, port: int) -> DialAddress | None:
    """Return the connector's `dial` for a destination of its own."""
    destination = Destination(connector.scheme, host, port)
    owned = any(pattern.matches(destination) for pattern in connector.destinations)
    return connector.dial if owned else None
