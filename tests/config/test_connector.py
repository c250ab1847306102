"""Connectors, their slots and what binds their secrets."""

import hashlib
import json
from dataclasses import replace
from typing import cast

import pytest

from config.connector import (
    BasicPlacement,
    Connector,
    ConnectorType,
    DialAddress,
    HeaderPlacement,
    PathPlacement,
    QueryPlacement,
    binding_of,
)
from config.destination import DestinationPattern
from config.oauth import Grant, HostFrom, OAuthClient, Quirks, Revocation
from config.template import Template

CONNECTOR = Connector(
    slug="a",
    id="a",
    name="A",
    type=ConnectorType.API_KEY,
    destinations=(
        DestinationPattern("https", "b.example", 443, wildcard=True),
        DestinationPattern("https", "a.example", 443),
    ),
    placements=(HeaderPlacement("authorization", Template("Bearer {secret}")),),
)
OAUTH = replace(
    CONNECTOR,
    type=ConnectorType.OAUTH,
    placements=(HeaderPlacement("authorization", Template("Bearer {access_token}")),),
    oauth=OAuthClient(Grant.AUTHORIZATION_CODE, "id", "https://a.example/token"),
)


def test_slots_are_what_the_placements_need() -> None:
    connector = replace(
        CONNECTOR,
        placements=(
            BasicPlacement(Template("{user}"), Template("{secret}")),
            QueryPlacement("q", Template("{secret}")),
            PathPlacement(Template("/{token}")),
        ),
    )
    assert connector.slots == ("user", "secret", "token")
    assert connector.placement_slots == connector.slots


def test_with_oauth_an_operator_enters_what_the_client_needs() -> None:
    assert OAUTH.slots == ("client_secret",)
    assert OAUTH.placement_slots == ("access_token",)
    assert OAUTH.token_urls == ("https://a.example/token",)
    assert CONNECTOR.token_urls == ()


def test_the_base_is_the_first_exact_destination() -> None:
    assert CONNECTOR.base == CONNECTOR.destinations[1]
    assert replace(CONNECTOR, destinations=CONNECTOR.destinations[:1]).base is None


@pytest.mark.parametrize(
    "changes",
    [
        {"destinations": CONNECTOR.destinations[:1]},
        {"destinations": (DestinationPattern("http", "a.example", 443),)},
        {"dial": DialAddress("10.0.0.1", 443)},
    ],
)
def test_a_change_of_where_a_secret_goes_changes_the_binding(changes: dict[str, object]) -> None:
    assert binding_of(replace(CONNECTOR, **changes)) != binding_of(CONNECTOR)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "changes",
    [
        {"token_url": "https://b.example/token"},
        {"token_url": ""},
        {"refresh_url": "https://b.example/token"},
        {"device_url": "https://b.example/device"},
        {"revocation": Revocation("https://b.example/revoke")},
        {"issuer": "https://b.example"},
        {"quirks": Quirks(host_from=HostFrom("url", CONNECTOR.destinations[:1]))},
    ],
)
def test_a_change_of_where_a_token_goes_changes_the_binding(changes: dict[str, object]) -> None:
    changed = replace(OAUTH, oauth=replace(cast("OAuthClient", OAUTH.oauth), **changes))  # type: ignore[arg-type]
    assert binding_of(changed) != binding_of(OAUTH)


def test_the_address_of_the_token_endpoint_is_part_of_the_binding() -> None:
    dialled = replace(OAUTH, token_dial=DialAddress("10.0.0.1", 443))
    assert binding_of(dialled) != binding_of(OAUTH)
    assert binding_of(dialled) != binding_of(replace(OAUTH, dial=dialled.token_dial))


@pytest.mark.parametrize("grant", [grant for grant in Grant if not grant.connects])
def test_scopes_that_nobody_consents_to_are_part_of_the_binding(grant: Grant) -> None:
    """H24: an agent that edits the file would get a token for more at the next refresh."""
    client = replace(cast("OAuthClient", OAUTH.oauth), grant=grant, scopes=("read",))
    wider = replace(client, scopes=("read", "write"))
    bound = binding_of(replace(OAUTH, oauth=client))
    assert bound != binding_of(replace(OAUTH, oauth=wider))
    assert bound == binding_of(replace(OAUTH, oauth=replace(client, scopes=("read",))))


def test_the_scopes_of_a_consent_are_not() -> None:
    client = replace(
        cast("OAuthClient", OAUTH.oauth), grant=Grant.AUTHORIZATION_CODE, scopes=("read",)
    )
    wider = replace(client, scopes=("read", "write"))
    assert binding_of(replace(OAUTH, oauth=client)) == binding_of(replace(OAUTH, oauth=wider))


def test_the_binding_of_an_api_key_is_what_vaults_hold() -> None:
    """The digest of the format that the first version sealed its secrets to."""
    where = {
        "destinations": ["https://*.b.example", "https://a.example"],
        "dial": None,
        "token_urls": [],
    }
    digest = hashlib.sha256(json.dumps(where, sort_keys=True).encode()).digest()
    assert binding_of(CONNECTOR) == digest


@pytest.mark.parametrize(
    "changes",
    [
        {"slug": "b", "name": "B"},
        {"destinations": CONNECTOR.destinations[::-1]},
        {"enabled": False, "scrub": False, "headers": (("X", "y"),)},
    ],
)
def test_other_changes_keep_the_binding(changes: dict[str, object]) -> None:
    assert binding_of(replace(CONNECTOR, **changes)) == binding_of(CONNECTOR)  # type: ignore[arg-type]
