import json
from typing import Any

import pytest

from admin.context import Session
from admin.operations import connectors, credentials
from admin.operations.versions import StaleError, tag_of
from admin.operations.view import status_of
from config.errors import ConflictError, UsageError
from tests.support.command_line import CommandLine
from tests.support.journals import lines_of
from tests.support.places import interrupted, place_at

HUB = {"type": "api_key", "provider": "hubspot"}
SECRET = "canary-5f0c1d2e3b4a59687786950413"


@pytest.fixture
def place(keyhatch: CommandLine) -> Session:
    return place_at(keyhatch.home)


def acts(place: Session) -> list[tuple[str, str]]:
    records: list[dict[str, Any]] = [json.loads(line) for line in lines_of(place.home.audit)]
    return [(r["action"], r["by"]) for r in records if r["event"] == "admin"]


def entry(place: Session, slug: str) -> dict[str, object]:
    return dict(place.known().entry("connectors", slug))


def status(place: Session, slug: str) -> str:
    return status_of(place.registry().connectors[slug], place.inventory())


def test_a_connector_is_made_of_a_name_and_a_type_alone(place: Session) -> None:
    for kind in ("api_key", "oauth", "intercom"):
        made = connectors.create(place, f"My {kind}", {"type": kind})
        assert place.registry().connectors[made.slug] == made
    assert status(place, "my-api-key") == status(place, "my-oauth") == "needs configuration"
    assert [str(d) for d in place.registry().connectors["my-intercom"].destinations]


def test_what_was_yet_to_be_filled_in_goes_one_by_one(place: Session) -> None:
    connectors.create(place, "CRM", {"type": "oauth"})
    connectors.edit(place, "crm", {"hosts": ["api.example.com"], "client_id": "app-1"})
    assert status(place, "crm") == "needs configuration"
    connectors.edit(place, "crm", {"issuer": "https://id.example.com"})
    assert "token_url" not in entry(place, "crm")
    assert status(place, "crm") == "needs credential"


def test_an_edit_sets_keys_takes_them_out_and_leaves_comments(place: Session) -> None:
    connectors.create(place, "Hub", HUB)
    path = place.home.connectors
    path.write_text(path.read_text().replace("  hub:", "  # ours\n  hub:"))
    connectors.edit(place, "hub", {"test_path": "/me", "rate": ["1/second"]})
    connectors.edit(place, "hub", {"test_path": None}, by="ada")
    assert entry(place, "hub") == {"name": "Hub", **HUB, "rate": ["1/second"]}
    assert "# ours" in path.read_text()
    assert acts(place)[-1] == ("connector.set", "ada")


def test_a_name_that_is_edited_renames(place: Session) -> None:
    connectors.create(place, "Hub", HUB)
    after = connectors.edit(place, "hub", {"name": "Sales", "enabled": False})
    assert (after.slug, after.id, after.enabled) == ("sales", "hub", False)
    assert [action for action, _ in acts(place)][1:] == ["connector.disable", "connector.rename"]


def test_an_edit_that_changes_nothing_leaves_no_record(place: Session) -> None:
    connectors.create(place, "Hub", HUB)
    connectors.edit(place, "hub", {"name": "Hub", "provider": "hubspot"})
    assert len(acts(place)) == 1


def test_an_edit_of_what_was_changed_meanwhile_is_refused_with_the_tag_of_now(
    place: Session,
) -> None:
    connectors.create(place, "Hub", HUB)
    seen = tag_of(entry(place, "hub"))
    connectors.edit(place, "hub", {"scrub": False}, expected=seen)
    before = place.home.connectors.read_text()
    with pytest.raises(StaleError) as caught:
        connectors.edit(place, "hub", {"scrub": True}, expected=seen)
    assert caught.value.current == tag_of(entry(place, "hub"))
    with pytest.raises(StaleError):
        connectors.remove(place, place.registry().connectors["hub"], expected=seen)
    assert place.home.connectors.read_text() == before


def test_the_tag_is_that_of_the_entry_not_of_its_layout_or_its_neighbours(place: Session) -> None:
    connectors.create(place, "Hub", HUB)
    seen = tag_of(entry(place, "hub"))
    connectors.create(place, "Other", HUB)
    path = place.home.connectors
    path.write_text(path.read_text().replace("  hub:", "  # comment\n  hub:"))
    assert tag_of(entry(place, "hub")) == seen


