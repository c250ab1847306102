"""Read what an endpoint answered, as far as it can be read without doubt."""

import json
import math
import re
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import parse_qsl

MAX_ANSWER: Final = 1024 * 1024  # bytes; token answers are a few KiB, the largest with an id_token
MAX_TEXT: Final = 2048  # characters of a field that is kept or shown

_MAX_FIELDS: Final = 200
_DIGITS: Final = 18  # more than any time in milliseconds has
_NUMBER: Final = re.compile(rf"-?[0-9]{{1,{_DIGITS}}}(\.[0-9]{{1,{_DIGITS}}})?")

# Stands for what has no one meaning: NaN, 1e999, a key that is there twice with two values.
# It is no text, no number, no object, so whoever looks for one of those finds nothing.
_MEANINGLESS: Final = object()


def parse_json(body: bytes) -> Any:
    """Return the JSON value that a body is, or None where it is none or `null`; never raises.

    A byte order mark is passed over (RFC 8259, 8.1). Of what has no one meaning, such as NaN or
    a repeated key with two values, nothing can be read afterwards; the rest is kept, because a
    rotated refresh token beside it is the only one there is.
    """
    if len(body) > MAX_ANSWER:
        return None
    try:
        return json.loads(
            body.decode("utf-8-sig"),
            object_pairs_hook=_unambiguous,
            parse_constant=lambda _: _MEANINGLESS,
            parse_float=_finite,
            parse_int=_bounded,
        )
    except (ValueError, RecursionError):
        return None


def read_document(body: bytes, content_type: str) -> Mapping[str, Any] | None:
    """Return the fields of an answer in JSON or, if its type says so, form encoding; else None.

    Some services send form encoding whatever was asked for, and JSON under any type.
    """
    value = parse_json(body)
    if isinstance(value, dict):
        return value
    if content_type.partition(";")[0].strip().lower() == "application/x-www-form-urlencoded":
        return _parse_form(body)
    return None


def value_at(document: Any, path: str) -> Any:
    """Return what a dotted path leads to, or None; a number in the path counts in a list."""
    if isinstance(document, Mapping) and path in document:
        return document[path]
    value = document
    for step in path.split("."):
        value = _step(value, step)
    return value


def text_at(document: Any, path: str) -> str:
    """Return the text at a path, as `text_of` reads it; an empty path leads nowhere."""
    return text_of(value_at(document, path)) if path else ""


def text_of(value: Any) -> str:
    """Return a short printable text, or a whole number as text; an empty one for anything else."""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    fits = isinstance(value, str) and len(value) <= MAX_TEXT and value.isprintable()
    return value if fits else ""


def number_of(value: Any) -> float | None:
    """Return a number, or a text that is one; None for anything else."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return value
    if isinstance(value, str) and _NUMBER.fullmatch(value.strip()):
        return float(value.strip())
    return None


def _step(value: Any, step: str) -> Any:
    if isinstance(value, Mapping):
        return value.get(step)
    if isinstance(value, list) and step.isascii() and step.isdigit():
        return value[int(step)] if len(step) <= 3 and int(step) < len(value) else None  # noqa: PLR2004
    return None


def _parse_form(body: bytes) -> Mapping[str, Any] | None:
    if len(body) > MAX_ANSWER:
        return None
    try:
        pairs = parse_qsl(
            body.decode("utf-8-sig").strip(),
            keep_blank_values=True,
            strict_parsing=True,
            errors="strict",
            max_num_fields=_MAX_FIELDS,
        )
    except ValueError:
        return None
    return _unambiguous(list(pairs))


def _unambiguous(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    document: dict[str, Any] = {}
    for name, value in pairs:
        document[name] = value if _same(document.get(name, value), value) else _MEANINGLESS
    return document


def _same(one: Any, other: Any) -> bool:
    return type(one) is type(other) and bool(one == other)


def _finite(text: str) -> Any:
    number = float(text)
    return number if math.isfinite(number) else _MEANINGLESS


def _bounded(text: str) -> Any:
    return int(text) if len(text.removeprefix("-")) <= _DIGITS else _MEANINGLESS
