"""From one connector's section, and its provider's form, to the connector."""

from collections.abc import Mapping
from dataclasses import dataclass

from config.catalog import Catalog, Form
from config.connector import Connector, ConnectorType, DialAddress, HeaderPlacement, Placement
from config.destination import DestinationPattern
from config.env import build_env
from config.errors import UsageError
from config.headers import AUTHORIZATION, parse_header_name, parse_header_value
from config.hosts import parse_dial, parse_pattern
from config.hygiene_build import build_hygiene, stripped_query
from config.models import AnyConnectorSection, ApiKeySection, IntercomSection
from config.oauth import ACCESS_TOKEN, OAuthClient
from config.oauth_build import build_oauth
from config.place import Place
from config.placements import parse_placement, place_of, require_distinct
from config.policy_build import build_policy
from config.slug import is_slug
from config.template import Template
from config.vars import fill_vars, resolve_vars

_SLUG_HINT = "use lower-case letters, digits and single hyphens, at most 63"


@dataclass(frozen=True, slots=True)
class _Draft:
    """A section with what its parts are read against."""

    section: AnyConnectorSection
    type: ConnectorType
    provider: str | None
    form: Form | None
    values: Mapping[str, str]
    place: Place


def build_connector(
    slug: str, section: AnyConnectorSection, place: Place, catalog: Catalog
) -> Connector:
    """Return a connector with its provider's facts merged in; what the operator wrote wins.

    Raises ConfigError at the key that is wrong.
    """
    if not is_slug(slug):
        raise place.key.error(f"{slug!r} cannot be a key", hint=_SLUG_HINT)
    draft = _draft(section, place, catalog)
    placements = _placements(draft)
    hygiene = build_hygiene(section, draft.form, draft.values, placements, place)
    connector = Connector(
        slug=slug,
        id=place.at("id").read(_require_slug, section.id or slug),
        name=_name(section.name or slug, place.at("name")),
        type=draft.type,
        destinations=_destinations(draft),
        placements=placements,
        provider=draft.provider,
        dial=_dial(section.dial, place.at("dial")),
        headers=_headers(draft, placements),
        strip_headers=_strip_headers(draft, placements) - hygiene.headers,
        strip_query=stripped_query(section, draft.form, hygiene, place),
        policy=build_policy(section, place),
        enabled=section.enabled,
        scrub=section.scrub,
        hygiene=hygiene,
        test_path=_test_path(draft),
        env=build_env(section, draft.form, draft.values, place),
        oauth=_oauth(draft),
        token_dial=_dial(getattr(section, "token_dial", ""), place.at("token_dial")),
    )
    _require_token_slot(connector, place.at("placement"))
    return connector


def _draft(section: AnyConnectorSection, place: Place, catalog: Catalog) -> _Draft:
    type_ = ConnectorType(section.type)
    provider, given = section.provider, section.vars
    if isinstance(section, IntercomSection):
        given = {**given, "region": section.region}
    form = None
    if provider:
        at = place.at("provider")
        form = at.read(at.read(catalog.provider, provider).form, type_)
    values = resolve_vars(given, form, place)
    return _Draft(section, type_, provider or None, form, values, place)


def _name(text: str, place: Place) -> str:
    if not text.isprintable() or not text.strip():
        raise place.error("the name does not print", hint="use plain text")
    return text


def _require_slug(text: str) -> str:
    if not is_slug(text):
        raise UsageError(f"{text!r} cannot be an id", hint=_SLUG_HINT)
    return text


def _destinations(draft: _Draft) -> tuple[DestinationPattern, ...]:
    texts, place = draft.section.hosts, draft.place.at("hosts")
    if not texts and draft.form:
        texts = tuple(fill_vars(text, draft.values) for text in draft.form.hosts)
    if not texts:
        hint = "add `hosts: [api.example.com]` or a `provider`"
        raise place.key.error("key 'hosts' is missing", hint=hint)
    found: list[DestinationPattern] = []
    for index, text in enumerate(texts):
        pattern = place.at(index).read(parse_pattern, text, draft.section.scheme)
        if pattern in found:
            raise place.at(index).error(f"host {text!r} stands twice", hint="keep one of them")
        found.append(pattern)
    return tuple(found)


def _dial(text: str, place: Place) -> DialAddress | None:
    return place.read(parse_dial, text) if text else None


def _placements(draft: _Draft) -> tuple[Placement, ...]:
    sections, place = draft.section.placement, draft.place.at("placement")
    if not sections and draft.form:
        sections = draft.form.placement
    if not sections:
        slot = "secret" if draft.type is ConnectorType.API_KEY else ACCESS_TOKEN
        return (HeaderPlacement(AUTHORIZATION, Template(f"Bearer {{{slot}}}")),)
    placements = tuple(
        place.at(index).read(parse_placement, section, draft.values)
        for index, section in enumerate(sections)
    )
    place.read(require_distinct, placements)
    return placements


def _oauth(draft: _Draft) -> OAuthClient | None:
    if isinstance(draft.section, ApiKeySection):
        return None
    return build_oauth(draft.section, draft.form, draft.values, draft.place)


def _require_token_slot(connector: Connector, place: Place) -> None:
    if connector.oauth is None or connector.placement_slots == (ACCESS_TOKEN,):
        return
    wrong = next(slot for slot in connector.placement_slots if slot != ACCESS_TOKEN)
    raise place.error(
        f"a connector of type {connector.type} has no slot {wrong!r}",
        hint=f"write {{{ACCESS_TOKEN}}}, or add {wrong!r} to `vars`",
    )


def _headers(draft: _Draft, placements: tuple[Placement, ...]) -> tuple[tuple[str, str], ...]:
    taken = {place_of(placement) for placement in placements}
    merged = {
        name.lower(): (name, value)
        for name, value in (draft.form.headers if draft.form else {}).items()
    }
    seen: set[str] = set()
    for name, value in draft.section.headers.items():
        place = draft.place.at("headers", name)
        lower = place.key.read(parse_header_name, name)
        if f"header {lower}" in taken:
            hint = "leave it out of `headers`"
            raise place.key.error(f"header {name!r} carries the credential", hint=hint)
        if lower in seen:
            raise place.key.error(f"header {name!r} stands twice", hint="keep one of them")
        seen.add(lower)
        merged[lower] = (name, place.read(parse_header_value, value))
    return tuple(pair for lower, pair in merged.items() if f"header {lower}" not in taken)


def _strip_headers(draft: _Draft, placements: tuple[Placement, ...]) -> frozenset[str]:
    """Return what is dropped besides the placements.

    `Authorization` always is: an agent's own could reach another account of the service.
    """
    place = draft.place.at("strip", "headers")
    own = {
        place.at(index).read(parse_header_name, name)
        for index, name in enumerate(draft.section.strip.headers)
    }
    known = {name.lower() for name in draft.form.strip.headers} if draft.form else set()
    filled = {place_of(placement).removeprefix("header ") for placement in placements}
    return frozenset((own | known | {AUTHORIZATION}) - filled)


def _test_path(draft: _Draft) -> str | None:
    text, place = draft.section.test_path, draft.place.at("test_path")
    if not text and draft.form:
        text = fill_vars(draft.form.test_path, draft.values)
    if not text:
        return None
    if not text.startswith("/") or not text.isascii() or not text.isprintable() or " " in text:
        raise place.error(f"{text!r} is not a path", hint="write it like /v1/me")
    return text
