import json
from pathlib import Path
from typing import Any

import pytest

from admin.sandbox.made import MadeFile, made_texts

HOME = Path("/u/ada")
FOLDER = Path("/u/ada/my.project")
KEEP = ("theme", "projects.{folder}.trusted")


def made(own: str | None, file: MadeFile, **given: str) -> Any:
    found = made_texts([file], HOME, FOLDER, given, {HOME / ".tool.json": own}.get)
    return {path: json.loads(text) for path, text in found.items()}.get(HOME / ".tool.json")


def tool(own: str | None) -> Any:
    return made(own, MadeFile("~/.tool.json", '{"begun": true}', KEEP))


def test_a_file_is_made_where_the_operator_has_none() -> None:
    assert tool(None) == {"begun": True}


def test_named_choices_of_the_operators_are_taken_over() -> None:
    own = {"theme": "light", "other": "x", "projects": {str(FOLDER): {"trusted": True, "y": 1}}}
    assert tool(json.dumps(own)) == {
        "begun": True,
        "theme": "light",
        "projects": {str(FOLDER): {"trusted": True}},
    }


def test_choices_for_other_folders_are_not() -> None:
    own = {"projects": {"/u/ada/other": {"trusted": True}}}
    assert tool(json.dumps(own)) == {"begun": True}


@pytest.mark.parametrize(
    "value",
    ["sk-ant-api03-" + "x" * 40, "two words", "", {"a": "b"}, ["a"], None, 12345678901234567890],
    ids=str,
)
def test_only_what_is_too_short_and_plain_for_a_credential_is(value: object) -> None:
    assert tool(json.dumps({"theme": value})) == {"begun": True}


@pytest.mark.parametrize("own", ["", "{", "[]", '"x"', "[" * 100_000, '{"projects": []}'])
def test_a_file_that_is_not_as_expected_is_as_none(own: str) -> None:
    assert tool(own) == {"begun": True}


def test_one_that_needs_a_placeholder_is_made_with_it_alone() -> None:
    file = MadeFile("~/.tool.json", "{}", needs="TOOL_KEY")
    assert made(None, file) is None
    assert made(None, file, TOOL_KEY="kh-placeholder") == {}
