"""Connections to services that wait for another request: not for ever, and not past a reload."""

from typing import TYPE_CHECKING, Final

from mitmproxy.connection import Connection
from mitmproxy.proxy import commands, layer
from mitmproxy.proxy.layers.http import GetHttpConnection

from addons.exchange import exchange_of

if TYPE_CHECKING:
    from addons.layers import StrictHttpLayer

MAX_IDLE: Final = 8  # connections to services that one agent's connection keeps for later

type Commands = layer.CommandGenerator[None]


class Pool:
    """What one agent's connection has open to services.

    A connection is used again only for requests that were decided under the same snapshot as the
    one that it was opened for: `dial`, the trusted roots or the policy may be others now.
    """

    def __init__(self, http: "StrictHttpLayer") -> None:
        self._http = http
        self._snapshots: dict[Connection, int] = {}

    def snapshot_of(self, wanted: GetHttpConnection) -> int:
        """Return the number of the snapshot under which a request was decided."""
        stream = self._http.command_sources[wanted]
        exchange = exchange_of(stream.flow)  # type: ignore[attr-defined]
        return 0 if exchange is None else exchange.snapshot

    def close_spare(self, snapshot: int) -> Commands:
        """Close what may not, or need not, be used again."""
        idle = self._idle()
        stale = [connection for connection in idle if not self._is_of(connection, snapshot)]
        kept = [connection for connection in idle if connection not in stale]
        for connection in stale + kept[:-MAX_IDLE]:
            yield commands.CloseConnection(connection)

    def hide_stale(self, snapshot: int) -> dict[Connection, layer.Layer]:
        """Take out those that are in use and stale; the caller puts them back."""
        open_ones = self._http.connections
        stale = [one for one in self._snapshots if not self._is_of(one, snapshot)]
        return {one: open_ones.pop(one) for one in stale if one in open_ones}

    def note_new(self, snapshot: int) -> None:
        """Note under which snapshot what is new was opened; forget what has gone."""
        known = self._snapshots
        self._snapshots = {
            connection: known.get(connection, snapshot)
            for connection in self._http.connections
            if connection is not self._http.context.client
        }

    def _is_of(self, connection: Connection, snapshot: int) -> bool:
        return self._snapshots.get(connection, snapshot) == snapshot

    def _idle(self) -> list[Connection]:
        """Return what no stream uses or waits for, oldest first."""
        used: set[Connection] = {*self._http.waiting_for_establishment}
        used.update(stream.context.server for stream in self._http.streams.values())
        return [one for one in self._snapshots if one.connected and one not in used]
