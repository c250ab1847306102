"""From a document to a section, or to the error that a person can act on."""

from collections.abc import Callable
from typing import Any

from pydantic_core import ErrorDetails, ValidationError

from config.document import Document, Path
from config.errors import ConfigError, Fault, UsageError
from config.models import CONNECTORS, PLACEMENTS, FileSection
from config.section import NO_CHOICE, UNKNOWN_KEY, Section, validate
from config.suggest import did_you_mean

type Message = tuple[str, str]


def read_section[S: Section](section: type[S], document: Document) -> S:
    """Return the document as a section.

    Raises ConfigError for the offending node that stands first in the file; its hint counts the
    others.
    """
    try:
        return validate(section, document.value)
    except ValidationError as error:
        raise _first_error(document, error.errors(include_url=False)) from None


def require_entry(section: str, slug: str, entry: object) -> None:
    """Raise UsageError, with every fault, for an entry that no section of the file can hold.

    `entry` are plain values, from wherever they come; only their shape is looked at.
    """
    value = {"version": 1, section: {slug: entry}}
    try:
        validate(FileSection, value)
    except ValidationError as error:
        faults = _faults(value, error.errors(include_url=False))
        raise UsageError(faults[0].message, hint=faults[0].hint, faults=faults) from None


def _faults(value: Any, details: list[ErrorDetails]) -> tuple[Fault, ...]:
    return tuple(Fault(_real(value, _path(detail)), *_explain(detail)) for detail in details)


def _real(value: Any, path: Path) -> Path:
    """Return a path without the tags of choices, which stand among its keys."""
    kept: list[str | int] = []
    for step in path[:-1]:
        inner = _inside(value, step)
        if inner is not None:
            kept.append(step)
            value = inner
    return (*kept, *path[-1:])


def _inside(value: Any, step: str | int) -> Any:
    if isinstance(value, dict):
        return value.get(step)
    known = isinstance(value, list) and isinstance(step, int) and step < len(value)
    return value[step] if known else None


def _first_error(document: Document, details: list[ErrorDetails]) -> ConfigError:
    placed = [(document.offset(_path(detail), key=_at_key(detail)), detail) for detail in details]
    offset, first = min(placed, key=lambda pair: pair[0])
    message, hint = _explain(first)
    others = len({offset for offset, _ in placed}) - 1
    if others:
        more = f"{others} more place{'s' if others > 1 else ''} in the file need mending"
        hint = f"{hint}; {more}" if hint else more
    faults = _faults(document.value, [first, *(d for d in details if d is not first)])
    return document.source.error(offset, message, hint=hint, faults=faults)


def _path(detail: ErrorDetails) -> Path:
    if detail["type"] == UNKNOWN_KEY:
        return (*detail["loc"], detail["ctx"]["key"])
    if detail["type"] in ("union_tag_invalid", "union_tag_not_found"):
        return (*detail["loc"], "type")
    return detail["loc"]


def _at_key(detail: ErrorDetails) -> bool:
    """An unknown key is itself the culprit; a missing one is missed where its mapping is named."""
    return detail["type"] in (UNKNOWN_KEY, "missing", "union_tag_not_found")


def _explain(detail: ErrorDetails) -> Message:
    explain = _MESSAGES.get(detail["type"])
    if explain is not None:
        return explain(detail)
    return f"{_named(detail)}: {detail['msg'].lower().removesuffix('.')}", ""


def _unknown_key(detail: ErrorDetails) -> Message:
    key, choices = detail["ctx"]["key"], detail["ctx"]["choices"]
    return f"unknown key {key!r}", did_you_mean(key, choices, what="known keys")


def _missing(detail: ErrorDetails) -> Message:
    key = detail["loc"][-1]
    hint = "add `version: 1` at the top" if key == "version" else f"add `{key}: …`"
    return f"key {key!r} is missing", hint


def _no_type(_: ErrorDetails) -> Message:
    return "key 'type' is missing", "add `type: api_key`, or oauth, or intercom"


def _unknown_type(detail: ErrorDetails) -> Message:
    tag = detail["ctx"]["tag"]
    return f"type {tag!r} is not known", did_you_mean(tag, CONNECTORS)


def _choice(detail: ErrorDetails) -> Message:
    if detail["loc"] == ("version",):
        return f"version {detail['input']!r} is not known", "this Keyhatch reads version 1"
    expected, given = detail["ctx"]["expected"], detail["input"]
    choices = [choice.strip("'") for choice in expected.replace(" or ", ", ").split(", ")]
    hint = did_you_mean(given, choices, what="choices") if isinstance(given, str) else ""
    return f"{_named(detail)}: expected {expected}, found {_described(given)}", hint


def _expected(what: str, hint: str = "") -> Callable[[ErrorDetails], Message]:
    def explain(detail: ErrorDetails) -> Message:
        if not detail["loc"] and detail["input"] is None:
            return "the file is empty", "start it with `version: 1`"
        return f"{_named(detail)}: expected {what}, found {_described(detail['input'])}", hint

    return explain


def _expected_text(detail: ErrorDetails) -> Message:
    given = detail["input"]
    scalar = isinstance(given, bool | int | float)
    hint = "put the value in quotes" if scalar else ""
    if scalar and _named(detail).endswith("_timeout'"):
        hint = "write it like 30s, 10m or 1h"
    return f"{_named(detail)}: expected text, found {_described(given)}", hint


def _empty(detail: ErrorDetails) -> Message:
    return f"{_named(detail)} is empty", "fill it in or leave the key out"


def _placement(detail: ErrorDetails) -> Message:
    given = detail["input"]
    hint = "write {header: X-Api-Key}, {query: key}, {basic: 'user:{secret}'} or {path: '/bot{secret}'}"
    if isinstance(given, dict) and len(given) == 1:
        hint = did_you_mean(next(iter(given)), PLACEMENTS, what="one of")
    return "a placement needs one of the keys header, query, basic, path", hint


_MESSAGES: dict[str, Callable[[ErrorDetails], Message]] = {
    UNKNOWN_KEY: _unknown_key,
    "missing": _missing,
    "union_tag_not_found": _no_type,
    "union_tag_invalid": _unknown_type,
    "literal_error": _choice,
    "enum": _choice,
    "int_type": _expected("a whole number"),
    "greater_than_equal": _expected("a number from 1"),
    "string_type": _expected_text,
    "bool_type": _expected("on or off"),
    "dict_type": _expected("a mapping", "write it as `key: value` lines"),
    "model_type": _expected("a mapping", "write it as `key: value` lines"),
    "model_attributes_type": _expected("a mapping", "write it as `key: value` lines"),
    "list_type": _expected("a list", "write it as [one, two]"),
    "string_too_short": _empty,
    "too_short": _empty,
    NO_CHOICE: _placement,
}


def _named(detail: ErrorDetails) -> str:
    # The tags of choices stand among the keys; they have a space, which no known key has.
    words = [step for step in detail["loc"] if isinstance(step, str) and " " not in step]
    return f"{words[-1]!r}" if words else "the file"


def _described(value: Any) -> str:
    match value:
        case None:
            return "nothing"
        case bool():
            return "on" if value else "off"
        case int() | float():
            return f"the number {value}"
        case str():
            return repr(value) if value else "an empty text"
        case list():
            return "a list"
        case _:
            return "a mapping"
