import json
from pathlib import Path
from typing import Any

import pytest

from tests.support.api import PROGRAM, Api
from tests.support.command_line import CommandLine
from tests.support.journals import lines_of

HUB = {"name": "Hub", "type": "api_key", "provider": "hubspot"}
API = {"name": "API", "type": "api_key", "hosts": ["api.example.com"]}
SECRET = "canary-5f0c1d2e3b4a59687786950413"


def file_of(api: Api) -> Path:
    return api.place.home.connectors


def test_a_connector_is_made_read_listed_and_deleted(api: Api) -> None:
    made = api("POST", "/connectors", HUB)
    assert (made.status, made.json["slug"], made.json["status"]) == (201, "hub", "needs credential")
    assert made.json["definition"] == HUB
    assert api("GET", "/connectors/hub").etag == made.etag
    [row] = api("GET", "/connectors").json["connectors"]
    assert (row["name"], row["destinations"][0]) == ("Hub", "https://api.hubapi.com")
    assert api("DELETE", "/connectors/hub", If_Match=made.etag).status == 204
    assert api("GET", "/connectors/hub").status == 404


def test_what_is_done_is_on_record_with_the_token_that_did_it(api: Api) -> None:
    api("POST", "/connectors", HUB)
    [record] = [json.loads(line) for line in lines_of(api.place.home.audit)]
    assert record["action"] == "connector.add"
    assert record["by"].endswith(f"by API token {PROGRAM}")


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("q=HUB", ["hub"]),
        ("q=example%20api", ["api"]),
        ("q=nothing", []),
        ("status=needs%20credential", ["hub", "api"]),
        ("status=ready", []),
        ("status=ready&status=needs%20credential&q=hub", ["hub"]),
    ],
)
def test_the_list_is_searched(api: Api, query: str, found: list[str]) -> None:
    api("POST", "/connectors", HUB)
    api("POST", "/connectors", API)
    rows = api("GET", f"/connectors?{query}").json["connectors"]
    assert [row["slug"] for row in rows] == found


def test_a_change_says_what_it_was_made_from(api: Api) -> None:
    first = api("POST", "/connectors", HUB).etag
    without = api("PATCH", "/connectors/hub", {"scrub": False})
    assert (without.status, without.json["code"]) == (428, "precondition-required")
    changed = api("PATCH", "/connectors/hub", {"scrub": False}, If_Match=first)
    assert (changed.status, changed.json["definition"]["scrub"]) == (200, False)
    for method, body in (("PATCH", {"scrub": True}), ("DELETE", None)):
        stale = api(method, "/connectors/hub", body, If_Match=first)
        assert (stale.status, stale.json["code"]) == (412, "stale")
    entry = stale.etag.strip('"')
    assert changed.etag.startswith(f'"{entry}-')
    assert api("PATCH", "/connectors/hub", {"scrub": True}, If_Match=stale.etag).status == 200
    assert api("PATCH", "/connectors/hub", {"scrub": None}, If_Match="*").status == 200


@pytest.mark.parametrize("given", ["W/{}", '"other"', "nonsense", ""])
def test_what_is_not_the_tag_does_not_fit(api: Api, given: str) -> None:
    tag = api("POST", "/connectors", HUB).etag
    answer = api("PATCH", "/connectors/hub", {"scrub": False}, If_Match=given.format(tag))
    assert answer.status == 412


def test_one_of_several_tags_is_enough(api: Api) -> None:
    tag = api("POST", "/connectors", HUB).etag
    several = f'"other", {tag}'
    assert api("PATCH", "/connectors/hub", {"scrub": False}, If_Match=several).status == 200


def test_whoever_has_what_there_is_is_not_sent_it_again(api: Api) -> None:
    tag = api("POST", "/connectors", HUB).etag
    same = api("GET", "/connectors/hub", If_None_Match=tag)
    assert (same.status, same.text, same.etag) == (304, "", tag)
    api("PUT", "/connectors/hub/credentials/secret", {"secret": SECRET})
    after = api("GET", "/connectors/hub", If_None_Match=tag)
    assert (after.status, after.json["status"]) == (200, "ready")


