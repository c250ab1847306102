"""The control: what one writes in five minutes to inject a key with mitmproxy."""

import json
import os
from pathlib import Path

from mitmproxy import http

KEYS = Path(os.environ["NAIVE_KEYS"])


def requestheaders(flow: http.HTTPFlow) -> None:
    for host, key in json.loads(KEYS.read_text()).items():
        if flow.request.pretty_host == host or (
            host.startswith("*.") and flow.request.pretty_host.endswith(host[2:])
        ):
            flow.request.headers["Authorization"] = f"Bearer {key}"