@pytest.mark.parametrize(
    ("changes", "path", "said"),
    [
        ({"hots": ["a.example"]}, ("hots",), "unknown key 'hots'"),
        ({"hosts": 5}, ("hosts",), "'hosts': expected a list, found the number 5"),
        ({"hosts": ["https://a.example"]}, ("hosts", 0), "a.example"),
        ({"placement": [{"header": 5}]}, ("placement", 0, "header"), "expected text"),
        ({"placement": [{"header": "X", "template": "x"}]}, ("placement", 0), ""),
        ({"rate": ["fast"]}, ("rate",), "fast"),
        ({"test_path": "me"}, ("test_path",), "'me' is not a path"),
        ({"dial": "localhost"}, ("dial",), "is not an address"),
        ({"type": "oauth"}, ("type",), "does not change"),
        ({"id": "other"}, ("id",), "does not change"),
        ({"scrub": 0.5}, ("scrub",), "expected on or off"),
        ({"client_id": "x"}, ("client_id",), "unknown key 'client_id'"),
    ],
)
def test_what_is_wrong_is_told_with_its_keys_and_nothing_is_written(
    place: Session, changes: dict[str, object], path: tuple[str | int, ...], said: str
) -> None:
    connectors.create(place, "Hub", HUB)
    before = place.home.connectors.read_text()
    with pytest.raises(UsageError) as caught:
        connectors.edit(place, "hub", changes)
    fault = caught.value.faults[0]
    own = fault.path[2:] if fault.path[:1] == ("connectors",) else fault.path
    assert own[: len(path)] == path
    assert said in fault.message
    assert place.home.connectors.read_text() == before


def test_every_wrong_shape_is_told_at_once(place: Session) -> None:
    connectors.create(place, "Hub", HUB)
    with pytest.raises(UsageError) as caught:
        connectors.edit(place, "hub", {"hosts": 5, "scrub": "maybe", "headers": []})
    assert {fault.path[2] for fault in caught.value.faults} == {"hosts", "scrub", "headers"}


def test_a_variable_that_is_missing_is_named(place: Session) -> None:
    with pytest.raises(UsageError) as caught:
        connectors.create(place, "Help", {"type": "api_key", "provider": "zendesk"})
    assert caught.value.faults[0].path == ("connectors", "help", "vars", "subdomain")


def test_an_edit_never_binds_a_secret_to_a_new_destination(place: Session) -> None:
    """Who types a host one letter after the other passes by hosts that he does not mean."""
    made = connectors.create(place, "API", {"type": "api_key", "hosts": ["api.example.com"]})
    credentials.put(place, made.slug, {"secret": SECRET})
    assert status(place, "api") == "ready"
    after = connectors.edit(place, "api", {"hosts": ["api.example.co"]})
    assert status(place, "api") == "changed"
    connectors.confirm(place, after)
    assert status(place, "api") == "ready"


def test_a_taken_name_is_a_conflict(place: Session) -> None:
    connectors.create(place, "Hub", HUB)
    connectors.create(place, "Sales", HUB)
    with pytest.raises(ConflictError):
        connectors.create(place, "hub", HUB)
    with pytest.raises(ConflictError):
        connectors.edit(place, "sales", {"name": "Hub"})


def test_a_secret_that_comes_while_its_connector_is_deleted_is_not_left_behind(
    place: Session,
) -> None:
    hub = connectors.create(place, "Hub", HUB)
    busy = interrupted(
        place, "inventory", lambda: credentials.put(place, "hub", {"secret": SECRET})
    )
    with pytest.raises(ConflictError, match="just now"):
        connectors.remove(busy, hub)
    assert status(place, "hub") == "ready"
    connectors.remove(place, hub)
    assert not place.inventory().slots


def test_another_of_the_same_name_by_now_is_not_deleted(place: Session) -> None:
    shown = connectors.create(place, "Hub", HUB)
    connectors.rename(place, "hub", "Old hub")
    connectors.create(place, "Hub", HUB)
    with pytest.raises(ConflictError, match="just now"):
        connectors.remove(place, shown)
    assert sorted(place.registry().connectors) == ["hub", "old-hub"]