def test_a_secret_that_is_stored_does_not_make_an_edit_stale(api: Api) -> None:
    tag = api("POST", "/connectors", HUB).etag
    api("PUT", "/connectors/hub/credentials/secret", {"secret": SECRET})
    assert api("PATCH", "/connectors/hub", {"scrub": False}, If_Match=tag).status == 200


def test_a_hand_edit_is_seen_at_once_and_its_comments_stay(api: Api) -> None:
    tag = api("POST", "/connectors", HUB).etag
    path = file_of(api)
    path.write_text(path.read_text().replace("  hub:", "  # by hand\n  hub:"))
    assert api("GET", "/connectors/hub", If_None_Match=tag).status == 304
    path.write_text(path.read_text().replace("name: Hub", "name: Hubba"))
    assert api("GET", "/connectors/hub").json["name"] == "Hubba"
    assert api("PATCH", "/connectors/hub", {"scrub": False}, If_Match=tag).status == 412
    assert api("PATCH", "/connectors/hub", {"scrub": False}, If_Match="*").status == 200
    assert "# by hand" in path.read_text()


def test_the_command_line_and_the_api_see_each_other(api: Api, keyhatch: CommandLine) -> None:
    api("POST", "/connectors", HUB)
    assert keyhatch("connector", "rename", "hub", "Sales").code == 0
    tag = api("GET", "/connectors/sales").etag
    api("PATCH", "/connectors/sales", {"enabled": False}, If_Match=tag)
    assert keyhatch("connector", "list", "--json").json[0]["status"] == "disabled"


def test_a_new_name_renames(api: Api) -> None:
    tag = api("POST", "/connectors", HUB).etag
    renamed = api("PATCH", "/connectors/hub", {"name": "Sales EU"}, If_Match=tag)
    assert (renamed.json["slug"], renamed.json["id"]) == ("sales-eu", "hub")
    api("POST", "/connectors", HUB)
    taken = api("PATCH", "/connectors/sales-eu", {"name": "Hub"}, If_Match="*")
    assert (taken.status, taken.json["code"]) == (409, "conflict")


WRONG: list[tuple[dict[str, Any], str, str]] = [
    ({"hots": []}, "hots", "unknown key 'hots'"),
    ({"hosts": ["not a host"]}, "hosts.0", "not a host"),
    ({"hosts": {}}, "hosts", "'hosts': expected a list, found a mapping"),
    ({"placement": {"header": 5}}, "placement.header", "'header': expected text"),
    ({"rate": "fast"}, "rate", "fast"),
    ({"id": "x"}, "id", "does not change"),
    ({"type": "api_key"}, "type", "does not change"),
    ({"scrub": 1.5}, "scrub", "expected on or off"),
    ({"env": {"A": "\ud800"}}, "", ""),
]


@pytest.mark.parametrize(("body", "field", "said"), WRONG)
def test_what_is_wrong_is_told_by_field(
    api: Api, body: dict[str, Any], field: str, said: str
) -> None:
    api("POST", "/connectors", HUB)
    before = file_of(api).read_text()
    answer = api("PATCH", "/connectors/hub", raw=json.dumps(body).encode(), If_Match="*")
    assert (answer.status, answer.json["code"]) == (422, "invalid")
    assert answer.headers["content-type"] == "application/problem+json"
    if field:
        [(told, message)] = answer.fields.items()
        assert told.startswith(field)
        assert said in message
    assert file_of(api).read_text() == before


