"""From a connector's section to what may pass besides its credential."""

from collections.abc import Iterable, Mapping

from config.catalog import Form
from config.connector import Placement
from config.headers import parse_header_name
from config.hygiene import COOKIES, STRIPPED_PARAMETERS, Hygiene
from config.models import AnyConnectorSection
from config.place import Place
from config.placements import parse_query_name, place_of
from config.rules import parse_glob
from config.vars import fill_vars


def build_hygiene(
    section: AnyConnectorSection,
    form: Form | None,
    values: Mapping[str, str],
    placements: Iterable[Placement],
    place: Place,
) -> Hygiene:
    """Return what the operator lets pass. `place` is the connector's. Raises ConfigError."""
    filled = {place_of(placement) for placement in placements}
    hosts = form.hosts if form and section.hosts else ()
    return Hygiene(
        cookies=section.cookies == "keep",
        headers=_kept_headers(section, filled, place.at("keep", "headers")),
        query=_kept_query(section, filled, place.at("keep", "query")),
        minting=tuple(
            place.at("allow_minting", index).read(parse_glob, glob)
            for index, glob in enumerate(section.allow_minting)
        ),
        token_fields=section.token_fields == "keep",  # noqa: S105 - a choice
        known_as=tuple(fill_vars(host, values) for host in hosts),
    )


def stripped_query(
    section: AnyConnectorSection, form: Form | None, hygiene: Hygiene, place: Place
) -> frozenset[str]:
    """Return the query parameters that are dropped besides those that are placed."""
    if not section.strip.query and not hygiene.query and (form is None or not form.strip.query):
        return STRIPPED_PARAMETERS
    own = {
        place.at("strip", "query", index).read(parse_query_name, name)
        for index, name in enumerate(section.strip.query)
    }
    known = STRIPPED_PARAMETERS.union(form.strip.query if form else ())
    return frozenset(own | {name for name in known if name.lower() not in hygiene.query})


def _kept_headers(
    section: AnyConnectorSection, filled: Iterable[str], place: Place
) -> frozenset[str]:
    found = []
    for index, text in enumerate(section.keep.headers):
        at = place.at(index)
        name = at.read(parse_header_name, text)
        if name in COOKIES:
            raise at.error("cookies have a key of their own", hint="write `cookies: keep`")
        _require_free(f"header {name}", filled, at)
        _require_not_stripped(name, section.strip.headers, at)
        found.append(name)
    return frozenset(found)


def _kept_query(
    section: AnyConnectorSection, filled: Iterable[str], place: Place
) -> frozenset[str]:
    found = []
    for index, text in enumerate(section.keep.query):
        at = place.at(index)
        name = at.read(parse_query_name, text)
        _require_free(f"query parameter {name}", filled, at)
        _require_not_stripped(name, section.strip.query, at)
        found.append(name.lower())
    return frozenset(found)


def _require_free(name: str, filled: Iterable[str], place: Place) -> None:
    if name in filled:
        hint = "an agent's own value never takes its place; leave it out of `keep`"
        raise place.error(f"{name} carries the credential", hint=hint)


def _require_not_stripped(name: str, stripped: Iterable[str], place: Place) -> None:
    if name.lower() in {other.lower() for other in stripped}:
        raise place.error(f"{name!r} stands in `strip` too", hint="keep it in one of the two")
