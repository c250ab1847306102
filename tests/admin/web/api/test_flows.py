"""Consents through the API, against services that a table plays."""

from collections.abc import Iterator
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.support.api import Api
from tests.support.fake_services import FakeServices
from tests.support.lane import wait_until
from tests.support.settings import declare_settings

HOST: Final = "api.example.com"
TOKEN: Final = "canary-access-0123456789"
TOKENS: Final = {"access_token": TOKEN, "token_type": "Bearer", "expires_in": 3600, "scope": "read"}
HERE: Final = "/connectors/crm/connect"


@pytest.fixture
def services(api: Api) -> Iterator[FakeServices]:
    with FakeServices((HOST,), {f"POST {HOST}/token": (200, TOKENS)}) as services:
        roots = api.place.home.root / "service-ca.pem"
        roots.write_bytes(services.ca_pem)
        declare_settings(api.place.home.connectors, upstream_ca=str(roots))
        body = {
            "name": "CRM",
            "type": "oauth",
            "hosts": [HOST],
            "client_id": "app-1",
            "authorization_url": f"https://{HOST}/authorize",
            "token_url": f"https://{HOST}/token",
            "dial": services.dial,
            "token_dial": services.dial,
            "scopes": ["read", "write"],
            "secrets": {"client_secret": "canary-client-0123456789"},
        }
        assert api("POST", "/connectors", body).status == 201
        yield services


def ended_at(flow: dict[str, Any]) -> str:
    """Return where the browser ends when the account's owner agrees."""
    query = parse_qs(urlsplit(flow["authorization_url"]).query)
    return f"{flow['redirect_uri']}?code=canary-code&state={query['state'][0]}"


def end_of(api: Api) -> dict[str, Any]:
    wait_until(lambda: api("GET", HERE).json["phase"] not in ("starting", "waiting"))
    found: dict[str, Any] = api("GET", HERE).json
    return found


def test_a_consent_from_its_beginning_to_its_undoing(api: Api, services: FakeServices) -> None:
    assert api("GET", HERE).status == 404
    begun = api("POST", HERE, {"way": "paste"})
    assert (begun.status, begun.json["phase"]) == (201, "waiting")
    assert api("POST", HERE).status == 409
    other = api("POST", f"{HERE}/answer", {"address": "https://elsewhere.example/?code=x"})
    assert (other.status, other.json["misfits"]) == (200, 1)
    assert api("POST", f"{HERE}/answer", {"address": ended_at(begun.json)}).status == 200
    end = end_of(api)
    assert (end["phase"], end["scopes"], end["not_granted"]) == ("connected", ["read"], ["write"])
    oauth = api("GET", "/connectors/crm").json["oauth"]
    assert oauth["connection"]["scopes"] == ["read"]
    assert oauth["connection"]["expires_at"]
    undone = api("POST", "/connectors/crm/disconnect")
    assert (undone.status, bool(undone.json["said"])) == (200, True)
    assert api("GET", "/connectors/crm").json["oauth"]["connection"] is None
    assert api("POST", "/connectors/crm/disconnect").status == 404
    assert not [heard for heard in api.heard if "canary" in heard]


def test_a_refusal_is_told_and_a_new_attempt_begins(api: Api, services: FakeServices) -> None:
    services.rules[f"POST {HOST}/token"] = (400, {"error": "invalid_grant", "made": "canary"})
    begun = api("POST", HERE, {"way": "paste"}).json
    api("POST", f"{HERE}/answer", {"address": ended_at(begun)})
    end = end_of(api)
    assert (end["phase"], bool(end["error"]), bool(end["hint"])) == ("failed", True, True)
    assert api("POST", HERE, {"way": "paste"}).json["id"] != begun["id"]
    assert api("DELETE", HERE).status == 204
    assert end_of(api)["phase"] == "cancelled"
    assert not [heard for heard in api.heard if "canary" in heard]


@pytest.mark.parametrize(
    ("body", "status"),
    [({"way": "device"}, 201), ({"way": "pigeon"}, 422), ({"refresh_token": 5}, 422)],
)
def test_a_way_that_is_none_is_told(
    api: Api, services: FakeServices, body: dict[str, Any], status: int
) -> None:
    answer = api("POST", HERE, body)
    assert answer.status == status
    if status == 201:  # the provider has no device flow: the attempt has ended
        assert (answer.json["phase"], "device" in answer.json["error"]) == ("failed", True)


def test_what_cannot_be_connected_says_why(api: Api) -> None:
    api("POST", "/connectors", {"name": "CRM", "type": "oauth"})
    missing = api("POST", HERE)
    assert (missing.status, missing.json["code"]) == (503, "operator-needed")
    api("POST", "/connectors", {"name": "Hub", "type": "api_key", "provider": "hubspot"})
    assert api("POST", "/connectors/hub/connect").status == 422
    assert api("POST", "/connectors/none/connect").status == 404
