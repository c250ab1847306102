from pathlib import Path

import pytest

from tests.support.command_line import CommandLine


def test_check_counts_what_it_found(keyhatch: CommandLine) -> None:
    outcome = keyhatch("config", "check")
    assert outcome.out == f"{keyhatch.home}/connectors.yaml is valid: 0 connectors, 0 agents\n"


def test_check_takes_another_file_and_needs_no_home(bare: CommandLine, tmp_path: Path) -> None:
    file = tmp_path / "other.yaml"
    file.write_text("version: 1\nconnectors:\n  x: {type: api_key, hosts: [x.example.com]}\n")
    assert bare("config", "check", str(file), "--json").json == {
        "path": str(file),
        "valid": True,
        "connectors": ["x"],
        "agents": [],
    }


@pytest.mark.parametrize(
    ("text", "error", "hint"),
    [
        ("version: 1\nsetings: {}\n", "2:1: unknown key 'setings'", "did you mean 'settings'?"),
        (
            "version: 1\nconnectors:\n  x: {type: api_key, provider: hubspto}\n",
            "3:32: provider 'hubspto' is not in the catalog",
            "did you mean 'hubspot'?",
        ),
        ("version: 1\nversion: 1\n", "2:1: key 'version' stands twice", "keep one of the two"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(
    bare: CommandLine, tmp_path: Path, text: str, error: str, hint: str
) -> None:
    file = tmp_path / "x.yaml"
    file.write_text(text)
    outcome = bare("config", "check", str(file))
    assert (outcome.code, outcome.error, outcome.hint) == (2, f"{file}:{error}", hint)


def test_a_file_that_is_not_there_is_an_error(bare: CommandLine, tmp_path: Path) -> None:
    outcome = bare("config", "check", str(tmp_path / "none.yaml"))
    assert outcome.code == 1
    assert outcome.hint


def test_the_schema_is_json(bare: CommandLine) -> None:
    assert "properties" in bare("config", "schema").json


def test_the_path_is_printed(bare: CommandLine) -> None:
    assert bare("config", "path").out == f"{bare.home}/connectors.yaml\n"
