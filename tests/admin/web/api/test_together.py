"""Many at once, a locked vault, a broken file: nothing is lost, and it is said what is the matter."""

from concurrent.futures import ThreadPoolExecutor
from typing import Final

from starlette.testclient import TestClient

from admin.web.access.front import Front
from admin.web.access.sessions import Sessions
from admin.web.access.tokens import ApiTokens
from admin.web.app import Web, build_app
from admin.web.place import WebPlace, utc_now
from config.home import Home
from tests.support.api import Api
from tests.support.command_line import CommandLine

HUB: Final = {"name": "Hub", "type": "api_key", "provider": "hubspot"}
SECRET: Final = "canary-0123456789"


def test_of_changes_from_one_state_just_one_is_made(api: Api) -> None:
    tag = api("POST", "/connectors", HUB).etag

    def change(number: int) -> int:
        return api("PATCH", "/connectors/hub", {"test_path": f"/{number}"}, If_Match=tag).status

    with ThreadPoolExecutor(8) as pool:
        statuses = list(pool.map(change, range(8)))
    assert sorted(statuses) == [200] + [412] * 7


def test_changes_of_different_connectors_do_not_lose_each_other(api: Api) -> None:
    for number in range(6):
        api("POST", "/connectors", HUB | {"name": f"Hub {number}"})
    tags = {n: api.tag(f"/connectors/hub-{n}") for n in range(6)}

    def change(number: int) -> int:
        body = {"test_path": f"/{number}"}
        return api("PATCH", f"/connectors/hub-{number}", body, If_Match=tags[number]).status

    with ThreadPoolExecutor(6) as pool:
        assert set(pool.map(change, range(6))) == {200}
    paths = [api("GET", f"/connectors/hub-{n}").json["test_path"] for n in range(6)]
    assert paths == [f"/{n}" for n in range(6)]


def test_a_locked_vault_is_said_to_be_and_shows_what_needs_no_key(bare: CommandLine) -> None:
    words = "correct horse battery"
    assert bare("init", "--key-source", "passphrase", typed=[words, words]).code == 0
    home = Home(bare.home)
    place, tokens = WebPlace(home, {}), ApiTokens(home, utc_now)
    app = build_app(Web(place, Front("x.localhost", 80), Sessions(place.now), tokens.find))
    token = tokens.issue("program").reveal()
    headers = {"Authorization": f"Bearer {token}", "Host": "127.0.0.1:80"}
    api = Api(TestClient(app, base_url="http://127.0.0.1:80", headers=headers), place)
    assert api("POST", "/connectors", HUB).status == 201
    assert api("GET", "/connectors/hub").json["status"] == "needs credential"
    assert api("GET", "/status").json["vault"] == "locked"
    refused = api("PUT", "/connectors/hub/credentials/secret", {"secret": SECRET})
    assert (refused.status, refused.json["code"]) == (503, "operator-needed")
    assert "keyhatch ui" in refused.json["hint"]
    assert api("PATCH", "/connectors/hub", {"scrub": False}, If_Match="*").status == 200


def test_a_broken_file_is_not_written_to(api: Api) -> None:
    api("POST", "/connectors", HUB)
    path = api.place.home.connectors
    broken = path.read_text() + "nonsense: true\n"
    path.write_text(broken)
    for method, where, body in (
        ("GET", "/connectors", None),
        ("GET", "/connectors/hub", None),
        ("PATCH", "/connectors/hub", {"scrub": False}),
        ("DELETE", "/connectors/hub", None),
        ("POST", "/connectors", HUB | {"name": "Other"}),
        ("POST", "/agents", {"name": "bot"}),
    ):
        answer = api(method, where, body, If_Match="*")
        assert (answer.status, answer.json["code"]) == (503, "broken-file"), (method, where)
        assert "unknown key 'nonsense'" in answer.json["detail"]
    assert path.read_text() == broken
