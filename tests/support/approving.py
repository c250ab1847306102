"""Requests that wait for the operator's yes: how tests send, see and answer them."""

import asyncio
from typing import Any

from proxy.policy.approvals import Pending
from proxy.server.approval_desk import answer_desk
from tests.support.lane import RunningLane, wait_until
from tests.support.raw_client import RawClient, proxy_authorization

HOST = "api.example.com"
URL = f"http://{HOST}/echo"
TEXT = """
version: 1
settings: {{upstream_ca: ./origin-ca.pem, approval_timeout: {timeout}}}
connectors:
  asks: {{type: api_key, hosts: [{host}], dial: "{dial}", approve: [POST, DELETE, PUT]}}
  other: {{type: api_key, hosts: [other.example.com], dial: "{dial}"}}
  key: {{type: api_key, hosts: [key.example.com], dial: "{dial}", approve: [GET],
        placement: {{query: api_key}}}}
agents:
  ada: {{connectors: [asks, {{connector: other, approve: [{{methods: [GET], paths: ["/a/**"]}}]}}]}}
"""


def text_of(dial: str, timeout: str = "10m") -> str:
    return TEXT.format(host=HOST, dial=dial, timeout=timeout)


def ask(
    client: RawClient, lane: RunningLane, method: str = "POST", *more: str, body: bytes = b""
) -> None:
    """Send one request without waiting for its answer."""
    token = proxy_authorization(client._token or lane.token)
    lines = [f"{method} {URL} HTTP/1.1", f"Host: {HOST}", token, *more]
    if body:
        lines.append(f"Content-Length: {len(body)}")
    client.send("\r\n".join([*lines, "", ""]).encode() + body)


def waiting(lane: RunningLane, number: int = 1) -> list[Pending]:
    """Wait until so many requests wait; return them."""
    wait_until(lambda: len(lane.call(lane.engine.approvals.pending)) == number)
    return list(lane.call(lane.engine.approvals.pending))


def answer(lane: RunningLane, found: Pending, *, yes: bool = True, reason: str = "") -> None:
    lane.call(lambda: lane.engine.approvals.answer(found.id, yes=yes, by="operator", reason=reason))


def told(lane: RunningLane, message: dict[str, Any]) -> dict[str, Any]:
    """Return what the control socket would answer."""
    assert lane.event_loop is not None
    desk = answer_desk(lane.engine.approvals, message)
    return asyncio.run_coroutine_threadsafe(desk, lane.event_loop).result(20)
