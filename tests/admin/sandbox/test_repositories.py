from collections.abc import Callable
from pathlib import Path

import pytest

from admin.sandbox.repositories import unseen_repository


def repository(place: Path) -> Path:
    (place / "objects").mkdir(parents=True)
    (place / "HEAD").write_text("ref: refs/heads/main\n")
    return place


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with a repository `whole`, whose worktree is `tree`."""
    own = repository(tmp_path / "whole/.git") / "worktrees/tree"
    own.mkdir(parents=True)
    (own / "commondir").write_text("../..\n")
    (tmp_path / "tree/deep").mkdir(parents=True)
    (tmp_path / "tree/.git").write_text(f"gitdir: {own}\n")
    (tmp_path / "whole/part").mkdir()
    return tmp_path


def sees(*places: Path) -> Callable[[Path], bool]:
    return lambda path: any(path.is_relative_to(place) for place in places)


def told(folder: Path, *places: Path, homes: tuple[Path, ...] = ()) -> str | None:
    return unseen_repository(folder, homes, sees(folder, *places))


def test_nothing_is_told_where_the_whole_repository_is_open(folder: Path) -> None:
    assert told(folder / "whole") is None
    assert told(folder / "whole/part", folder / "whole") is None
    assert told(folder / "tree", folder / "whole/.git") is None
    assert told(folder) is None


def test_a_part_of_one_needs_the_whole(folder: Path) -> None:
    assert f"add --share {folder}/whole" in str(told(folder / "whole/part"))


def test_a_worktree_needs_the_repository_that_it_is_of(folder: Path) -> None:
    assert str(told(folder / "tree")).endswith(f"add --share {folder}/whole/.git")
    deep = str(told(folder / "tree/deep"))
    assert deep.endswith(f"add --share {folder}/tree --share {folder}/whole/.git")


def test_a_place_that_is_no_repository_is_never_named(folder: Path) -> None:
    (folder / "secrets").mkdir()
    for said in ("gitdir: ../secrets\n", "gitdir: \n", "", "gitdir: ../none", "../whole/.git"):
        (folder / "tree/.git").write_text(said)
        assert told(folder / "tree") is None


def test_a_submodule_needs_its_own_repository(folder: Path) -> None:
    place = repository(folder / "whole/.git/modules/tree")
    (folder / "tree/.git").write_text("gitdir: ../whole/.git/modules/tree\n")
    assert str(told(folder / "tree")).endswith(f"add --share {place}")


def test_a_home_folder_under_git_is_not_asked_for(folder: Path) -> None:
    assert told(folder / "whole/part", homes=(folder / "whole",)) is None


def test_a_path_is_told_as_a_shell_takes_it(tmp_path: Path) -> None:
    repository(tmp_path / "two words/.git")
    (tmp_path / "two words/part").mkdir()
    assert str(told(tmp_path / "two words/part")).endswith(f"add --share '{tmp_path}/two words'")
