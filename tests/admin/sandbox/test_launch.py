"""What is made of a plan at the last moment."""

from pathlib import Path

import pytest

from admin.sandbox.launch import _is_needed
from admin.sandbox.mounts import Kind, Mount


@pytest.mark.parametrize("kind", [Kind.HIDDEN_FILE, Kind.HIDDEN_FOLDER])
def test_what_has_gone_since_it_was_planned_is_not_hidden(kind: Kind, tmp_path: Path) -> None:
    target = tmp_path / "private"
    assert not _is_needed(Mount(kind, target))
    target.symlink_to("nowhere")
    assert _is_needed(Mount(kind, target))


@pytest.mark.parametrize(
    "kind", sorted(set(Kind) - {Kind.HIDDEN_FILE, Kind.HIDDEN_FOLDER}, key=str)
)
def test_whatever_else_was_planned_is_made(kind: Kind, tmp_path: Path) -> None:
    assert _is_needed(Mount(kind, tmp_path / "new"))
