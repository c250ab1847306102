from pathlib import Path

import pytest

from admin.sandbox.machine import RealDisk
from admin.sandbox.shares import (
    Forbidden,
    Share,
    parse_share,
    require_distinct,
    resolve_folder,
    resolve_share,
)
from config.errors import NotFoundError, UsageError

DISK = RealDisk()


@pytest.fixture
def forbidden(tmp_path: Path) -> Forbidden:
    base = tmp_path.resolve()
    for name in ("home/.config/keyhatch/run", "home/project/sub", "venv/lib", "data"):
        (base / name).mkdir(parents=True)
    return Forbidden((base / "home",), base / "home/.config/keyhatch", (base / "venv",))


def refused(path: Path | str, forbidden: Forbidden, *, writable: bool = True) -> str:
    with pytest.raises(UsageError) as caught:
        resolve_share(Share(Path(path), writable), DISK, forbidden)
    assert caught.value.hint
    return str(caught.value)


class TestWords:
    @pytest.mark.parametrize(
        ("text", "path", "writable"),
        [
            ("data", "/base/data", True),
            ("data:ro", "/base/data", False),
            ("data:rw", "/base/data", True),
            ("/x/y:z", "/x/y:z", True),
            ("/x/y:z:ro", "/x/y:z", False),
            ("~/data:ro", "/home-of-mine/data", False),
            ("~", "/home-of-mine", True),
        ],
    )
    def test_a_path_and_whether_it_may_be_written(
        self, text: str, path: str, writable: bool
    ) -> None:
        found = parse_share(text, Path("/base"), Path("/home-of-mine"))
        assert found == Share(Path(path), writable)

    @pytest.mark.parametrize("text", ["", ":ro", "a\0b"])
    def test_no_path_is_a_mistake(self, text: str) -> None:
        with pytest.raises(UsageError):
            parse_share(text, Path("/base"), Path("/home-of-mine"))

    def test_the_last_word_on_a_path_counts(self) -> None:
        first, second = Share(Path("/a"), writable=True), Share(Path("/a"), writable=False)
        assert require_distinct([first, second]) == [second]


class TestWhatIsNotShared:
    def test_the_root(self, forbidden: Forbidden) -> None:
        assert "home folder lies in it" in refused("/", forbidden, writable=False)

    def test_the_home_folder_and_what_is_above_it(self, forbidden: Forbidden) -> None:
        home = forbidden.homes[0]
        assert "home folder" in refused(home, forbidden, writable=False)
        assert "home folder lies in it" in refused(home.parent, forbidden, writable=False)

    def test_keyhatch_itself(self, forbidden: Forbidden) -> None:
        ours = forbidden.keyhatch
        assert "own home" in refused(ours, forbidden, writable=False)
        assert "own home" in refused(ours / "run", forbidden, writable=False)
        assert "own home lies in it" in refused(ours.parent, forbidden)
        venv = forbidden.installation[0]
        assert "installed there" in refused(venv, forbidden)
        assert "installed there" in refused(venv / "lib", forbidden)

    def test_what_holds_it_may_be_read(self, forbidden: Forbidden) -> None:
        for place in (forbidden.keyhatch.parent, forbidden.installation[0]):
            share = Share(place, writable=False)
            assert resolve_share(share, DISK, forbidden) == share

    @pytest.mark.parametrize("path", ["/proc", "/proc/self", "/dev", "/sys", "/run"])
    def test_the_kernels_own_and_sockets(self, forbidden: Forbidden, path: str) -> None:
        assert "kernel" in refused(path, forbidden, writable=False)

    @pytest.mark.parametrize("path", ["/usr/share", "/etc"])
    def test_the_system_is_not_written(self, forbidden: Forbidden, path: str) -> None:
        assert "part of the system" in refused(path, forbidden)
        share = Share(Path(path), writable=False)
        assert resolve_share(share, DISK, forbidden) == share

    def test_all_of_the_temporary_files(self, tmp_path: Path) -> None:
        elsewhere = Forbidden((Path("/nobodys"),), tmp_path, ())
        assert "too much" in refused("/tmp", elsewhere, writable=False)

    def test_nothing_at_all(self, forbidden: Forbidden, tmp_path: Path) -> None:
        with pytest.raises(NotFoundError, match="no such file"):
            resolve_share(Share(tmp_path / "none", writable=True), DISK, forbidden)

    def test_a_link_is_what_it_leads_to(self, forbidden: Forbidden, tmp_path: Path) -> None:
        (tmp_path / "data/link").symlink_to(forbidden.homes[0])
        told = refused(tmp_path / "data/link", forbidden)
        assert "which is" in told
        assert "home folder" in told

    @pytest.mark.parametrize("named", ["data/link", "data/link/sub"])
    def test_a_link_that_a_command_could_have_planted(
        self, forbidden: Forbidden, tmp_path: Path, named: str
    ) -> None:
        (tmp_path / "elsewhere/sub").mkdir(parents=True)
        (tmp_path / "data/link").symlink_to(tmp_path / "elsewhere")
        with pytest.raises(UsageError, match="may have been planted") as caught:
            resolve_share(Share(tmp_path / named, writable=False), DISK, forbidden)
        assert str(tmp_path.resolve() / "elsewhere") in caught.value.hint

    def test_a_profile_goes_by_links_but_not_to_credentials(
        self, forbidden: Forbidden, tmp_path: Path
    ) -> None:
        home = forbidden.homes[0]
        (home / ".ssh").mkdir()
        (home / "good").symlink_to(tmp_path / "data")
        (home / "bad").symlink_to(home / ".ssh")
        good = resolve_share(Share(home / "good", False, "profile codex"), DISK, forbidden)
        assert good.path == (tmp_path / "data").resolve()
        with pytest.raises(UsageError, match="credentials"):
            resolve_share(Share(home / "bad", False, "profile codex"), DISK, forbidden)

    def test_a_link_of_the_systems_is_gone_by(self, forbidden: Forbidden) -> None:
        bin_folder = Path("/bin")
        found = resolve_share(Share(bin_folder, writable=False), DISK, forbidden)
        assert found.path == bin_folder.resolve()


class TestWorkingDirectory:
    def test_a_project_is_opened_for_writing(self, forbidden: Forbidden) -> None:
        project = forbidden.homes[0] / "project"
        assert resolve_folder(project, DISK, forbidden) == Share(project, writable=True)

    def test_the_home_folder_is_refused_with_the_next_step(self, forbidden: Forbidden) -> None:
        with pytest.raises(UsageError, match="working directory") as caught:
            resolve_folder(forbidden.homes[0], DISK, forbidden)
        assert "go to the folder of your project" in caught.value.hint

    def test_one_that_is_gone_is_refused(self, forbidden: Forbidden, tmp_path: Path) -> None:
        with pytest.raises(UsageError, match="it is gone"):
            resolve_folder(tmp_path / "none", DISK, forbidden)
