"""The page's server: its socket, its one-time links, in a thread of its own or in this one."""

import secrets
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlencode

import uvicorn

from admin.web.access.front import Front
from admin.web.access.sessions import Sessions
from admin.web.access.tokens import ApiTokens
from admin.web.app import Web, build_app
from admin.web.connections import LIMITS, Limits, bounded
from admin.web.place import WebPlace
from config.errors import UsageError
from config.listen import TcpListen
from proxy.server.listeners import bind_listener

PATIENCE: Final = 30  # seconds for requests under way when the page is stopped
_LOOPBACK: Final = ("127.0.0.1", "::1")


@dataclass(frozen=True, slots=True)
class Certificate:
    """PEM files for TLS."""

    chain: Path
    key: Path


@dataclass(frozen=True, slots=True)
class Wish:
    """Where to serve. `host` None: a name below `localhost` that nobody can guess."""

    listen: TcpListen
    host: str | None = None
    certificate: Certificate | None = None


class PageServer:
    """The settings page of one home, listening from the moment it is made."""

    def __init__(self, place: WebPlace, wish: Wish, limits: Limits = LIMITS) -> None:
        require_closed(wish)
        self._place = place
        self._socket = bind_listener(wish.listen, "choose another address with --listen")
        self._socket.listen()
        port = self._socket.getsockname()[1]
        host = wish.host or f"keyhatch-{secrets.token_hex(4)}.localhost"
        self.front = Front(host.lower(), port, is_secure=wish.certificate is not None)
        self._sessions = Sessions(place.now)
        web = Web(place, self.front, self._sessions, ApiTokens(place.home, place.now).find)
        self._server = uvicorn.Server(_configuration(web, wish.certificate, limits))
        self._thread: threading.Thread | None = None

    @property
    def origin(self) -> str:
        """Where the page is, for people."""
        return self.front.origin

    def new_link(self) -> str:
        """Return an address that opens one session, once, within ten minutes."""
        key = self._sessions.new_link().reveal()
        return f"{self.front.origin}/enter?{urlencode({'key': key})}"

    def start(self) -> None:
        """Serve from a thread until `stop`."""
        self._thread = threading.Thread(
            target=self._server.run, args=([self._socket],), name="settings page", daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        """End what `start` began."""
        self._server.should_exit = True
        self._place.close()
        if self._thread is not None:
            self._thread.join(PATIENCE)
        self._socket.close()


def require_closed(wish: Wish) -> None:
    """Raise UsageError for an address that others reach, without TLS: a session could be read."""
    if wish.listen.address in _LOOPBACK:
        return
    if wish.certificate is None or wish.host is None:
        raise UsageError(
            f"{wish.listen} can be reached from other machines",
            hint="give --host, --tls-certificate and --tls-key as well, or listen on 127.0.0.1",
        )


def _configuration(web: Web, certificate: Certificate | None, limits: Limits) -> uvicorn.Config:
    return uvicorn.Config(
        build_app(web),
        http=bounded(limits),
        ws="none",
        loop="asyncio",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        limit_concurrency=limits.connections + 1,  # where all of them are being answered
        timeout_graceful_shutdown=PATIENCE,
        ssl_certfile=None if certificate is None else certificate.chain,
        ssl_keyfile=None if certificate is None else certificate.key,
    )
