"""How each exchange ended, put on record exactly once."""

from mitmproxy import http, tls
from mitmproxy.connection import Client

from addons.exchange import Traffic, exchange_of
from proxy.problems import KINDS, ProblemCode


class Outcome:
    """Ends an exchange when its response is done, its flow fails or its tunnel closes."""

    def __init__(self, traffic: Traffic) -> None:
        self._traffic = traffic

    def responseheaders(self, flow: http.HTTPFlow) -> None:
        """The head of a response has come: note how long that took, the last time it does."""
        exchange = exchange_of(flow)
        if exchange is None or exchange.answered:
            return
        exchange.timings.first_byte = exchange.elapsed()
        exchange.timings.connect = _connecting(flow)

    def response(self, flow: http.HTTPFlow) -> None:
        """A response went out whole; a WebSocket has only begun."""
        exchange = exchange_of(flow)
        if exchange is None or flow.response is None:
            return
        exchange.status = flow.response.status_code
        if flow.websocket is None:
            self._traffic.end(exchange)

    def websocket_start(self, flow: http.HTTPFlow) -> None:
        """A WebSocket was opened: its right is looked at from now on."""
        self._traffic.open_socket(flow)

    def websocket_end(self, flow: http.HTTPFlow) -> None:
        """A WebSocket was closed, by either side or by us."""
        self._traffic.close_socket(flow)
        exchange = exchange_of(flow)
        if exchange is not None:
            self._traffic.end(exchange)

    def error(self, flow: http.HTTPFlow) -> None:
        """A flow failed: the upstream's fault, ours, or the client has gone."""
        exchange = exchange_of(flow)
        if exchange is None:
            return
        if exchange.code is None and flow.response is not None and not exchange.client_gone:
            # The layer found the response's head invalid and answered for it.
            code = ProblemCode.UPSTREAM_PROTOCOL_ERROR
            exchange.code, exchange.status = code, KINDS[code].status
        self._traffic.end(exchange)

    def tls_failed_client(self, data: tls.TlsData) -> None:
        """An agent did not complete TLS inside its tunnel: most often it does not trust the CA."""
        tunnel = self._traffic.tunnel(data.context.client.id)
        if tunnel is None:
            return
        tunnel.exchange.decided("refuse", "client-tls-failed")
        tunnel.exchange.status = None
        self._traffic.end(tunnel.exchange)

    def client_disconnected(self, client: Client) -> None:
        """A tunnel whose bytes were carried unseen ends with its connection."""
        tunnel = self._traffic.close_tunnel(client.id)
        if tunnel is not None and not tunnel.intercepted:
            self._traffic.end(tunnel.exchange)


def _connecting(flow: http.HTTPFlow) -> float | None:
    """Return the milliseconds that a connection took, TLS included; None for one that was there."""
    server = flow.server_conn
    begun, done = server.timestamp_start, server.timestamp_tls_setup or server.timestamp_tcp_setup
    if begun is None or done is None or begun < flow.request.timestamp_start:
        return None
    return float(done - begun) * 1000
