"""After the operator's yes: looked at again, sent once more, and what they were shown before."""

import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from proxy.callers import Lease
from tests.addons.conftest import KEY
from tests.addons.test_renewal import TEXT as OAUTH
from tests.addons.test_renewal import Tokens
from tests.addons.test_renewal import accept as accept_token
from tests.support.approving import HOST, answer, ask, text_of, told, waiting
from tests.support.lane import RunningLane, running_lane
from tests.support.origin import Origin
from tests.support.raw_client import RawClient, proxy_authorization
from tests.support.scripted import ScriptedOrigin
from tests.support.websockets import SocketAgent, accept, drain, frame


@pytest.fixture(scope="module")
def origin() -> Iterator[Origin]:
    with Origin(hosts=(HOST, "other.example.com", "key.example.com")) as service:
        yield service


@pytest.fixture
def lane(origin: Origin, tmp_path: Path) -> Iterator[RunningLane]:
    origin.requests.clear()
    with running_lane(
        tmp_path / "home", text_of(origin.dial), {"secret": KEY}, origin=origin
    ) as running:
        yield running


@pytest.fixture
def client(lane: RunningLane) -> Iterator[RawClient]:
    with RawClient(lane.port, lane.token) as connection:
        yield connection


class TestWhatChangesMeanwhile:
    """The yes is for a request that would be allowed now."""

    def test_a_revoked_agent(self, lane: RunningLane, origin: Origin) -> None:
        token = lane.engine.callers.open_lease(Lease(agent="ada", connectors=None))
        with RawClient(lane.port, token.reveal()) as client:
            ask(client, lane)
            [found] = waiting(lane)
            lane.call(lambda: lane.engine.callers.close_lease(token))
            answer(lane, found)
            assert client.reply().code == "proxy-authentication-required"
        assert origin.requests == []

    @pytest.mark.parametrize(
        ("old", "new", "code"),
        [
            ("connectors: [asks, ", "connectors: [", "connector-not-granted"),
            ("approve: [POST, ", "read_only: true, approve: [POST, ", "method-or-path-not-allowed"),
            ("approve: [POST, ", "enabled: false, approve: [POST, ", "connector-disabled"),
            ("hosts: [api.example.com]", "hosts: [new.example.com]", "connector-not-granted"),
            ("  asks: {type: api_key", "  asks: {name: X, type: api_key", "connector-not-granted"),
        ],
    )
    def test_a_grant_or_connector(
        self, lane: RunningLane, origin: Origin, old: str, new: str, code: str
    ) -> None:
        if "hosts" in old:
            code = "egress-denied"  # no connector owns the host any more, and it has no address
        with RawClient(lane.port, lane.lease("ada")) as client:
            ask(client, lane)
            [found] = waiting(lane)
            text = text_of(origin.dial)
            assert old in text
            lane.call(lambda: lane.swap(text.replace(old, new, 1)))
            answer(lane, found)
            reply = client.reply()
        assert reply.code in {code, "connector-not-granted"}
        assert origin.requests == []
        assert lane.outcomes()[0]["approval"]["answer"] == "yes"

    def test_a_deleted_connector(self, lane: RunningLane, origin: Origin) -> None:
        with RawClient(lane.port, lane.token) as client:
            ask(client, lane)
            [found] = waiting(lane)
            lane.call(lambda: lane.swap("version: 1\n"))
            answer(lane, found)
            assert client.reply().code == "connector-not-granted"
        assert origin.requests == []

    def test_a_credential_that_is_gone(self, lane: RunningLane, origin: Origin) -> None:
        with RawClient(lane.port, lane.token) as client:
            ask(client, lane)
            [found] = waiting(lane)
            lane.secrets.values.clear()
            answer(lane, found)
            assert client.reply().code == "credential-missing"
        assert origin.requests == []


class TestRenewal:
    """A 401 to an access token: the request is repeated without being asked for again."""

    def test_the_same_request_goes_out_once_more(self, tmp_path: Path, origin: Origin) -> None:
        origin.requests.clear()
        tokens = Tokens()
        text = OAUTH.format(dial=origin.dial).replace(
            "client_id: id", "client_id: id, approve: [POST]"
        )
        try:
            accept_token(origin, 2)
            with (
                running_lane(tmp_path / "home", text, {}, origin=origin, tokens=tokens) as lane,
                RawClient(lane.port, lane.token) as client,
            ):
                ask(client, lane, "POST", body=b"twice")
                [found] = waiting(lane)
                assert tokens.refused == []
                answer(lane, found)
                assert client.reply().status == 200
                intents = [r for r in lane.records() if r["event"] == "intent"]
        finally:
            origin.check = lambda _request: True
        assert [request.body for request in origin.requests] == [b"twice", b"twice"]
        assert {record["approval"]["digest"] for record in intents} == {found.digest}


def test_a_websocket_waits_for_its_handshake(tmp_path: Path) -> None:
    def script(stream: Any, head: bytes) -> None:
        accept(stream, head)
        stream.sendall(frame(1, b"hello"))
        drain(stream)

    with ScriptedOrigin(script) as service:
        text = text_of(service.dial).replace("approve: [POST, DELETE, PUT]", "approve: [GET]")
        with (
            running_lane(
                tmp_path / "home",
                text,
                {"secret": KEY},
                origin=service,  # type: ignore[arg-type]
            ) as lane,
            RawClient(lane.port, lane.token) as client,
        ):
            client.tunnel(HOST, lane.client_context())

            def consent() -> None:
                answer(lane, waiting(lane)[0])

            consenting = threading.Thread(target=consent)
            consenting.start()
            agent = SocketAgent(client)
            consenting.join()
            agent.listen(1)
            assert agent.messages == [b"hello"]


class TestWhatTheOperatorSees:
    """All of it is written by an agent, and none of it is the credential."""

    def test_a_list_and_a_request_hold_no_credential(
        self, client: RawClient, lane: RunningLane
    ) -> None:
        host = "key.example.com"
        client.send(
            f"GET http://{host}/x?api_key=own&a=1 HTTP/1.1\r\nHost: {host}\r\n"
            f"{proxy_authorization(lane.token)}\r\n\r\n".encode()
        )
        [found] = waiting(lane)
        listed = told(lane, {"op": "approvals"})
        whole = told(lane, {"op": "approval", "id": found.id})
        assert [row["url"] for row in listed["pending"]] == [
            "https://key.example.com/x?a=1&api_key=CREDENTIAL"
        ]
        for shown in (listed, whole):
            octets = json.dumps(shown)
            assert KEY not in octets
            assert lane.token not in octets
        told(lane, {"op": "answer", "id": found.id, "yes": True})
        assert client.reply().status == 200

    def test_a_change_wakes_who_waits_for_one(self, client: RawClient, lane: RunningLane) -> None:
        first = told(lane, {"op": "approvals"})
        ask(client, lane)
        later = told(lane, {"op": "approvals", "after": first["version"], "wait": 20})
        assert [row["connector"] for row in later["pending"]] == ["asks"]
        same = told(lane, {"op": "approvals", "after": later["version"], "wait": 0})
        assert same["version"] == later["version"]
