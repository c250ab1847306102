"""The JSON Schema says what the loader says."""

import json
from dataclasses import fields
from pathlib import Path
from textwrap import indent
from typing import Any

import jsonschema
import pytest

from config.edit import initial_text
from config.home import Home
from config.marks import parse_yaml
from config.oauth import Assertion, Grant, OAuthClient, Quirks, Revocation
from config.schema import SCHEMA_FILE, json_schema, write_schema
from tests.support.config_texts import DESIGN_EXAMPLE, EVERY_OAUTH_KEY

VALIDATOR = jsonschema.Draft202012Validator(json_schema())


def errors(text: str) -> list[Any]:
    return list(VALIDATOR.iter_errors(parse_yaml(text, source="f").value))


def test_it_is_a_valid_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(json_schema())


@pytest.mark.parametrize(
    "text",
    [
        DESIGN_EXAMPLE,
        initial_text(),
        "version: 1\nconnectors: {a: {type: api_key, hosts: [x], scrub: off, enabled: true}}",
        "version: 1\nconnectors: {a: {type: api_key, placement: [{query: q}, {basic: 'a:{b}'}]}}",
        f"version: 1\nconnectors:\n  a:\n{indent(EVERY_OAUTH_KEY, '    ')}",
        "version: 1\nconnectors: {a: {type: intercom, client_id: x, redirect_port: 1}}",
        "version: 1\nagents: {a: , b: {connectors: []}}",
    ],
)
def test_what_loads_fits(text: str) -> None:
    assert errors(text) == []


@pytest.mark.parametrize(
    "text",
    [
        "{}",
        "version: 2",
        "version: 1\nx: 1",
        "version: 1\nconnectors: {a: {type: no}}",
        "version: 1\nconnectors: {a: {type: api_key, hots: [x]}}",
        "version: 1\nconnectors: {a: {type: api_key, name: 12}}",
        "version: 1\nconnectors: {a: {type: api_key, hosts: []}}",
        "version: 1\nconnectors: {a: {type: api_key, allow: }}",
        "version: 1\nconnectors: {a: {type: api_key, placement: {heder: x}}}",
        "version: 1\nconnectors: {a: {type: api_key, scrub: maybe}}",
        "version: 1\nconnectors: {a: {type: api_key, client_id: x}}",
        "version: 1\nconnectors: {a: {type: intercom, grant: device_code}}",
        "version: 1\nconnectors: {a: {type: oauth, grant: password}}",
        "version: 1\nconnectors: {a: {type: oauth, client_auth: basc}}",
        "version: 1\nconnectors: {a: {type: oauth, redirect_port: '1'}}",
        "version: 1\nconnectors: {a: {type: oauth, redirect_port: 0}}",
        "version: 1\nconnectors: {a: {type: oauth, pkce: maybe}}",
        "version: 1\nconnectors: {a: {type: oauth, assertion: {algorithm: none}}}",
        "version: 1\nconnectors: {a: {type: oauth, quirks: {expires_unit: days}}}",
        "version: 1\nconnectors: {a: {type: oauth, revocation: {style: bearer}}}",
    ],
)
def test_what_has_another_shape_does_not_fit(text: str) -> None:
    assert errors(text)


def test_an_editor_knows_every_key_of_a_client() -> None:
    keys = json_schema()["properties"]["connectors"]["anyOf"][0]["additionalProperties"]["anyOf"]
    oauth = next(keys["properties"] for keys in keys if "client_auth" in keys["properties"])
    assert {field.name for field in fields(OAuthClient)} <= oauth.keys()
    assert {field.name for field in fields(Quirks)} == oauth["quirks"]["properties"].keys()
    assert {field.name for field in fields(Assertion)} == oauth["assertion"]["properties"].keys()
    assert {field.name for field in fields(Revocation)} == oauth["revocation"]["properties"].keys()
    assert oauth["grant"] == {"enum": list(Grant)}


def test_keys_have_descriptions_for_an_editor_to_show() -> None:
    assert json_schema()["properties"]["settings"]["anyOf"][0]["properties"]["listen"][
        "description"
    ]


def test_it_is_written_beside_the_file(tmp_path: Path) -> None:
    write_schema(Home(tmp_path))
    assert json.loads((tmp_path / SCHEMA_FILE).read_text()) == json_schema()
    assert f"$schema=./{SCHEMA_FILE}" in initial_text().splitlines()[0]
