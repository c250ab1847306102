from typing import Final

import pytest

from tests.support.api import Api

PAIR: Final = {
    "name": "Pair",
    "type": "api_key",
    "hosts": ["api.example.com"],
    "placement": [{"header": "X-Key", "template": "{key}"}, {"query": "app", "template": "{app}"}],
}
FIRST, SECOND = "canary-one-0123456789", "canary-two-0123456789"
HERE = "/connectors/pair/credentials"


@pytest.fixture(autouse=True)
def pair(api: Api) -> None:
    assert api("POST", "/connectors", PAIR).status == 201


def states(api: Api) -> dict[str, bool]:
    return {slot["name"]: slot["is_set"] for slot in api("GET", HERE).json["credentials"]}


def test_secrets_are_set_replaced_and_cleared_one_by_one_or_together(api: Api) -> None:
    assert states(api) == {"key": False, "app": False}
    assert api("PUT", f"{HERE}/key", {"secret": FIRST}).status == 200
    assert states(api) == {"key": True, "app": False}
    told = api("POST", HERE, {"secrets": {"key": SECOND, "app": FIRST}}).json["credentials"]
    assert all(slot["is_set"] and slot["changed_at"] and slot["fits"] for slot in told)
    assert api("DELETE", f"{HERE}/key").status == 200
    assert states(api) == {"key": False, "app": True}
    assert api("DELETE", f"{HERE}/key").status == 404


def test_of_several_all_are_stored_or_none(api: Api) -> None:
    answer = api("POST", HERE, {"secrets": {"key": FIRST, "app": "tiny"}})
    assert (answer.status, list(answer.fields)) == (422, ["secrets.app"])
    assert states(api) == {"key": False, "app": False}


def test_a_slot_that_is_not_there_is_not_found(api: Api) -> None:
    assert api("PUT", f"{HERE}/secret", {"secret": FIRST}).status == 404
    assert api("GET", "/connectors/nothing/credentials").status == 404


def test_a_private_key_that_is_none_is_said_to_be(api: Api) -> None:
    body = {
        "name": "Robot",
        "type": "oauth",
        "hosts": ["api.example.com"],
        "grant": "jwt_bearer",
        "token_url": "https://api.example.com/token",
    }
    assert api("POST", "/connectors", body).status == 201
    answer = api("PUT", "/connectors/robot/credentials/private_key", {"secret": FIRST})
    assert (answer.status, FIRST in answer.text) == (422, False)
