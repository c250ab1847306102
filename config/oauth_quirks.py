"""From the quirks that a file tells to those that the token client works with."""

from dataclasses import fields
from typing import Any, Final

from config.hosts import parse_pattern
from config.oauth import HostFrom, Quirks
from config.oauth_models import HostFromSection, QuirksSection
from config.place import Place

_PLAIN: Final = tuple(
    field.name
    for field in fields(Quirks)
    if field.name not in ("side", "callback_side", "host_from", "test_vars")
)


def build_quirks(own: QuirksSection | None, known: QuirksSection, place: Place) -> Quirks:
    """Return a provider's quirks with the operator's own over them, key by key.

    Raises ConfigError for a host that no credential may go to.
    """
    given = _given(known, place, is_known=True)
    if own is not None:
        given |= _given(own, place, is_known=False)
    return Quirks(**given)


def _given(section: QuirksSection, place: Place, *, is_known: bool) -> dict[str, Any]:
    given = {name: value for name in _PLAIN if (value := getattr(section, name)) not in ("", None)}
    given |= {
        name: tuple(value)
        for name in ("side", "callback_side")
        if (value := getattr(section, name))
    }
    if section.host_from:
        at = place.at("host_from", "hosts")
        given["host_from"] = _host_from(section.host_from, at, is_known=is_known)
    if section.test_vars:
        given["test_vars"] = tuple(section.test_vars.items())
    return given


def _host_from(section: HostFromSection, place: Place, *, is_known: bool) -> HostFrom:
    hosts = tuple(
        place.at(index).read(parse_pattern, text, "https", shared=is_known)
        for index, text in enumerate(section.hosts)
    )
    return HostFrom(section.field, hosts)
