"""Connects of a server, against services that a table plays."""

import asyncio
import threading
from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit
from urllib.request import urlopen

import pytest

from admin.context import Session
from admin.operations import connections, connectors, credentials, testing
from admin.operations.flow import Flow, FlowState, Phase
from admin.operations.flows import Flows
from admin.operations.guide import EnterCode, Visit
from config.connector import Connector
from config.errors import ConflictError, KeyhatchError, NotFoundError, OperatorNeededError
from tests.support.command_line import CommandLine
from tests.support.fake_services import Answer, FakeServices, Rule, Seen
from tests.support.lane import PATIENCE, wait_until
from tests.support.places import place_at
from tests.support.settings import declare_settings

HOST = "api.example.com"
SECRET = "client-secret-0123456789"
TOKEN = "access-token-0123456789"
TOKENS = {"access_token": TOKEN, "token_type": "Bearer", "expires_in": 3600, "scope": "read"}
CODE = f"POST {HOST}/token"


@pytest.fixture
def place(keyhatch: CommandLine) -> Session:
    return place_at(keyhatch.home)


@pytest.fixture
def rules() -> dict[str, Rule]:
    return {CODE: (200, TOKENS), f"GET {HOST}/me": (200, {"mail": "ada@example.com"})}


@pytest.fixture
def services(place: Session, rules: dict[str, Rule]) -> Iterator[FakeServices]:
    with FakeServices((HOST,), rules) as services:
        roots = place.home.root / "service-ca.pem"
        roots.write_bytes(services.ca_pem)
        declare_settings(place.home.connectors, upstream_ca=str(roots))
        yield services


@pytest.fixture
def flows() -> Iterator[Flows]:
    flows = Flows()
    yield flows
    flows.close()


@pytest.fixture
def crm(place: Session, services: FakeServices) -> Connector:
    return make(place, services)


def make(place: Session, services: FakeServices, **more: object) -> Connector:
    keys = {
        "type": "oauth",
        "hosts": [HOST],
        "client_id": "app-1",
        "authorization_url": f"https://{HOST}/authorize",
        "token_url": f"https://{HOST}/token",
        "device_url": f"https://{HOST}/device",
        "dial": services.dial,
        "token_dial": services.dial,
        "scopes": ["read", "write"],
        "test_path": "/me",
        "quirks": {"test_account": "mail"},
    }
    made = connectors.create(place, "CRM", keys | more)
    credentials.put(place, "crm", {"client_secret": SECRET})
    return made


def address(state: FlowState, **answer: str) -> str:
    """Return where a browser is sent by the provider after the consent."""
    assert isinstance(state.step, Visit)
    query = parse_qs(urlsplit(state.step.url).query)
    given = {"state": query["state"][0], "code": "the-code", **answer}
    return f"{query['redirect_uri'][0]}?" + "&".join(f"{k}={v}" for k, v in given.items())


def ended(flows: Flows, connector: Connector) -> FlowState:
    wait_until(lambda: flows.state(connector).phase.is_over)
    return flows.state(connector)


def test_a_browser_that_comes_back_connects(place: Session, flows: Flows, crm: Connector) -> None:
    begun = flows.start(place, "crm", by="ada")
    assert (begun.phase, begun.way) == (Phase.WAITING, "browser")
    with urlopen(address(begun), timeout=20) as page:
        assert "Connected" in page.read().decode()
    state = ended(flows, crm)
    assert (state.phase, state.account, state.scopes) == (
        Phase.CONNECTED,
        "ada@example.com",
        ("read",),
    )
    assert state.not_granted == ("write",)
    assert "accepts the credential" in state.tested
    assert TOKEN not in repr(state)
    found = connections.connected(place, crm)
    assert found is not None
    assert (found.account, found.scopes, found.renews) == ("ada@example.com", ("read",), False)
    assert TOKEN not in repr(found)


def test_a_pasted_address_connects_after_one_that_was_another(
    place: Session, flows: Flows, crm: Connector
) -> None:
    begun = flows.start(place, "crm", "paste")
    assert isinstance(begun.step, Visit)
    assert begun.step.redirect_uri
    assert flows.paste(crm, "https://elsewhere.example/?code=1").misfits == 1
    flows.paste(crm, address(begun))
    assert ended(flows, crm).phase is Phase.CONNECTED


def test_a_code_is_shown_for_another_machine(
    place: Session, flows: Flows, crm: Connector, services: FakeServices
) -> None:
    services.rules[f"POST {HOST}/device"] = (
        200,
        {
            "device_code": "device-code-0123456789",
            "user_code": "ABCD-EFGH",
            "verification_uri": f"https://{HOST}/activate",
            "expires_in": 600,
            "interval": 1,
        },
    )
    begun = flows.start(place, "crm", "device")
    assert isinstance(begun.step, EnterCode)
    assert (begun.step.user_code, begun.step.verification_url) == (
        "ABCD-EFGH",
        f"https://{HOST}/activate",
    )
    assert ended(flows, crm).phase is Phase.CONNECTED


