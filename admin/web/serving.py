"""The page's server: its socket, its one-time links, in a thread of its own or in this one."""

import secrets
import threading
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from ssl import PROTOCOL_TLS_SERVER, SSLContext
from typing import Final
from urllib.parse import urlencode

import uvicorn

from admin.web.access.front import Front
from admin.web.access.sessions import Sessions
from admin.web.access.tokens import ApiTokens
from admin.web.app import Web, build_app
from admin.web.connections import LIMITS, Limits, bounded
from admin.web.faults import quiet_server
from admin.web.place import WebPlace
from config.destination import canonical_host, is_ip_literal
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
        host = own_name(wish.host) if wish.host else _unknown_name()
        if wish.certificate is not None:
            require_usable(wish.certificate)
        self._place = place
        self._socket = bind_listener(wish.listen, "choose another address for the page")
        self._socket.listen()
        port = self._socket.getsockname()[1]
        self.front = Front(host, port, is_secure=wish.certificate is not None)
        self._sessions = Sessions(place.now)
        web = Web(place, self.front, self._sessions, ApiTokens(place.home, place.now).find)
        quiet_server()
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
            hint="listen on 127.0.0.1, or use `keyhatch ui` with --host, --tls-certificate and "
            "--tls-key",
        )


def own_name(text: str) -> str:
    """Return the page's name as the Host field has it. Raises UsageError for one that is not its own.

    Cookies know no ports: under a name of loopback, whatever else listens there, such as an agent's
    own web server, would be sent the session.
    """
    host = canonical_host(text)
    address = ip_address(host) if is_ip_literal(host) else None
    if host == "localhost" or (address and (address.is_loopback or address.is_unspecified)):
        raise UsageError(
            f"{text} is also the name of every other server of this machine",
            hint="choose one that is the page's alone, such as keyhatch.localhost",
        )
    return f"[{host}]" if ":" in host else host


def require_usable(certificate: Certificate) -> None:
    """Raise UsageError for files that are no certificate and its key: a thread could tell nobody."""
    try:
        SSLContext(PROTOCOL_TLS_SERVER).load_cert_chain(certificate.chain, certificate.key)
    except OSError:  # as SSLError is
        raise UsageError(
            "the certificate and its key cannot be used",
            hint="give PEM files: the chain, and the key that belongs to it",
        ) from None


def _unknown_name() -> str:
    return f"keyhatch-{secrets.token_hex(4)}.localhost"


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
