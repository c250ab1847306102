"""Sections: the mappings of a file, declared as classes with annotated attributes.

The declarations become a schema of pydantic-core, the validator inside pydantic. pydantic itself
takes 0.1 s to import and to build such models, half of what `keyhatch connector list` may take.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from enum import Enum, StrEnum
from functools import cache
from types import NoneType, UnionType
from typing import (
    Annotated,
    Any,
    Final,
    Literal,
    NamedTuple,
    NoReturn,
    TypeAliasType,
    Union,
    get_args,
    get_origin,
    get_type_hints,
)

from pydantic_core import PydanticCustomError, SchemaValidator

UNKNOWN_KEY: Final = "unknown_key"  # our error type; its context has `key` and `choices`
NO_CHOICE: Final = "no_choice"
SWITCHES: Final = {"on": True, "yes": True, "off": False, "no": False}

type CoreSchema = dict[str, Any]


class Nothing(Mapping[str, Any]):
    """The mapping without content; hashable, so that pydantic-core does not copy it as a default."""

    def __getitem__(self, key: str) -> NoReturn:
        raise KeyError(key)

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0

    def __hash__(self) -> int:
        return 0


NOTHING: Final = Nothing()


class May(Enum):
    """What an annotation allows besides its type; a text beside it is the description."""

    BE_BLANK = "a text or list without content"
    STAND_ALONE = "a list of one, written as its item"
    BE_NOTHING = "a mapping without content, written as nothing"


class Choice(NamedTuple):
    """Which section a mapping is: by the value of a key, or by what a function makes of it."""

    by: str | Callable[[object], str | None]
    sections: Mapping[str, type["Section"] | type[str]]


class Section:
    """A mapping with known keys: nothing is converted, an attribute's value is its default.

    Texts and lists have content unless they may be blank.
    """

    __slots__ = (
        "__dict__",
        "__pydantic_extra__",
        "__pydantic_fields_set__",
        "__pydantic_private__",
    )


def validate[S: Section](section: type[S], value: object) -> S:
    """Return a value as a section. Raises pydantic_core.ValidationError."""
    validated: S = _validator(section).validate_python(value)  # type: ignore[arg-type]
    return validated


def core_schema(section: type[Section]) -> CoreSchema:
    """Return a section's schema in pydantic-core's form; `metadata` holds the descriptions."""
    hints = get_type_hints(section, include_extras=True)
    fields = {name: _field(section, name, hint) for name, hint in hints.items()}
    model = {
        "type": "model",
        "cls": section,
        "strict": False,
        "schema": {"type": "model-fields", "fields": fields, "extra_behavior": "forbid"},
    }
    return _before(_refuse_unknown(frozenset(fields)), model)


@cache
def _validator(section: Any) -> SchemaValidator:
    return SchemaValidator(core_schema(section))


def _field(section: type[Section], name: str, hint: Any) -> CoreSchema:
    schema = _schema(hint)
    text = next((mark for mark in _marks(hint) if isinstance(mark, str)), None)
    if hasattr(section, name):
        schema = {"type": "default", "schema": schema, "default": getattr(section, name)}
    return {"type": "model-field", "schema": schema, "metadata": {"description": text}}


def _schema(hint: Any) -> CoreSchema:
    bare = get_args(hint)[0] if get_origin(hint) is Annotated else hint
    marks = _marks(hint)
    choice = next((mark for mark in marks if isinstance(mark, Choice)), None)
    schema = _tagged(choice) if choice else _plain(bare, blank=May.BE_BLANK in marks)
    if May.STAND_ALONE in marks:
        return _before(_as_list, schema, may=May.STAND_ALONE)
    if May.BE_NOTHING in marks:
        return _before(_as_mapping, schema, may=May.BE_NOTHING)
    return schema


def _plain(hint: Any, *, blank: bool) -> CoreSchema:
    hint = _present(hint)
    origin, arguments = get_origin(hint), get_args(hint)
    length = {"strict": True, "min_length": 0 if blank else 1}
    if hint is str:
        return {"type": "str", **length}
    if origin is Sequence:
        return {"type": "list", "items_schema": _schema(arguments[0]), **length}
    if origin is Mapping:
        return {"type": "dict", "strict": True, "values_schema": _schema(arguments[1])}
    if origin is Literal:
        return {"type": "literal", "expected": list(arguments)}
    return _one(hint)


def _one(hint: Any) -> CoreSchema:
    if hint is bool:
        return _before(_as_switch, {"type": "bool", "strict": True})
    if hint is int:
        return {"type": "int", "strict": True, "ge": 1}
    if issubclass(hint, StrEnum):
        return {"type": "enum", "cls": hint, "members": list(hint)}
    return core_schema(hint)


def _present(hint: Any) -> Any:
    """Return what `X | None` or a named type stands for when it is there."""
    if get_origin(hint) in (Union, UnionType):
        [hint] = [member for member in get_args(hint) if member is not NoneType]
    return hint.__value__ if isinstance(hint, TypeAliasType) else hint


def _tagged(choice: Choice) -> CoreSchema:
    union = {
        "type": "tagged-union",
        "discriminator": choice.by,
        "choices": {tag: _plain(section, blank=False) for tag, section in choice.sections.items()},
    }
    if callable(choice.by):
        union |= {"custom_error_type": NO_CHOICE, "custom_error_message": NO_CHOICE}
    return union


def _before(
    function: Callable[[object], object], schema: CoreSchema, *, may: May | None = None
) -> CoreSchema:
    return {
        "type": "function-before",
        "function": {"type": "no-info", "function": function},
        "schema": schema,
        "metadata": {"may": may},
    }


def _refuse_unknown(keys: frozenset[str]) -> Callable[[object], object]:
    def check(value: object) -> object:
        if isinstance(value, dict) and not value.keys() <= keys:
            key = next(key for key in value if key not in keys)
            context = {"key": key, "choices": sorted(keys)}
            raise PydanticCustomError(UNKNOWN_KEY, UNKNOWN_KEY, context)
        return value

    return check


def _as_switch(value: object) -> object:
    return SWITCHES.get(value, value) if isinstance(value, str) else value


def _as_list(value: object) -> object:
    return value if isinstance(value, list) else [value]


def _as_mapping(value: object) -> object:
    return {} if value is None else value


def _marks(hint: Any) -> tuple[object, ...]:
    return get_args(hint)[1:] if get_origin(hint) is Annotated else ()
