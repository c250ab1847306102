"""Placements: their names, templates and slots."""

from typing import Any

import pytest

from config.connector import BasicPlacement, HeaderPlacement, PathPlacement, QueryPlacement
from config.errors import UsageError
from config.models import PLACEMENTS
from config.placements import parse_placement, place_of, require_distinct
from config.section import Section, validate
from config.template import Template


def section(**keys: Any) -> Section:
    kind = next(kind for kind in PLACEMENTS if kind in keys)
    return validate(PLACEMENTS[kind], keys)


@pytest.mark.parametrize(
    ("keys", "placement"),
    [
        ({"header": "X-Api-Key"}, HeaderPlacement("x-api-key", Template("{secret}"))),
        (
            {"header": "Authorization", "template": "Token {secret}"},
            HeaderPlacement("authorization", Template("Token {secret}")),
        ),
        ({"query": "api_key"}, QueryPlacement("api_key", Template("{secret}"))),
        ({"basic": "api:{secret}"}, BasicPlacement(Template("api"), Template("{secret}"))),
        ({"basic": "{secret}:"}, BasicPlacement(Template("{secret}"), Template(""))),
        ({"basic": "{email}:{secret}"}, BasicPlacement(Template("a@b"), Template("{secret}"))),
        ({"basic": "{sid}:{secret}"}, BasicPlacement(Template("{sid}"), Template("{secret}"))),
        ({"path": "/bot{secret}"}, PathPlacement(Template("/bot{secret}"))),
    ],
)
def test_each_kind_is_read_with_its_vars_filled(keys: dict[str, str], placement: object) -> None:
    assert parse_placement(section(**keys), {"email": "a@b"}) == placement


@pytest.mark.parametrize(
    ("keys", "says"),
    [
        ({"header": "X Key"}, "not a header name"),
        ({"header": "Host"}, "belongs to the connection"),
        ({"header": "X", "template": "Bearer"}, "no slot"),
        ({"header": "X", "template": "{email}"}, "no slot"),
        ({"header": "X", "template": "{Secret}"}, "brace"),
        ({"header": "X", "template": " {secret}"}, "space"),
        ({"header": "X", "template": "{secret}\r\n"}, "space"),
        ({"header": "X", "template": "{secret}\r\nY"}, "no header can carry"),
        ({"query": "a b"}, "query parameter"),
        ({"query": "a&b"}, "query parameter"),
        ({"basic": "{secret}"}, "no colon"),
        ({"basic": "{colon}:{secret}"}, "has a colon"),
        ({"basic": "a:b"}, "no slot"),
        ({"path": "bot{secret}"}, "not one path segment"),
        ({"path": "/bot/{secret}"}, "not one path segment"),
        ({"path": "/{secret}?x"}, "not one path segment"),
        ({"path": "/"}, "not one path segment"),
    ],
)
def test_a_placement_that_cannot_be_sent_is_refused(keys: dict[str, str], says: str) -> None:
    with pytest.raises(UsageError, match=says):
        parse_placement(section(**keys), {"email": "a@b", "colon": "a:b"})


def test_two_placements_may_not_fill_one_place() -> None:
    basic = parse_placement(section(basic=":{secret}"), {})
    header = parse_placement(section(header="AUTHORIZATION"), {})
    with pytest.raises(UsageError, match="header authorization"):
        require_distinct([basic, header])


def test_different_places_go_together() -> None:
    placements = [
        parse_placement(section(**keys), {})
        for keys in ({"header": "A"}, {"header": "B"}, {"query": "q"}, {"path": "/{secret}"})
    ]
    require_distinct(placements)
    assert len({place_of(placement) for placement in placements}) == 4
