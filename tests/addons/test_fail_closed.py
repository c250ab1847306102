"""Invariant 3: whatever goes wrong inside, nothing is forwarded and nothing is given away."""

import asyncio
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from mitmproxy import http

from proxy.audit.journal import AuditUnavailableError
from proxy.vault.errors import BindingChangedError, VaultDamagedError
from tests.addons.conftest import KEY
from tests.support.lane import running_lane, wait_until
from tests.support.origin import Origin
from tests.support.raw_client import RawClient, Reply, proxy_authorization

TEXT = """
version: 1
settings: {{upstream_ca: ./origin-ca.pem}}
connectors:
  c: {{name: C, type: api_key, hosts: [api.example.com], dial: "{dial}"}}
"""


def broken(hook: str) -> object:
    """Return an addon that raises in one hook, with the secret in its words."""

    def fault(_self: object, *_arguments: object) -> None:
        raise RuntimeError(f"a fault that knows {KEY}")

    return type("Broken", (), {hook: fault})()


def call(folder: Path, origin: Origin, hook: str, scheme: str) -> tuple[Reply | None, bytes]:
    """Call through a lane with a fault; return the answer, if any, and every byte received."""
    origin.requests.clear()
    text = TEXT.format(dial=origin.dial)
    with (
        running_lane(
            folder, text, {"secret": KEY}, origin=origin, extra_addons=[broken(hook)]
        ) as lane,
        RawClient(lane.port, lane.token) as client,
    ):
        try:
            if scheme == "https":
                client.tunnel("api.example.com", lane.client_context())
                reply = client.request("GET", "/echo", "Host: api.example.com")
            else:
                reply = client.get("http://api.example.com/echo")
        except (AssertionError, OSError):
            return None, client.received
        return reply, client.received


BEFORE = ["http_connect", "next_layer", "tls_start_client", "tls_clienthello", "requestheaders"]
BEFORE += ["server_connect", "tls_start_server"]


@pytest.mark.parametrize("hook", BEFORE)
def test_invariant_03_a_fault_before_forwarding_forwards_nothing(
    tmp_path: Path, origin: Origin, hook: str
) -> None:
    reply, received = call(tmp_path / "home", origin, hook, "https")
    assert reply is None or reply.status >= 500
    assert origin.requests == []
    assert KEY.encode() not in received


@pytest.mark.parametrize("hook", ["requestheaders", "request", "responseheaders"])
def test_invariant_03_a_fault_ends_in_a_constant_error(
    tmp_path: Path, origin: Origin, hook: str
) -> None:
    reply, received = call(tmp_path / "home", origin, hook, "http")
    assert reply is not None
    assert reply.status in {500, 502}
    assert reply.code in {"internal-error", "upstream-protocol-error"}
    assert KEY.encode() not in received


def test_invariant_03_a_fault_after_forwarding_ends_the_connection(
    tmp_path: Path, origin: Origin
) -> None:
    """The body has gone on, so it is too late to refuse; no answer comes through unscrubbed."""
    text = TEXT.format(dial=origin.dial)
    with (
        running_lane(
            tmp_path / "home",
            text,
            {"secret": KEY},
            origin=origin,
            extra_addons=[broken("request")],
        ) as lane,
        RawClient(lane.port, lane.token) as client,
    ):
        with pytest.raises(AssertionError, match="ended"):
            client.call("POST", "http://api.example.com/echo", body=b"x")
        assert client.received == b""
        lane.outcomes()


class Slow:
    """An addon that holds a CONNECT back until its agent has hung up."""

    def __init__(self) -> None:
        self.asked = threading.Event()

    async def http_connect(self, flow: http.HTTPFlow) -> None:
        self.asked.set()
        while flow.client_conn.timestamp_end is None:  # noqa: ASYNC110 - mitmproxy offers no event
            await asyncio.sleep(0)


