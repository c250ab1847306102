"""The control: what one writes in ten minutes to inject a key with mitmdump.

It does what Keyhatch must do for the same request (upgrade plain HTTP, go to the given address,
verify the service under its own name, place the key) in the way that lets mitmproxy reuse its
connections, and nothing of the rest: no agent, no decision, no header hygiene, no scrubbing.
"""

import os

from mitmproxy import http
from mitmproxy.proxy import server_hooks

HOST = os.environ["BENCH_HOST"]
PORT = int(os.environ["BENCH_PORT"])
AUTHORIZATION = f"Bearer {os.environ['BENCH_KEY']}"


def requestheaders(flow: http.HTTPFlow) -> None:
    if flow.request.pretty_host == HOST:
        flow.request.headers["Authorization"] = AUTHORIZATION
        host = flow.request.headers["Host"]
        flow.request.scheme = "https"
        flow.request.host, flow.request.port = "127.0.0.1", PORT
        flow.request.headers["Host"] = host


def server_connect(data: server_hooks.ServerConnectionHookData) -> None:
    data.server.sni = HOST
