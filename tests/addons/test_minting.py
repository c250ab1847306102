"""Requests that would make a credential, or go to a token endpoint: none leaves with one."""

from collections.abc import Iterator

import pytest

from tests.addons.conftest import KEY
from tests.support.lane import RunningLane, running_lane
from tests.support.origin import Origin
from tests.support.raw_client import RawClient

REGISTRY = """
version: 1
settings: {{upstream_ca: ./origin-ca.pem}}
connectors:
  stripe: {{type: api_key, hosts: [api.stripe.com], dial: "{dial}"}}
  hubspot: {{type: oauth, provider: hubspot, client_id: x, dial: "{dial}"}}
  plain: {{type: api_key, hosts: [api.example.com], dial: "{dial}"}}
  far:
    type: oauth
    hosts: [api.other.example]
    client_id: x
    authorization_url: https://api.example.com/authorize
    token_url: https://api.example.com/sign/in
    device_url: https://api.example.com/device
    revocation: {{url: "https://api.example.com/sign/out"}}
"""


@pytest.fixture(scope="module")
def services() -> Iterator[Origin]:
    with Origin(hosts=("api.stripe.com", "api.hubapi.com", "api.example.com")) as service:
        yield service


@pytest.fixture(scope="module")
def guarded(services: Origin, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningLane]:
    text = REGISTRY.format(dial=services.dial)
    folder = tmp_path_factory.mktemp("guarded")
    with running_lane(folder, text, {"secret": KEY}, origin=services) as lane:
        yield lane


SPELLINGS = [
    "/v1/ephemeral_keys",
    "/V1/Ephemeral_Keys/",
    "//v1//ephemeral_keys",
    "/v1/x/../ephemeral_keys",
    "/v1/%65phemeral_keys",
    "/v1%2fephemeral_keys",
    "/v1/ephemeral_keys;a=1",
    "/v1/.%2fephemeral_keys",
    "/v1/ephemeral_keys?expand=a",
    "/v1/ephemeral_keys%252f",
]


@pytest.mark.parametrize("path", SPELLINGS)
@pytest.mark.parametrize("tunnel", [False, True])
def test_g22_a_request_for_a_credential_is_refused(
    guarded: RunningLane, services: Origin, path: str, tunnel: bool
) -> None:
    services.requests.clear()
    with RawClient(guarded.port, guarded.token) as client:
        if tunnel:
            client.tunnel("api.stripe.com", guarded.client_context())
            reply = client.request("POST", path, "Host: api.stripe.com", body=b"a=b")
        else:
            reply = client.call("POST", f"http://api.stripe.com{path}", body=b"a=b")
    assert (reply.status, reply.code) == (403, "token-minting-refused")
    assert reply.json["connector"] == "stripe"
    assert "allow_minting" in reply.json["hint"]
    assert services.requests == []


def test_g22_a_method_override_does_not_help(guarded: RunningLane, services: Origin) -> None:
    services.requests.clear()
    url = "http://api.stripe.com/v1/ephemeral_keys"
    with RawClient(guarded.port, guarded.token) as client:
        assert client.get(f"{url}?_method=POST").code == "token-minting-refused"
        assert client.get(url, "X-HTTP-Method-Override: POST").status == 200
    assert "override" not in str(services.requests[-1].fields).lower()


def test_g22_by_name_is_no_way_around(guarded: RunningLane) -> None:
    with RawClient(guarded.port, guarded.token) as client:
        url = "http://stripe.connector.keyhatch.internal/v1/ephemeral_keys"
        assert client.call("POST", url, body=b"a").code == "token-minting-refused"


@pytest.mark.parametrize("path", ["/sign/in", "/Sign//In/", "/sign%2fin", "/sign/out", "/device"])
@pytest.mark.parametrize("method", ["POST", "GET"])
def test_g23_no_connector_speaks_to_a_token_endpoint_of_another(
    guarded: RunningLane, services: Origin, method: str, path: str
) -> None:
    services.requests.clear()
    with RawClient(guarded.port, guarded.token) as client:
        reply = client.call(method, f"http://api.example.com{path}")
        assert (reply.status, reply.code) == (403, "token-minting-refused")
        assert client.call(method, "http://api.example.com/sign/in/x").status == 200
    assert len(services.requests) == 1


@pytest.mark.parametrize("path", ["/oauth/2026-03/token", "/oauth/2026-03/token/revoke"])
def test_g23_a_connector_does_not_reach_its_own_token_endpoint(
    guarded: RunningLane, path: str
) -> None:
    with RawClient(guarded.port, guarded.token) as client:
        assert client.call("POST", f"http://api.hubapi.com{path}").code == "token-minting-refused"
