"""From placement sections to placements: which header, parameter or segment, and its templates."""

import re
from collections.abc import Iterable, Mapping

from config.connector import (
    BasicPlacement,
    HeaderPlacement,
    PathPlacement,
    Placement,
    QueryPlacement,
    templates_of,
)
from config.errors import UsageError
from config.headers import AUTHORIZATION, parse_header_name
from config.models import BasicSection, HeaderSection, PathSection, QuerySection
from config.oauth import NEVER_PLACED
from config.section import Section
from config.template import Template, parse_template

_QUERY_NAME = re.compile(r"[A-Za-z0-9_.~$\[\]-]+")


def parse_query_name(text: str) -> str:
    """Return a query parameter's name. Raises UsageError if it would have to be escaped."""
    if not _QUERY_NAME.fullmatch(text):
        raise UsageError(
            f"{text!r} is not a query parameter's name", hint="use a name like api_key"
        )
    return text


def parse_placement(section: Section, values: Mapping[str, str]) -> Placement:
    """Return the placement with known values filled in; what stays open are its slots.

    Raises UsageError for a bad name or template, for a template without any slot, and for the slot
    of a secret that is never placed.
    """
    placement = _parse(section, values)
    slots = {slot for template in templates_of(placement) for slot in template.slots}
    for slot in sorted(slots & NEVER_PLACED):
        raise UsageError(
            f"slot {slot!r} has a secret for a token endpoint, which no request carries",
            hint="use {access_token} with `type: oauth`; for an API key use another name",
        )
    if not slots:
        raise UsageError(
            "the placement has no slot for a secret", hint="write {secret} where it belongs"
        )
    return placement


def require_distinct(placements: Iterable[Placement]) -> None:
    """Raise UsageError where two placements would fill the same place."""
    seen = set()
    for placement in placements:
        place = place_of(placement)
        if place in seen:
            raise UsageError(f"two placements fill {place}", hint="keep one of the two")
        seen.add(place)


def place_of(placement: Placement) -> str:
    """Return the name of the place that a placement fills."""
    match placement:
        case HeaderPlacement(name=name):
            return f"header {name}"
        case QueryPlacement(name=name):
            return f"query parameter {name}"
        case BasicPlacement():
            return f"header {AUTHORIZATION}"
        case PathPlacement():
            return "the first path segment"


def _parse(section: Section, values: Mapping[str, str]) -> Placement:
    match section:
        case HeaderSection():
            name = parse_header_name(section.header)
            return HeaderPlacement(name, _header_template(section.template, values))
        case QuerySection():
            return QueryPlacement(parse_query_name(section.query), _fill(section.template, values))
        case BasicSection():
            return _basic(section.basic, values)
        case PathSection():
            return _path(section.path, values)
    raise AssertionError(section)


def _fill(text: str, values: Mapping[str, str]) -> Template:
    return parse_template(text).fill_known(values)


def _header_template(text: str, values: Mapping[str, str]) -> Template:
    if text != text.strip():
        raise UsageError(f"template {text!r} starts or ends with a space", hint="take it off")
    return _fill(text, values)


def _basic(text: str, values: Mapping[str, str]) -> BasicPlacement:
    user, colon, password = text.partition(":")
    if not colon:
        raise UsageError(
            f"{text!r} has no colon between user and password",
            hint="write {secret}: for a user without password, :{secret} for the reverse",
        )
    username = _fill(user, values)
    if ":" in username.text:  # RFC 7617, 2: the first colon ends the user
        raise UsageError(f"user {username.text!r} has a colon", hint="a user name can have none")
    return BasicPlacement(username, _fill(password, values))


def _path(text: str, values: Mapping[str, str]) -> PathPlacement:
    segment = _fill(text, values)
    if not re.fullmatch(r"/[^/?#%\s]+", segment.text):
        raise UsageError(
            f"{text!r} is not one path segment", hint="write it like /bot{secret}, with one slash"
        )
    return PathPlacement(segment)
