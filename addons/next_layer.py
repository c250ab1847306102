"""What comes next on a connection: never a guess from its first bytes."""

from mitmproxy.proxy import layer
from mitmproxy.proxy.layers import ClientTLSLayer
from mitmproxy.proxy.layers.http import HTTPMode

from addons.exchange import Traffic
from addons.layers import BoundedClientTLS, Closed, OpaqueTunnel, StrictHttpLayer


class NextLayer:
    """HTTP at the proxy port; in a tunnel TLS and then HTTP, or bytes carried unseen.

    mitmproxy's own addon looks at the bytes, and lets what is no TLS through as a raw pipe or
    as DNS. Here only the tunnel's decision counts: bytes that do not fit fail in the layer.
    """

    def __init__(self, traffic: Traffic) -> None:
        self._traffic = traffic

    def next_layer(self, nextlayer: layer.NextLayer) -> None:
        nextlayer.layer = self._layer_for(nextlayer)

    def _layer_for(self, asked: layer.NextLayer) -> layer.Layer:
        context = asked.context
        tunnel = self._traffic.tunnel(context.client.id)
        if tunnel is None:
            return Closed(context)
        if not tunnel.intercepted:
            return OpaqueTunnel(context, tunnel.exchange)
        if isinstance(context.layers[-1], ClientTLSLayer):
            return StrictHttpLayer(context, HTTPMode.transparent)
        context.server.tls = True
        return BoundedClientTLS(context)
