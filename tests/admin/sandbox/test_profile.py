import json
from typing import get_args, get_type_hints

import pytest

from admin.commands.run import run
from admin.sandbox.places import CREDENTIALS
from admin.sandbox.profile import load_profile, profile_for, profile_names
from config.catalog.load import load_catalog
from config.connector import ConnectorType
from config.models import SandboxSection
from config.sandbox import parse_env_pattern


def test_the_names_are_those_that_configuration_and_command_line_take() -> None:
    hint = get_type_hints(SandboxSection)["profile"]
    assert sorted(get_args(get_args(hint)[0])) == profile_names()
    option = next(param for param in run.params if param.name == "profile")
    assert sorted(option.type.choices) == profile_names()  # type: ignore[attr-defined]


@pytest.mark.parametrize("name", profile_names())
def test_each_opens_parts_of_the_home_by_name_and_no_credentials(name: str) -> None:
    profile = load_profile(name)
    for text in (*profile.read, *profile.write):
        assert text.startswith("~/")
        assert text.removeprefix("~/") not in CREDENTIALS
    for pattern in profile.env:
        assert parse_env_pattern(pattern) == pattern
        assert "KEY" not in pattern
        assert "TOKEN" not in pattern or pattern.endswith("TOKENS")


@pytest.mark.parametrize("name", profile_names())
def test_nothing_that_a_program_starts_is_written(name: str) -> None:
    for text in load_profile(name).write:
        assert not any(word in text for word in ("settings", "hooks", "config", "plugins"))


@pytest.mark.parametrize("name", profile_names())
def test_what_is_made_is_an_object_of_the_home_folder(name: str) -> None:
    for file in load_profile(name).made:
        assert file.path.startswith("~/")
        assert isinstance(json.loads(file.text), dict)


@pytest.mark.parametrize(
    ("name", "provider", "variable", "shown"),
    [
        ("claude-code", "anthropic", "ANTHROPIC_API_KEY", slice(-20, None)),
        ("codex", "openai", "OPENAI_API_KEY", slice(None)),
    ],
)
def test_a_program_is_told_of_the_placeholder_that_it_gets(
    name: str, provider: str, variable: str, shown: slice
) -> None:
    placeholder = load_catalog().provider(provider).form(ConnectorType.API_KEY).env[variable]
    [file] = load_profile(name).made
    assert f'"{placeholder[shown]}"' in file.text


def test_a_profiles_arguments_go_to_its_own_programs_alone() -> None:
    profile = load_profile("codex")
    own = list(profile.arguments)
    assert own
    assert profile.words(["/opt/codex", "exec", "x"]) == ["/opt/codex", *own, "exec", "x"]
    assert profile.words(["sh", "-c", "codex"]) == ["sh", "-c", "codex"]


@pytest.mark.parametrize(
    ("command", "name", "expected"),
    [
        ("claude", "", "claude-code"),
        ("/opt/x/bin/codex", "", "codex"),
        ("python", "", "script"),
        ("claude", "script", "script"),
    ],
)
def test_the_one_that_is_named_counts_else_the_one_that_fits(
    command: str, name: str, expected: str
) -> None:
    assert profile_for(command, name).name == expected
