"""What the disk is asked before a wall is built."""

from pathlib import Path

import pytest

from admin.sandbox.machine import RealDisk


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with a public file and a private one on each of three levels."""
    for level in ("a", "a/b", "a/b/c"):
        inside = tmp_path / level
        inside.mkdir(mode=0o755)
        inside.chmod(0o755)
        for name, mode in (("public", 0o644), ("private", 0o600)):
            (inside / name).write_text("x")
            (inside / name).chmod(mode)
    return tmp_path


def closed(folder: Path, depth: int) -> set[str]:
    found = RealDisk().not_public(folder, depth)
    return {str(path.relative_to(folder)) for path in found}


class TestWhatIsNotPublic:
    def test_is_found_to_the_depth_that_is_looked_into(self, folder: Path) -> None:
        assert closed(folder, 2) == {"a/private"}
        assert closed(folder, 4) == {"a/private", "a/b/private", "a/b/c/private"}

    def test_deeper_folders_are_looked_into_until_enough_was_seen(self, folder: Path) -> None:
        found = RealDisk().not_public(folder, 1, besides=100)
        assert [str(path.relative_to(folder)) for path in found] == [
            "a/private", "a/b/private", "a/b/c/private",
        ]  # fmt: skip
        found = RealDisk().not_public(folder, 1, besides=3)
        assert [str(path.relative_to(folder)) for path in found] == ["a/private"]

    def test_the_levels_that_are_asked_for_are_looked_into_however_much_they_have(
        self, folder: Path
    ) -> None:
        found = RealDisk().not_public(folder, 3, besides=1)
        assert {str(path.relative_to(folder)) for path in found} == {"a/private", "a/b/private"}

    def test_a_closed_folder_stands_for_all_that_is_in_it(self, folder: Path) -> None:
        (folder / "a/b").chmod(0o750)
        assert closed(folder, 4) == {"a/private", "a/b"}

    def test_a_folder_that_is_listed_and_not_entered_is_closed(self, folder: Path) -> None:
        (folder / "a/b").chmod(0o754)
        assert closed(folder, 4) == {"a/private", "a/b"}

    def test_a_link_is_not_followed(self, folder: Path) -> None:
        (folder / "link").symlink_to(folder / "a")
        (folder / "nowhere").symlink_to(folder / "none")
        assert closed(folder, 1) == set()

    def test_a_folder_that_is_not_there_has_nothing(self, folder: Path) -> None:
        assert closed(folder / "none", 3) == set()
