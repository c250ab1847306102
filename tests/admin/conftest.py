from pathlib import Path

import pytest

from tests.support.command_line import CommandLine


@pytest.fixture
def bare(tmp_path: Path) -> CommandLine:
    """The command line on a folder that does not exist yet."""
    return CommandLine(tmp_path / "home")


@pytest.fixture
def keyhatch(bare: CommandLine) -> CommandLine:
    """The command line on a home that was just set up."""
    outcome = bare("init", "--key-source", "file")
    assert outcome.code == 0, outcome.err
    return bare
