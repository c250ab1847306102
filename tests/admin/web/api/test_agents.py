import pytest

from tests.support.api import Api

HUB = {"name": "Hub", "type": "api_key", "provider": "hubspot"}


@pytest.fixture(autouse=True)
def connectors(api: Api) -> None:
    api("POST", "/connectors", HUB)
    api("POST", "/connectors", HUB | {"name": "Sales"})


def test_an_agent_is_made_granted_narrowed_and_deleted(api: Api) -> None:
    made = api("POST", "/agents", {"name": "Bot", "connectors": ["hub"], "expires_in": "30d"})
    assert (made.status, made.json["agent"], made.json["token"][:3]) == (201, "bot", "kh_")
    assert made.json["expires_at"]
    tag = api.tag("/agents/bot")
    grant = api("PUT", "/agents/bot/grants/sales", {"read_only": True}, If_Match=tag)
    assert [g["connector"] for g in grant.json["grants"]] == ["hub", "sales"]
    assert grant.json["grants"][1]["policy"] == {"read_only": True}
    instead = api("PUT", "/agents/bot/grants/sales", {"rate": ["1/second"]}, If_Match=grant.etag)
    assert instead.json["grants"][1]["policy"] == {"rate": ["1/second"]}
    taken = api("DELETE", "/agents/bot/grants/hub", If_Match=instead.etag)
    assert [g["connector"] for g in taken.json["grants"]] == ["sales"]
    assert api("GET", "/connectors/sales").json["agents"] == ["bot"]
    assert api("DELETE", "/agents/bot", If_Match=taken.etag).status == 204
    assert api("GET", "/agents").json == {"agents": []}


def test_a_grant_says_what_it_was_made_from(api: Api) -> None:
    api("POST", "/agents", {"name": "Bot"})
    tag = api.tag("/agents/bot")
    assert api("PUT", "/agents/bot/grants/hub", {}).status == 428
    assert api("PUT", "/agents/bot/grants/hub", {}, If_Match=tag).status == 200
    for method, path in (
        ("PUT", "/agents/bot/grants/sales"),
        ("DELETE", "/agents/bot/grants/hub"),
        ("DELETE", "/agents/bot"),
    ):
        assert api(method, path, {} if method == "PUT" else None, If_Match=tag).status == 412


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"rate": ["fast"]}, "rate.0"),
        ({"connector": "sales"}, "connector"),
        ({"hours": [{"time": "x", "zone": "UTC"}]}, "hours.0.time"),
        ({"concurrency": 0.5}, "concurrency"),
        ({"alow": []}, "alow"),
    ],
)
def test_a_policy_that_is_wrong_is_told_by_field(
    api: Api, body: dict[str, object], field: str
) -> None:
    api("POST", "/agents", {"name": "Bot"})
    answer = api("PUT", "/agents/bot/grants/hub", body, If_Match="*")
    assert (answer.status, list(answer.fields)) == (422, [field])


def test_tokens_are_made_listed_and_ended(api: Api) -> None:
    api("POST", "/agents", {"name": "Bot", "connectors": ["hub"]})
    narrow = api("POST", "/agents/bot/tokens", {"expires_in": "1h", "connectors": ["hub"]})
    assert narrow.status == 201
    listed = {t["id"]: t for t in api("GET", "/agents/bot/tokens").json["tokens"]}
    assert listed[narrow.json["id"]]["connectors"] == ["hub"]
    assert api("DELETE", f"/agents/bot/tokens/{narrow.json['id']}").status == 204
    assert api("DELETE", f"/agents/bot/tokens/{narrow.json['id']}").status == 404
    api("POST", "/agents/bot/rotate", {"expires_in": "1d"})
    assert api("DELETE", "/agents/bot/tokens").json == {"ended": 1}


@pytest.mark.parametrize("length", ["", "soon", "-1d", "99999999999d", "1"])
def test_a_length_that_is_none_is_told(api: Api, length: str) -> None:
    answer = api("POST", "/agents", {"name": "Bot", "expires_in": length})
    assert (answer.status, list(answer.fields)) == (422, ["expires_in"])


def test_tokens_of_programs_are_made_listed_and_revoked(api: Api) -> None:
    made = api("POST", "/api-tokens", {"name": "deploy"})
    assert (made.status, made.json["token"][:6]) == (201, "khapi_")
    own = f"Bearer {made.json['token']}"
    assert api("GET", "/connectors", Authorization=own).status == 200
    assert "deploy" in [token["name"] for token in api("GET", "/api-tokens").json["tokens"]]
    assert api("POST", "/api-tokens", {"name": "deploy"}).status == 409
    assert api("DELETE", "/api-tokens/deploy").status == 204
    assert api("GET", "/connectors", Authorization=own).status == 401
