"""Placing a credential: what the agent sent in its places goes, then exactly one value comes.

The fields have been cleaned before (`headers.clean_request`); nothing is removed afterwards.
"""

import base64
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import quote

from config.connector import (
    BasicPlacement,
    Connector,
    HeaderPlacement,
    PathPlacement,
    QueryPlacement,
)
from config.errors import KeyhatchError
from proxy.wire.fields import Fields, folded, has, without
from proxy.wire.target import prefix_segment, set_parameters

_AUTHORIZATION: Final = b"authorization"
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")
# What may stand in a path segment as it is (pchar, RFC 3986, 3.3), beyond letters and digits.
_SEGMENT_SAFE: Final = "-._~!$&'()*+,;=:@"


class UnfitSecretError(KeyhatchError):
    """A stored value cannot be written in the place that the connector declares."""


@dataclass(frozen=True, slots=True)
class Placed:
    """A request head with its credential, and every secret-bearing text in it (for scrubbing).

    The repr shows nothing of it.
    """

    target: str = field(repr=False)
    fields: Fields = field(repr=False)
    rendered: tuple[str, ...] = field(repr=False)


def place(connector: Connector, values: Mapping[str, str], target: str, fields: Fields) -> Placed:
    """Return the head with the connector's credential in its places.

    `values` has one text per slot. `target` is origin-form, or `*` where no placement is in the
    path or query. `Authorization` and what the connector's strip lists name are removed whatever
    the placement (unless the connector keeps it); default headers are added where absent. Raises UnfitSecretError for a value
    that the place cannot carry, TargetError for a target that cannot carry the credential, and
    KeyError for a slot without value.
    """
    require_fit(values)
    headers = dict(_headers(connector, values))
    parameters = dict(_parameters(connector, values))
    segments = list(_segments(connector, values))

    target = set_parameters(target, parameters, connector.strip_query)
    for template, segment in segments:
        target = prefix_segment(target, template, segment)
    return Placed(
        target,
        _set_headers(connector, headers, fields),
        _rendered(values, headers, (*parameters.values(), *(text for _, text in segments))),
    )


def require_fit(values: Mapping[str, str]) -> None:
    """Raise UnfitSecretError for an empty value or one with a control character, CR, LF or NUL."""
    for slot, value in values.items():
        if not value or _CONTROL.search(value):
            raise UnfitSecretError(
                f"the stored {slot} is empty or has a line break or control character",
                hint="store it again with `keyhatch connector set NAME --secret-stdin`",
            )


def _headers(connector: Connector, values: Mapping[str, str]) -> Iterator[tuple[bytes, str]]:
    for placement in connector.placements:
        match placement:
            case HeaderPlacement(name=name, template=template):
                yield name.encode("ascii"), _field_value(template.render(values))
            case BasicPlacement():
                yield _AUTHORIZATION, "Basic " + _basic(placement, values)


def _field_value(text: str) -> str:
    """Return a text that a field can carry; a field is trimmed on its way (RFC 9110, 5.5)."""
    if not text.isascii() or text != text.strip(" "):
        raise UnfitSecretError(
            "the stored secret has a character or an outer space that no header can carry",
            hint="store it again with `keyhatch connector set NAME --secret-stdin`",
        )
    return text


def _basic(placement: BasicPlacement, values: Mapping[str, str]) -> str:
    """Return `user:password` in base64, in UTF-8 (RFC 7617, 2 and 2.1)."""
    username = placement.username.render(values)
    if ":" in username:
        raise UnfitSecretError(
            "the user name for basic authentication has a colon",
            hint="only the password may have one (RFC 7617, 2)",
        )
    pair = f"{username}:{placement.password.render(values)}"
    return base64.b64encode(pair.encode()).decode("ascii")


def _parameters(connector: Connector, values: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for placement in connector.placements:
        if isinstance(placement, QueryPlacement):
            yield placement.name, quote(placement.template.render(values), safe="")


def _segments(connector: Connector, values: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for placement in connector.placements:
        if isinstance(placement, PathPlacement):
            escaped = {slot: quote(value, safe=_SEGMENT_SAFE) for slot, value in values.items()}
            yield placement.segment.text, placement.segment.render(escaped)


def _set_headers(connector: Connector, placed: Mapping[bytes, str], fields: Fields) -> Fields:
    stripped = {*map(folded, placed)}
    if "authorization" not in connector.hygiene.headers:
        stripped.add(_AUTHORIZATION)
    stripped.update(folded(name.encode("ascii")) for name in connector.strip_headers)
    kept = without(fields, stripped)
    defaults = [(name.encode("ascii"), value.encode("ascii")) for name, value in connector.headers]
    added = tuple(
        (name, value)
        for name, value in defaults
        if folded(name) not in placed and not has(kept, name.lower())
    )
    return (*kept, *added, *((name, text.encode("ascii")) for name, text in placed.items()))


def _rendered(
    values: Mapping[str, str], headers: Mapping[bytes, str], in_target: tuple[str, ...]
) -> tuple[str, ...]:
    """Return what must not come back: each value alone, and as it was written, scheme on and off."""
    texts = dict.fromkeys(values.values())
    for text in headers.values():
        texts[text.partition(" ")[2] or text] = None
        texts[text] = None
    texts.update(dict.fromkeys(in_target))
    return tuple(texts)
