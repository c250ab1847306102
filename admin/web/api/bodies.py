"""Bodies whose shape is that of connectors.yaml: the same declarations say what may be in them."""

from collections.abc import Iterable
from typing import Annotated, Any

from fastapi import Body
from pydantic import WithJsonSchema

from admin.operations.agents import NO_POLICY
from config.errors import Fault, UsageError
from config.models import CONNECTORS, PolicySection
from config.schema import section_schema

type JsonSchema = dict[str, Any]


def new_connector_schema() -> JsonSchema:
    """Return what a new connector may say: a name, a type, the keys of that type, and secrets."""
    return {"title": "NewConnector", "anyOf": [_new(kind) for kind in CONNECTORS]}


def changes_schema() -> JsonSchema:
    """Return what may be changed of a connector, of whatever type; null takes a key out."""
    found: JsonSchema = {}
    for section in CONNECTORS.values():
        found |= _but(section_schema(section)["properties"], ("id", "type"))
    properties = {name: _or_null(schema) for name, schema in found.items()}
    return _object("ConnectorChanges", properties)


def policy_schema() -> JsonSchema:
    """Return what may narrow a grant."""
    return _object("Policy", section_schema(PolicySection)["properties"])


def require_plain(body: object) -> None:
    """Raise UsageError for a text that is no Unicode text (half of a surrogate pair), or for nesting
    without end.
    """
    try:
        for text in _texts(body):
            text.encode()
    except UnicodeEncodeError:
        raise UsageError("a text has half a character in it", hint="send it as UTF-8") from None
    except RecursionError:
        raise UsageError("the body is nested too deeply") from None


def take_text(body: dict[str, Any], key: str) -> str:
    """Take a text out of a body. Raises UsageError where there is none."""
    value = body.pop(key, None)
    if not isinstance(value, str):
        message = f"{key!r}: expected text" if value is not None else f"key {key!r} is missing"
        raise UsageError(message, faults=(Fault((key,), message),))
    return value


def take_secrets(body: dict[str, Any]) -> dict[str, str]:
    """Take the secrets out of a body; no text of them is part of an error."""
    given = body.pop("secrets", NO_POLICY)
    if not isinstance(given, dict) and given is not NO_POLICY:
        message = "'secrets': expected an object of texts by slot"
        raise UsageError(message, faults=(Fault(("secrets",), message),))
    for slot, text in given.items():
        if not isinstance(text, str):
            message = "expected text"
            raise UsageError(message, faults=(Fault(("secrets", slot), message),))
    return dict(given)


def _new(kind: str) -> JsonSchema:
    schema = section_schema(CONNECTORS[kind])
    secrets = {
        "type": "object",
        "additionalProperties": {"type": "string", "writeOnly": True},
        "description": "secrets by slot; they are stored and never told again",
    }
    properties = _but(schema["properties"], ("id",)) | {"secrets": secrets}
    return {**_object(kind, properties), "required": ["name", "type"]}


def _object(title: str, properties: JsonSchema) -> JsonSchema:
    return {
        "title": title,
        "type": "object",
        "properties": properties,
        "additionalProperties": False,
    }


def _but(properties: JsonSchema, keys: Iterable[str]) -> JsonSchema:
    return {name: schema for name, schema in properties.items() if name not in keys}


def _or_null(schema: JsonSchema) -> JsonSchema:
    return {"anyOf": [schema, {"type": "null"}]}


def _texts(value: object) -> Iterable[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield key
            yield from _texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)


NewConnector = Annotated[dict[str, Any], Body(), WithJsonSchema(new_connector_schema())]
ConnectorChanges = Annotated[dict[str, Any], Body(), WithJsonSchema(changes_schema())]
Policy = Annotated[dict[str, Any], Body(), WithJsonSchema(policy_schema())]