def test_a_refusal_is_told_in_our_own_words(
    place: Session, flows: Flows, crm: Connector, services: FakeServices
) -> None:
    services.rules[CODE] = (400, {"error": "<b>made up</b>"})
    flows.paste(crm, address(flows.start(place, "crm", "paste")))
    state = ended(flows, crm)
    assert state.phase is Phase.FAILED
    assert "refused" in state.error
    assert state.hint
    assert "made up" not in repr(state)


def test_one_flow_a_connector_and_a_new_one_after_its_end(
    place: Session, flows: Flows, crm: Connector
) -> None:
    first = flows.start(place, "crm", "paste")
    with pytest.raises(ConflictError, match="being connected already"):
        flows.start(place, "crm")
    flows.cancel(crm)
    assert ended(flows, crm).phase is Phase.CANCELLED
    with pytest.raises(ConflictError):
        flows.paste(crm, address(first))
    assert flows.start(place, "crm").id != first.id


def test_what_is_cancelled_lets_go_of_its_port(
    place: Session, flows: Flows, crm: Connector
) -> None:
    begun = flows.start(place, "crm")
    flows.cancel(crm)
    assert ended(flows, crm).phase is Phase.CANCELLED
    with pytest.raises(OSError, match=r"refused|reset"):
        urlopen(address(begun), timeout=20)


@pytest.fixture
def held_test(services: FakeServices) -> Iterator[threading.Event]:
    """Hold the test call that follows a consent until the event is set; it is there on return."""
    begun, go = threading.Event(), threading.Event()

    def answer(_seen: Seen) -> Answer:
        begun.set()
        go.wait(PATIENCE)
        return 200, {"mail": "ada@example.com"}

    services.rules[f"GET {HOST}/me"] = answer
    yield begun
    go.set()


def test_what_is_cancelled_while_it_is_tested_leaves_no_tokens(
    place: Session, flows: Flows, crm: Connector, held_test: threading.Event
) -> None:
    begun = flows.start(place, "crm", "paste")
    flows.paste(crm, address(begun))
    assert held_test.wait(PATIENCE)
    with pytest.raises(ConflictError, match="does not wait"):
        flows.paste(crm, address(begun))
    flows.cancel(crm)
    assert ended(flows, crm).phase is Phase.CANCELLED
    assert connections.connected(place, crm) is None


def test_what_is_cancelled_between_its_tasks_ends_with_the_next() -> None:
    flow = Flow(FlowState("1", "crm", "paste"))

    async def task() -> None:
        flow.begin()

    asyncio.run(task())
    flow.show(Visit("https://a.example", "http://127.0.0.1:8391/callback"))
    with pytest.raises(ConflictError):
        flow.paste("http://127.0.0.1:8391/callback?code=1")
    flow.cancel()
    with pytest.raises(asyncio.CancelledError):
        asyncio.run(task())


def test_a_connector_that_is_deleted_meanwhile_leaves_no_tokens_to_its_namesake(
    place: Session, flows: Flows, crm: Connector, services: FakeServices
) -> None:
    begun = flows.start(place, "crm", "paste")
    connectors.remove(place, crm)
    flows.paste(crm, address(begun))
    state = ended(flows, crm)
    assert (state.phase, "was deleted" in state.error) == (Phase.FAILED, True)
    namesake = make(place, services)
    assert namesake.id == crm.id
    assert place.inventory().state(namesake) == "needs-connecting"


def test_a_file_with_a_mistake_costs_no_consent(
    place: Session, flows: Flows, crm: Connector
) -> None:
    begun = flows.start(place, "crm", "paste")
    text = place.home.connectors.read_text()
    place.home.connectors.write_text(f"{text}\n  nonsense\n")
    flows.paste(crm, address(begun))
    wait_until(lambda: flows.state(crm).phase.is_over)
    place.home.connectors.write_text(text)
    assert place.inventory().state(crm) == "ready"


def test_what_has_to_be_done_first_is_told(place: Session, flows: Flows) -> None:
    connectors.create(place, "CRM", {"type": "oauth"})
    with pytest.raises(OperatorNeededError, match="no client id"):
        flows.start(place, "crm")
    connectors.create(place, "Hub", {"type": "api_key", "provider": "hubspot"})
    with pytest.raises(KeyhatchError, match="nothing to connect"):
        flows.start(place, "hub")
    with pytest.raises(NotFoundError):
        flows.state(place.registry().connectors["hub"])


def test_a_port_that_is_taken_is_the_end_of_the_flow(
    place: Session, flows: Flows, services: FakeServices
) -> None:
    port = int(services.dial.rpartition(":")[2])
    make(place, services, redirect_port=port)
    state = flows.start(place, "crm")
    assert (state.phase, "in use" in state.error) == (Phase.FAILED, True)


def test_disconnecting_and_testing_say_what_they_found(
    place: Session, flows: Flows, crm: Connector
) -> None:
    flows.paste(crm, address(flows.start(place, "crm", "paste")))
    assert ended(flows, crm).phase is Phase.CONNECTED
    tested = testing.check(place, "crm")
    assert (tested.result.status, tested.verdict.exit_code) == (200, 0)
    revoked = connections.disconnect(place, "crm")
    assert revoked is not None
    assert connections.connected(place, crm) is None
    with pytest.raises(NotFoundError):
        connections.disconnect(place, "crm")