def test_the_nearest_key_is_the_hint(api: Api) -> None:
    api("POST", "/connectors", HUB)
    answer = api("PATCH", "/connectors/hub", {"hots": []}, If_Match="*")
    assert "hosts" in answer.json["fields"][0]["hint"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"type": "api_key"}, "name"),
        ({"name": "X"}, "type"),
        ({"name": "X", "type": "key"}, "type"),
        ({"name": "X", "type": "api_key", "provider": "hubspt"}, "provider"),
        ({"name": "X", "type": "api_key", "provider": "zendesk"}, "vars.subdomain"),
        ({"name": "X", "type": "api_key", "secrets": "canary"}, "secrets"),
        ({"name": "X", "type": "api_key", "secrets": {"secret": 5}}, "secrets.secret"),
        ({"name": "X", "type": "api_key", "secrets": {"secret": "short"}}, "secrets.secret"),
    ],
)
def test_a_new_connector_that_is_wrong_is_told_by_field(
    api: Api, body: dict[str, Any], field: str
) -> None:
    before = file_of(api).read_text()
    answer = api("POST", "/connectors", body)
    assert (answer.status, list(answer.fields)) == (422, [field])
    assert file_of(api).read_text() == before


@pytest.mark.parametrize(
    "raw", [b"", b"{", b"[]", b"5", b'"text"', b"null", b"\xff", b'{"name": NaN}']
)
def test_what_is_no_object_is_refused(api: Api, raw: bytes) -> None:
    answer = api("POST", "/connectors", raw=raw)
    assert (answer.status, answer.json["code"]) == (422, "invalid")


@pytest.mark.parametrize("depth", [200, 990, 3000, 30_000])
def test_a_body_without_bottom_is_refused(api: Api, depth: int) -> None:
    api("POST", "/connectors", HUB)
    nest = "[" * depth + "]" * depth
    new = api("POST", "/connectors", raw=f'{{"name":"x","type":"api_key","hosts":{nest}}}'.encode())
    changed = api("PATCH", "/connectors/hub", raw=f'{{"deny":{nest}}}'.encode(), If_Match="*")
    assert [new.status, changed.status] == [422, 422]
    assert len(api("GET", "/connectors").json["connectors"]) == 1


def test_new_destinations_wait_for_a_confirmation(api: Api) -> None:
    api("POST", "/connectors", API | {"secrets": {"secret": SECRET}})
    changed = api("PATCH", "/connectors/api", {"hosts": ["api.example.org"]}, If_Match="*")
    assert changed.json["status"] == "changed"
    assert not changed.json["credentials"][0]["fits"]
    assert api("POST", "/connectors/api/confirm").status == 428
    assert api("POST", "/connectors/api/confirm", If_Match='"old"').status == 412
    confirmed = api("POST", "/connectors/api/confirm", If_Match=changed.etag)
    assert (confirmed.status, confirmed.json["status"]) == (200, "ready")
    assert api("POST", "/connectors/api/confirm", If_Match="*").status == 200


def test_a_service_that_cannot_be_reached_is_the_result_of_a_test(api: Api) -> None:
    body = API | {"dial": "127.0.0.1:1", "test_path": "/me", "secrets": {"secret": SECRET}}
    api("POST", "/connectors", body)
    answer = api("POST", "/connectors/api/test")
    assert (answer.status, answer.json["works"], answer.json["status"]) == (200, False, None)
    assert answer.json["said"]
    assert api("POST", "/connectors/api/test", {"path": "no path"}).status == 422


def test_a_thousand_connectors_are_listed_in_no_time(api: Api) -> None:
    """Not timed here, where the machine is noisy: what would take long is counted."""
    path = file_of(api)
    entries = "".join(
        f"  c-{n}: {{type: api_key, hosts: [h{n}.example.com]}}\n" for n in range(1000)
    )
    path.write_text(path.read_text().replace("connectors:\n", f"connectors:\n{entries}", 1))
    assert len(api("GET", "/connectors").json["connectors"]) == 1000
    assert api.place.known() is api.place.known(), "what has not changed is not read anew"
