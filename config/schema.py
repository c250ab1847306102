"""The JSON Schema of connectors.yaml, for editors and for `keyhatch config schema`."""

import json
from typing import Any, Final

from config.files import write_private
from config.home import Home
from config.models import FileSection
from config.section import SWITCHES, CoreSchema, May, Section, core_schema

SCHEMA_FILE: Final = "connectors.schema.json"

type JsonSchema = dict[str, Any]


def json_schema() -> JsonSchema:
    """Return the schema in JSON Schema 2020-12; it knows shapes, not what a text means."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "connectors.yaml of Keyhatch",
        **_schema(core_schema(FileSection)),
    }


def write_schema(home: Home) -> None:
    """Write the schema beside connectors.yaml, where its first line names it."""
    write_private(home.root / SCHEMA_FILE, json.dumps(json_schema(), indent=2).encode() + b"\n")


def section_schema(section: type[Section]) -> JsonSchema:
    """Return the schema of one kind of mapping in the file."""
    return _schema(core_schema(section))


def _schema(core: CoreSchema) -> JsonSchema:  # noqa: C901, PLR0911 - one for each kind
    match core["type"]:
        case "str":
            return {"type": "string", **({"minLength": 1} if core["min_length"] else {})}
        case "literal":
            return {"enum": core["expected"]}
        case "enum":
            return {"enum": [member.value for member in core["members"]]}
        case "int":
            return {"type": "integer", "minimum": core["ge"]}
        case "list":
            items = _schema(core["items_schema"])
            return {"type": "array", "items": items, "minItems": core["min_length"]}
        case "dict":
            return {"type": "object", "additionalProperties": _schema(core["values_schema"])}
        case "tagged-union":
            return {"anyOf": [_schema(member) for member in core["choices"].values()]}
        case "function-before":
            return _allowing(core["metadata"]["may"], core["schema"])
        case "default":
            return _schema(core["schema"])
        case "bool":
            return {"enum": [True, False, *SWITCHES]}
    return _object(core["schema"]["fields"])


def _allowing(may: May | None, core: CoreSchema) -> JsonSchema:
    schema = _schema(core)
    if may is May.STAND_ALONE:
        return {"anyOf": [schema["items"], schema]}
    if may is May.BE_NOTHING:
        return {"anyOf": [schema, {"type": "null"}]}
    return schema


def _object(fields: dict[str, CoreSchema]) -> JsonSchema:
    return {
        "type": "object",
        "properties": {name: _field(field) for name, field in fields.items()},
        "required": [
            name for name, field in fields.items() if field["schema"]["type"] != "default"
        ],
        "additionalProperties": False,
    }


def _field(field: CoreSchema) -> JsonSchema:
    schema, description = _schema(field["schema"]), field["metadata"]["description"]
    return {"description": description, **schema} if description else schema
