"""Connectors, their slots and what binds their secrets."""

from dataclasses import replace

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
    token_urls=("https://a.example/token",),
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


def test_the_base_is_the_first_exact_destination() -> None:
    assert CONNECTOR.base == CONNECTOR.destinations[1]
    assert replace(CONNECTOR, destinations=CONNECTOR.destinations[:1]).base is None


@pytest.mark.parametrize(
    "changes",
    [
        {"destinations": CONNECTOR.destinations[:1]},
        {"destinations": (DestinationPattern("http", "a.example", 443),)},
        {"dial": DialAddress("10.0.0.1", 443)},
        {"token_urls": ("https://b.example/token",)},
        {"token_urls": ()},
    ],
)
def test_a_change_of_where_a_secret_goes_changes_the_binding(changes: dict[str, object]) -> None:
    assert binding_of(replace(CONNECTOR, **changes)) != binding_of(CONNECTOR)  # type: ignore[arg-type]


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