@pytest.mark.parametrize("host", ["api.example.com", "unmatched.example"])
def test_a_tunnel_whose_agent_has_hung_up_is_not_kept(
    tmp_path: Path, origin: Origin, host: str
) -> None:
    """An agent that hangs up while its name is looked up would leave an entry behind for good."""
    text, slow = TEXT.format(dial=origin.dial), Slow()
    with running_lane(
        tmp_path / "home", text, {"secret": KEY}, origin=origin, extra_addons=[slow]
    ) as lane:
        lane.names["unmatched.example"] = ["93.184.215.14"]
        with RawClient(lane.port, lane.token) as client:
            fields = f"Host: {host}\r\n{proxy_authorization(lane.token)}"
            client.send(f"CONNECT {host}:443 HTTP/1.1\r\n{fields}\r\n\r\n".encode())
            assert slow.asked.wait(20)
        [outcome] = lane.outcomes()
    assert outcome["decision"] == "refuse"


FAULTS = [
    (BindingChangedError("changed"), 503, "connector-changed"),
    (VaultDamagedError("damaged"), 503, "credential-missing"),
    (RuntimeError(KEY), 500, "internal-error"),
]


@pytest.mark.parametrize(("fault", "status", "code"), FAULTS, ids=lambda v: str(v)[:12])
def test_invariant_03_without_a_credential_nothing_is_forwarded(
    tmp_path: Path, origin: Origin, fault: Exception, status: int, code: str
) -> None:
    origin.requests.clear()
    text = TEXT.format(dial=origin.dial)
    with (
        running_lane(tmp_path / "home", text, {"secret": KEY}, origin=origin) as lane,
        RawClient(lane.port, lane.token) as client,
    ):
        lane.secrets.fault = fault
        reply = client.get("http://api.example.com/")
    assert (reply.status, reply.code) == (status, code)
    assert origin.requests == []
    assert KEY.encode() not in reply.raw


@pytest.mark.parametrize("url", ["http://api.example.com/", "http://unmatched.example/"])
def test_invariant_03_without_an_audit_log_nothing_leaves(
    tmp_path: Path, origin: Origin, url: str
) -> None:
    """K08: with a credential or without one; what was refused is counted as not on record."""
    origin.requests.clear()
    text = TEXT.format(dial=origin.dial)
    with (
        running_lane(tmp_path / "home", text, {"secret": KEY}, origin=origin) as lane,
        RawClient(lane.port, lane.token) as client,
    ):
        lane.engine._journal = FullJournal()  # type: ignore[assignment]
        reply = client.get(url)
        wait_until(lambda: lane.engine.unrecorded == 1)
    assert (reply.status, reply.code) == (503, "audit-unavailable")
    assert origin.requests == []
    assert lane.asked_names == []


def test_invariant_03_without_an_audit_log_no_tunnel_is_opened(
    tmp_path: Path, origin: Origin
) -> None:
    text = TEXT.format(dial=origin.dial)
    with (
        running_lane(tmp_path / "home", text, {"secret": KEY}, origin=origin) as lane,
        RawClient(lane.port, lane.token) as client,
    ):
        lane.names["unmatched.example"] = ["93.184.215.14"]
        lane.engine._journal = FullJournal()  # type: ignore[assignment]
        reply = client.connect("unmatched.example:443")
        assert reply.code == "audit-unavailable"


class FullJournal:
    """A journal whose disk is full."""

    def append(self, *_record: object) -> None:
        raise AuditUnavailableError("cannot write the audit log: the disk is full")

    def close(self) -> None:
        pass


def test_the_audit_intent_is_on_record_before_the_request_leaves(
    tmp_path: Path, origin: Origin
) -> None:
    """DESIGN, one request, step 7: seen from the upstream, while it holds its answer back."""
    text = TEXT.format(dial=origin.dial)
    with (
        running_lane(tmp_path / "home", text, {"secret": KEY}, origin=origin) as lane,
        RawClient(lane.port, lane.token) as client,
    ):
        seen: list[list[str]] = []
        origin.check = recording(lambda: seen.append([r["event"] for r in lane.records()]))
        assert client.get("http://api.example.com/").status == 200
        events = [r["event"] for r in lane.records()]
        outcomes = lane.outcomes()
    assert seen == [["intent"]]
    assert events[0] == "intent"
    assert [o["status"] for o in outcomes] == [200]


def recording(note: Callable[[], None]) -> Callable[[object], bool]:
    def check(_request: object) -> bool:
        note()
        return True

    return check
