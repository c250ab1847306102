"""The token keeper of a running proxy, put together from the rooms that it stands on."""

import asyncio
import socket
import threading
from collections.abc import Callable, Mapping
from datetime import datetime

import structlog

from certs.roots import upstream_roots_path
from config.connector import Connector
from config.errors import KeyhatchError
from config.home import Home
from config.load import RegistryReader
from proxy.oauth.keeper import fork_keeper, keep
from proxy.server.dialer import VettedLoop
from proxy.server.faults import log_loop_fault
from proxy.server.refreshing import build_rotation
from proxy.server.reload import UNREAD, FileMark, file_mark
from proxy.vault.vault import Vault

log = structlog.get_logger()


def start_keeper(home: Home, vault: Vault, now: Callable[[], datetime]) -> socket.socket | None:
    """Start the process that renews a proxy's tokens; return the proxy's end of the channel.

    Called before the proxy has threads and descriptors of its own. None where it has threads
    already, or the system makes no process: the proxy then renews its tokens itself.
    """
    if threading.active_count() > 1:
        return None
    vault.release()
    try:
        return fork_keeper(lambda channel: _run(home, vault, now, channel))
    except OSError as error:
        log.warning("no token keeper", error=error.strerror)
        return None


def _run(home: Home, vault: Vault, now: Callable[[], datetime], channel: socket.socket) -> None:
    rotation = build_rotation(home, vault, lambda: upstream_roots_path(home), now)
    with asyncio.Runner(loop_factory=VettedLoop) as runner:
        runner.get_loop().set_exception_handler(log_loop_fault)
        runner.run(keep(channel, rotation, _Declared(home).find))


class _Declared:
    """The connectors of a home as its file says now; a broken file keeps the old ones."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self._mark: FileMark = UNREAD
        self._reader = RegistryReader(home)
        self._connectors: Mapping[str, Connector] = {}

    def find(self, slug: str) -> Connector | None:
        """Return the connector of a slug."""
        mark = file_mark(self._home)
        if mark != self._mark:
            try:
                self._connectors = self._reader.read().connectors
            except KeyhatchError as error:
                log.error("configuration not taken up", error=str(error))  # noqa: TRY400
            self._mark = mark
        return self._connectors.get(slug)
