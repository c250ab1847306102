"""TLS on both sides: leaves of the local CA for agents, verified names for upstreams."""

import ipaddress
from collections.abc import Callable
from functools import lru_cache
from typing import Any, Final

from mitmproxy import tls
from mitmproxy.connection import Server
from mitmproxy.proxy.server_hooks import ServerConnectionHookData
from OpenSSL import SSL

from addons.exchange import Traffic
from certs.authority import Leaf
from config.destination import is_ip_literal
from proxy.server.trust import Trust

HTTP1: Final = b"http/1.1"
HTTP2: Final = b"h2"
MAX_CONTEXTS: Final = 256  # a context per leaf: OpenSSL keeps about 50 KiB for each
_HOST_FLAGS: Final = (
    SSL._lib.X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS  # type: ignore[attr-defined] # noqa: SLF001 - pyOpenSSL has no public name check
    | SSL._lib.X509_CHECK_FLAG_NEVER_CHECK_SUBJECT  # type: ignore[attr-defined] # noqa: SLF001
)


class Tls:
    """Hands the lane its OpenSSL connections; none handed over means that the handshake fails."""

    def __init__(self, traffic: Traffic, trust: Callable[[], Trust]) -> None:
        self._traffic = traffic
        self._trust = trust
        self._contexts = lru_cache(maxsize=MAX_CONTEXTS)(_client_context)
        self._upstream_context = lru_cache(maxsize=1)(_upstream_context)

    def tls_start_client(self, start: tls.TlsData) -> None:
        """Present a leaf for the tunnel's destination, whatever name the client asked for."""
        tunnel = self._traffic.tunnel(start.context.client.id)
        if tunnel is None or not tunnel.intercepted:
            return
        leaf = self._trust().leaves.leaf(tunnel.destination.host)
        connection = SSL.Connection(self._contexts(leaf))
        connection.set_accept_state()
        start.ssl_conn = connection

    def server_connect(self, data: ServerConnectionHookData) -> None:
        """Set the name that is asked for and verified to the destination's own (invariant 1)."""
        server = data.server
        if server.address is None:
            server.error = "egress-denied"
            return
        server.sni = server.address[0]

    def tls_start_server(self, start: tls.TlsData) -> None:
        """Verify the upstream against the system's roots and its own name."""
        server = start.conn
        if not isinstance(server, Server) or server.address is None:
            return
        host = server.address[0]
        connection = SSL.Connection(self._upstream_context(self._trust()))
        _expect_name(connection, host)
        offers = [HTTP2, HTTP1] if start.context.client.alpn == HTTP2 else [HTTP1]
        connection.set_alpn_protos(offers)
        connection.set_connect_state()
        start.ssl_conn = connection


def _client_context(leaf: Leaf) -> SSL.Context:
    context = SSL.Context(SSL.TLS_SERVER_METHOD)
    context.use_certificate(leaf.certificate)
    context.use_privatekey(leaf.private_key)
    context.set_min_proto_version(SSL.TLS1_2_VERSION)
    context.set_options(SSL.OP_NO_COMPRESSION | SSL.OP_NO_RENEGOTIATION)
    context.set_alpn_select_callback(_select_alpn)
    return context


def _select_alpn(_connection: SSL.Connection, offers: list[bytes]) -> Any:
    """Prefer HTTP/1.1, which this lane carries faster; HTTP/2 for who speaks nothing else."""
    for protocol in (HTTP1, HTTP2):
        if protocol in offers:
            return protocol
    return SSL.NO_OVERLAPPING_PROTOCOLS


def _upstream_context(trust: Trust) -> SSL.Context:
    context = SSL.Context(SSL.TLS_CLIENT_METHOD)
    context.set_min_proto_version(SSL.TLS1_2_VERSION)
    context.set_options(SSL.OP_NO_COMPRESSION | SSL.OP_NO_RENEGOTIATION)
    context.set_verify(SSL.VERIFY_PEER | SSL.VERIFY_FAIL_IF_NO_PEER_CERT)
    context.load_verify_locations(str(trust.upstream_roots))
    return context


def _expect_name(connection: SSL.Connection, host: str) -> None:
    """Make the handshake fail unless the peer's certificate is for this host."""
    lib = SSL._lib  # type: ignore[attr-defined] # noqa: SLF001 - pyOpenSSL has no public name check
    param = lib.SSL_get0_param(connection._ssl)  # noqa: SLF001
    lib.X509_VERIFY_PARAM_set_hostflags(param, _HOST_FLAGS)
    if is_ip_literal(host):
        packed = ipaddress.ip_address(host).packed
        ok = lib.X509_VERIFY_PARAM_set1_ip(param, packed, len(packed))
    else:
        name = host.encode("ascii")
        connection.set_tlsext_host_name(name)
        ok = lib.X509_VERIFY_PARAM_set1_host(param, name, len(name))
    if ok != 1:
        raise ValueError("the upstream's name cannot be verified")
