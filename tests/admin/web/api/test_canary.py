"""No answer of the API ever has a secret in it, whatever is asked, right or wrong."""

import json
import re
from urllib.parse import quote

import pytest

from tests.support.api import Api
from tests.support.journals import lines_of

STORED = "canary-stored-5f0c1d2e3b4a"
SENT = "canary-sent-59687786950413"
HUB = {"name": "Hub", "type": "api_key", "hosts": ["api.example.com"], "test_path": "/me"}
OAUTH = {
    "name": "CRM",
    "type": "oauth",
    "hosts": ["api.example.com"],
    "client_id": "app-1",
    "authorization_url": "https://api.example.com/authorize",
    "token_url": "https://api.example.com/token",
    "dial": "127.0.0.1:1",
    "token_dial": "127.0.0.1:1",
}


@pytest.fixture(autouse=True)
def stored(api: Api) -> None:
    hub = HUB | {"dial": "127.0.0.1:1", "secrets": {"secret": STORED}}
    assert api("POST", "/connectors", hub).status == 201
    assert api("POST", "/connectors", OAUTH | {"secrets": {"client_secret": STORED}}).status == 201


def test_no_answer_has_a_stored_secret(api: Api) -> None:
    api("POST", "/agents", {"name": "bot", "connectors": ["hub"]})
    document = api("GET", "/openapi.json").json
    paths = [
        path.removeprefix("/api/v1") for path, said in document["paths"].items() if "get" in said
    ]
    for path in paths:
        for slug in ("hub", "crm", "bot"):
            asked = re.sub(r"\{\w+\}", slug, path)
            api("GET", f"{asked}?seconds=0" if asked.endswith("stream") else asked)
    for slug in ("hub", "crm"):
        api("PATCH", f"/connectors/{slug}", {"scrub": False}, If_Match="*")
        api("PATCH", f"/connectors/{slug}", {"hosts": ["api.example.org"]}, If_Match="*")
        api("POST", f"/connectors/{slug}/test")
        api("POST", f"/connectors/{slug}/connect")
        api("POST", f"/connectors/{slug}/confirm", If_Match="*")
        api("POST", f"/connectors/{slug}/test", {"path": "/me"})
        api("PUT", f"/connectors/{slug}/credentials/secret", {"secret": SENT})
    assert len(api.heard) > 40
    assert not [heard for heard in api.heard if "canary" in heard]
    assert b"canary" not in b"".join(lines_of(api.place.home.audit))
    assert "canary" not in api.place.home.connectors.read_text()


WRONG = [
    ("PUT", "/connectors/hub/credentials/secret", {"secret": {"is": SENT}}),
    ("PUT", "/connectors/hub/credentials/secret", {"secret": [SENT]}),
    ("PUT", "/connectors/hub/credentials/secret", {"value": SENT}),
    ("PUT", "/connectors/hub/credentials/secret", SENT),
    ("PUT", "/connectors/hub/credentials/secret", [SENT]),
    ("PUT", "/connectors/hub/credentials/secret", {"secret": f"{SENT}\n{SENT}"}),
    ("PUT", "/connectors/hub/credentials/other", {"secret": SENT}),
    ("PUT", "/connectors/none/credentials/secret", {"secret": SENT}),
    ("POST", "/connectors/hub/credentials", {"secrets": SENT}),
    ("POST", "/connectors/hub/credentials", {"secrets": {"secret": {"is": SENT}}}),
    ("POST", "/connectors/hub/credentials", {"secrets": {"secret": SENT + "é"}}),
    ("POST", "/connectors", {"name": "X", "type": "api_key", "secret": SENT}),
    ("POST", "/connectors", {"name": "X", "type": "api_key", "secrets": {"other": SENT}}),
    ("POST", "/connectors", {"name": "X", "type": "api_key", "secrets": [SENT]}),
    ("POST", "/connectors", {"name": "Hub", "type": "api_key", "secrets": {"secret": SENT}}),
    ("POST", "/connectors", {"name": "X", "type": "none", "secrets": {"secret": SENT}}),
    ("PATCH", "/connectors/hub", {"secret": SENT}),
    ("PATCH", "/connectors/hub", {"secrets": {"secret": SENT}}),
    ("PATCH", "/connectors/crm", {"client_secret": SENT}),
    ("PATCH", "/connectors/crm", {"token_params": {"client_secret": SENT}}),
    ("POST", "/connectors/crm/connect", {"way": "paste", "refresh_token": {"is": SENT}}),
    ("POST", "/connectors/crm/connect/answer", {"address": {"code": SENT}}),
    ("POST", "/connectors/crm/connect/answer", {"address": f"http://x/?code={SENT}"}),
    ("POST", "/agents", {"name": "bot", "token": SENT}),
    ("POST", "/api-tokens", {"name": "x", "token": SENT}),
]


@pytest.mark.parametrize(("method", "path", "body"), WRONG)
def test_a_secret_in_a_wrong_request_is_not_repeated(
    api: Api, method: str, path: str, body: object, capfd: pytest.CaptureFixture[str]
) -> None:
    answer = api(method, path, body, If_Match="*")
    assert answer.status in (404, 409, 422)
    assert SENT not in f"{answer.headers} {answer.text}"
    assert SENT not in "".join(capfd.readouterr())
    assert SENT.encode() not in b"".join(lines_of(api.place.home.audit))


@pytest.mark.parametrize("cut", ["{", '{"secret": ', '{"secret": "', "{}"])
def test_a_body_that_is_cut_off_is_not_repeated(api: Api, cut: str) -> None:
    raw = (cut + SENT).encode()
    answer = api("PUT", "/connectors/hub/credentials/secret", raw=raw)
    assert (answer.status, SENT in answer.text) == (422, False)


def test_a_token_is_told_once(api: Api) -> None:
    issued = [
        api("POST", "/agents", {"name": "bot"}).json["token"],
        api("POST", "/agents/bot/tokens", {"expires_in": "1h"}).json["token"],
        api("POST", "/agents/bot/rotate").json["token"],
        api("POST", "/api-tokens", {"name": "second"}).json["token"],
    ]
    api("GET", "/agents")
    api("GET", "/agents/bot")
    api("GET", "/agents/bot/tokens")
    api("GET", "/api-tokens")
    api("GET", "/activity")
    for token in issued:
        assert sum(token in heard for heard in api.heard) == 1
        assert token.encode() not in b"".join(lines_of(api.place.home.audit))
        assert quote(token) == token


def test_an_agents_token_opens_nothing_here(api: Api) -> None:
    token = api("POST", "/agents", {"name": "bot"}).json["token"]
    answer = api("GET", "/connectors", Authorization=f"Bearer {token}")
    assert (answer.status, answer.json["code"]) == (401, "unknown-token")
    assert token not in json.dumps(answer.json)
