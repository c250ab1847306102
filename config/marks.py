"""YAML to plain values, each with its place in the text.

A narrow reading of YAML 1.2's core schema: one document, string keys, each once, no aliases, no
merge keys, no other tags. What a person sees in the file is what is read. Built on the parser's
events, so nothing is composed or constructed before it is checked.
"""

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any, Final

import yaml

from config.document import NO_CHILDREN, NO_KEYS, Document, Node, Source
from config.errors import ConfigError

MAX_TEXT: Final = 8 * 1024 * 1024  # characters; 10,000 connectors take about 1.5 million
MAX_DEPTH: Final = 16  # the deepest valid path has 7 steps
LOADER: Final[Any] = getattr(yaml, "CLoader", yaml.Loader)

type Event = Any  # PyYAML's, whose stubs leave out the attributes of its subclasses

# Control characters, the line breaks that only YAML 1.1 knows, surrogates, and the bidirectional
# controls that make a line read otherwise than it is.
_UNFIT = re.compile(
    r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069"
    r"\ud800-\udfff\ufeff\ufffe\uffff]"
)
_CORE = "tag:yaml.org,2002:"
_NULL = re.compile(r"|~|null|Null|NULL")
_TRUE = re.compile(r"true|True|TRUE")
_FALSE = re.compile(r"false|False|FALSE")
_INT = re.compile(r"[-+]?[0-9]{1,18}")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_COULD_BE_OTHER = frozenset("~nNtTfF+-.0123456789")


def parse_yaml(text: str, *, source: str, loader: Any = LOADER) -> Document:
    """Return the values of one YAML document. Raises ConfigError for whatever is not plain YAML."""
    origin = Source(source, text.removeprefix("\ufeff"))
    _require_plain_text(origin)
    try:
        # Without `yaml.parse`, which asks for each event twice. The reader stops before there is None.
        value, root = _Reader(origin, iter(loader(origin.text).get_event, None)).document()
    except yaml.MarkedYAMLError as error:
        raise _syntax_error(origin, error) from None
    return Document(origin, value, root)


def decode_text(content: bytes, *, source: str) -> str:
    """Return UTF-8 text. Raises ConfigError at the first byte that is not."""
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        before = content[: error.start].decode()
        raise Source(source, before).error(
            len(before), "the file is not UTF-8", hint="save it as UTF-8"
        ) from None


def _require_plain_text(source: Source) -> None:
    if len(source.text) > MAX_TEXT:
        raise source.error(0, f"the file is larger than {MAX_TEXT // 1024 // 1024} MiB")
    unfit = _UNFIT.search(source.text)
    if unfit:
        raise source.error(
            unfit.start(),
            f"character U+{ord(unfit[0]):04X} may not stand in the file",
            hint="delete it; it does not show in most editors",
        )


def _syntax_error(source: Source, error: yaml.MarkedYAMLError) -> ConfigError:
    mark = error.problem_mark or error.context_mark
    problem = error.problem or error.context or "syntax error"
    offset = min(mark.index, len(source.text)) if mark else 0
    hint = f"{error.context}; " if error.context and error.problem else ""
    return source.error(
        offset,
        f"this is not valid YAML: {problem}",
        hint=f"{hint}check the indentation, the colons and the quotes",
    )


class _Reader:
    """Turns parser events into values and nodes."""

    def __init__(self, source: Source, events: Iterator[Event]) -> None:
        self._source = source
        self._events = events

    def document(self) -> tuple[Any, Node]:
        next(self._events)  # stream start
        event = next(self._events)
        if isinstance(event, yaml.StreamEndEvent):
            return None, Node(0, 0, False, NO_KEYS, NO_CHILDREN)
        read = self._value(next(self._events), 0)
        next(self._events)  # document end
        event = next(self._events)
        if not isinstance(event, yaml.StreamEndEvent):
            raise self._error(event, "a second document starts here", "keep one document in a file")
        return read

    def _value(self, event: Event, depth: int) -> tuple[Any, Node]:
        if event.anchor is not None:  # an alias has one as well
            raise self._error(event, "anchors and aliases are not read here", "write the value out")
        if isinstance(event, yaml.ScalarEvent):
            return self._scalar(event), _spanned(event)
        if depth == MAX_DEPTH:
            raise self._error(event, f"nested deeper than {MAX_DEPTH} levels")
        if isinstance(event, yaml.SequenceStartEvent):
            self._require_tag(event, "seq")
            return self._sequence(event, depth)
        self._require_tag(event, "map")
        return self._mapping(event, depth)

    def _sequence(self, start: Event, depth: int) -> tuple[list[Any], Node]:
        values: list[Any] = []
        node = _opened(start)
        while not isinstance(event := next(self._events), yaml.SequenceEndEvent):
            value, child = self._value(event, depth + 1)
            node.children[len(values)] = child
            node.end = child.end
            values.append(value)
        return values, _closed(node, event)

    def _mapping(self, start: Event, depth: int) -> tuple[dict[str, Any], Node]:
        values: dict[str, Any] = {}
        node = _opened(start)
        while not isinstance(event := next(self._events), yaml.MappingEndEvent):
            key = self._key(event, values)
            values[key], child = self._value(next(self._events), depth + 1)
            node.keys[key] = _spanned(event)
            node.children[key] = child
            node.end = child.end
        return values, _closed(node, event)

    def _key(self, event: Event, seen: dict[str, Any]) -> str:
        if event.anchor is not None:
            raise self._error(event, "anchors and aliases are not read here", "write the key out")
        if not isinstance(event, yaml.ScalarEvent):
            raise self._error(event, "a key is a list or a mapping", "use text as the key")
        key = self._scalar(event)
        if not isinstance(key, str):
            raise self._error(event, f"key {event.value!r} is not text", "put it in quotes")
        if key == "<<":
            raise self._error(event, "merge keys are not read here", "write the keys out")
        if key in seen:
            raise self._error(event, f"key {key!r} stands twice", "keep one of the two")
        return key

    def _scalar(self, event: Event) -> Any:
        plain, text = event.implicit[0], event.value
        if event.tag is None:
            return _resolve(text) if plain else text
        value = _resolve(text)
        names = {str: "str", bool: "bool", int: "int", float: "float", type(None): "null"}
        if event.tag in ("!", _CORE + "str"):
            return text
        self._require_tag(event, names[type(value)])
        return value

    def _require_tag(self, event: Event, name: str) -> None:
        if event.tag not in (None, "!", _CORE + name):
            raise self._error(
                event, f"tag {event.tag!r} is not read here", "write the value without a tag"
            )

    def _error(self, event: Event, message: str, hint: str = "") -> ConfigError:
        return self._source.error(event.start_mark.index, message, hint=hint)


def _spanned(event: Event) -> Node:
    return Node(event.start_mark.index, event.end_mark.index, False, NO_KEYS, NO_CHILDREN)


def _opened(start: Event) -> Node:
    return Node(start.start_mark.index, start.end_mark.index, bool(start.flow_style), {}, {})


def _closed(node: Node, end: Event) -> Node:
    if node.flow:
        node.end = end.end_mark.index
    return node


@lru_cache(maxsize=1024)  # the keys come again and again
def _resolve(text: str) -> Any:
    """Return what a plain scalar means in YAML 1.2's core schema (10.3.2), octal and hex left out."""
    if text and text[0] not in _COULD_BE_OTHER:
        return text
    if _NULL.fullmatch(text):
        return None
    if _TRUE.fullmatch(text):
        return True
    if _FALSE.fullmatch(text):
        return False
    if _INT.fullmatch(text):
        return int(text)
    return float(text) if _FLOAT.fullmatch(text) else text
