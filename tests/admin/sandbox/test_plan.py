"""Planning, against a file system that does not exist."""

import itertools
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from admin.sandbox.bubblewrap import wall_arguments
from admin.sandbox.facts import Machine
from admin.sandbox.mounts import Kind, Plan, is_open, with_made
from admin.sandbox.places import CREDENTIALS, PROJECTS_OWN
from admin.sandbox.plan import make_plan
from admin.sandbox.shares import Share
from tests.support.disks import FakeDisk

HOME = Path("/u/ada")
PROJECT = HOME / "project"
KEYHATCH = HOME / ".config/keyhatch"
MACHINE = {
    "/usr/bin/env": "file",
    "/usr/local/bin": "folder",
    "/bin": "-> usr/bin",
    "/etc/hosts": "file",
    "/etc/shadow": "closed",
    "/etc/ssh/host_key": "closed",
    "/proc/sys/kernel": "folder",
    "/proc/kcore": "file",
    "/srv/data/a": "file",
    f"{PROJECT}/main.py": "file",
    f"{KEYHATCH}/vault.db": "file",
    f"{HOME}/.ssh/id": "file",
    f"{HOME}/.config/gh/hosts.yml": "file",
    f"{HOME}/.local/bin/tool": f"-> {HOME}/apps/tool/bin/tool",
    f"{HOME}/apps/tool/bin/tool": "file",
    f"{HOME}/apps/tool/lib/code": "file",
    f"{HOME}/apps/tool/notes": "file",
}


def machine(*search: str, guarded: Sequence[Path] = ()) -> Machine:
    return Machine(
        homes=(HOME,),
        folder=PROJECT,
        search=tuple(map(Path, search)),
        guarded=(KEYHATCH, *guarded),
        python=Path("/usr/bin/python3"),
        prefix=Path("/usr"),
    )


def plan(
    *shares: Share,
    search: Sequence[str] = ("/usr/bin",),
    hidden: Sequence[str] = (),
    more: dict[str, str] | None = None,
    guarded: Sequence[Path] = (),
) -> Plan:
    disk = FakeDisk(MACHINE | (more or {}))
    project = Share(PROJECT, writable=True)
    found = machine(*search, guarded=guarded)
    return make_plan(found, disk, [project, *shares], list(map(Path, hidden)))


def kind_of(made: Plan, path: Path | str) -> Kind | None:
    return next((m.kind for m in reversed(made.mounts) if m.target == Path(path)), None)


def test_the_system_is_read_only_and_links_stay_links() -> None:
    made = plan()
    assert kind_of(made, "/usr") is Kind.READ
    assert kind_of(made, "/bin") is Kind.LINK


def test_what_is_not_for_every_user_is_hidden_in_the_systems_folders() -> None:
    made = plan()
    assert kind_of(made, "/etc/shadow") is Kind.HIDDEN_FILE
    assert kind_of(made, "/etc/ssh/host_key") is Kind.HIDDEN_FILE
    assert kind_of(made, "/etc/hosts") is None


def test_the_kernels_settings_are_read_only_after_its_processes_were_shown() -> None:
    order = [m.target for m in plan().mounts]
    assert order.index(Path("/proc")) < order.index(Path("/proc/sys"))
    assert kind_of(plan(), "/proc/sys") is Kind.READ
    assert kind_of(plan(), "/proc/kcore") is Kind.NO_FILE


def test_the_home_is_empty_but_for_the_project() -> None:
    made = plan()
    assert kind_of(made, HOME) is Kind.EMPTY
    assert is_open(made, PROJECT / "main.py")
    assert not is_open(made, HOME / ".ssh/id")
    assert not is_open(made, KEYHATCH / "vault.db")


class TestTools:
    def test_a_folder_of_programs_brings_its_installation_but_not_what_lies_beside(self) -> None:
        made = plan(search=["/usr/bin", f"{HOME}/apps/tool/bin"])
        assert is_open(made, HOME / "apps/tool/bin/tool")
        assert is_open(made, HOME / "apps/tool/lib/code")
        assert not is_open(made, HOME / "apps/tool/notes")

    def test_links_of_a_folder_of_programs_are_followed(self) -> None:
        made = plan(search=[f"{HOME}/.local/bin"])
        assert is_open(made, HOME / "apps/tool/bin/tool")
        assert is_open(made, HOME / "apps/tool/lib/code")

    def test_a_link_to_credentials_opens_none(self) -> None:
        more = {f"{HOME}/.local/bin/evil": f"-> {HOME}/.ssh/id"}
        made = plan(search=[f"{HOME}/.local/bin"], more=more)
        assert not is_open(made, HOME / ".ssh/id")

    def test_a_home_on_the_path_is_not_opened(self) -> None:
        assert not is_open(plan(search=[str(HOME), "/u"]), HOME / ".ssh/id")

    def test_what_is_shared_for_writing_is_not_covered_by_a_tool(self) -> None:
        share = Share(HOME / "apps/tool/lib", writable=True)
        made = plan(share, search=[f"{HOME}/apps/tool/bin"])
        assert kind_of(made, HOME / "apps/tool/lib") is Kind.WRITE


class TestShares:
    def test_one_inside_of_another_has_its_own_way(self) -> None:
        inner, outer = Share(PROJECT / "main.py", writable=False), Share(Path("/srv"), True)
        order = [m.target for m in plan(inner, outer).mounts]
        assert order.index(PROJECT) < order.index(PROJECT / "main.py")

    def test_credentials_below_a_shared_folder_are_hidden(self) -> None:
        made = plan(Share(HOME / ".config", writable=False))
        assert kind_of(made, HOME / ".config/gh") is Kind.HIDDEN_FOLDER
        assert kind_of(made, KEYHATCH) is Kind.HIDDEN_FOLDER

    def test_credentials_that_are_shared_by_name_are_open(self) -> None:
        made = plan(Share(HOME / ".config/gh", writable=False))
        assert is_open(made, HOME / ".config/gh/hosts.yml")

    def test_one_credential_that_is_shared_by_name_does_not_open_those_beside_it(self) -> None:
        more = {f"{PROJECT}/.aws/{name}": "file" for name in ("config", "credentials", "sso/token")}
        made = plan(Share(PROJECT / ".aws/config", writable=False), more=more)
        assert is_open(made, PROJECT / ".aws/config")
        assert not is_open(made, PROJECT / ".aws/credentials")
        made = plan(Share(PROJECT / ".aws/sso/token", writable=True), more=more)
        assert is_open(made, PROJECT / ".aws/sso/token")
        assert not is_open(made, PROJECT / ".aws/sso/other")

    def test_what_is_hidden_in_such_a_one_stays_hidden(self) -> None:
        more = {f"{PROJECT}/.aws/sso/a/{name}": "file" for name in ("token", "key")}
        share = Share(PROJECT / ".aws/sso", writable=True)
        made = plan(share, more=more, hidden=[f"{PROJECT}/.aws/sso/a/key"])
        assert is_open(made, PROJECT / ".aws/sso/a/token")
        assert not is_open(made, PROJECT / ".aws/sso/a/key")
        assert [m.kind for m in made.mounts if m.target == PROJECT / ".aws/sso/a"][-1] is Kind.FIXED

    def test_ours_are_hidden_whatever_is_shared(self) -> None:
        made = plan(Share(KEYHATCH.parent, writable=False), Share(KEYHATCH, writable=False))
        assert not is_open(made, KEYHATCH / "vault.db")

    def test_a_link_to_credentials_hides_where_it_leads(self) -> None:
        more = {f"{HOME}/.aws": "-> dotfiles/aws", f"{HOME}/dotfiles/aws/credentials": "file"}
        made = plan(Share(HOME / "dotfiles", writable=False), more=more)
        assert kind_of(made, HOME / "dotfiles/aws") is Kind.HIDDEN_FOLDER

    def test_other_agents_sockets_are_hidden(self) -> None:
        made = plan(more={f"{PROJECT}/agent.sock": "file"}, guarded=[PROJECT / "agent.sock"])
        assert kind_of(made, PROJECT / "agent.sock") is Kind.HIDDEN_FILE

    def test_hidden_wins_over_shared(self) -> None:
        made = plan(Share(Path("/srv"), writable=True), hidden=["/srv/data"])
        assert not is_open(made, Path("/srv/data/a"))


class TestWhatIsNotToBeMoved:
    """A folder that was moved away would take along what is closed in it, and be open next time."""

    def test_folders_around_what_is_hidden_in_a_writable_one_are_held(self) -> None:
        made = plan(more={f"{PROJECT}/a/b/key": "file"}, hidden=[f"{PROJECT}/a/b/key"])
        assert [kind_of(made, PROJECT / name) for name in ("a", "a/b")] == [Kind.FIXED] * 2
        assert is_open(made, PROJECT / "a/b/other")
        assert not is_open(made, PROJECT / "a/b/key")
        order = [m.target for m in made.mounts]
        names = ("", "a", "a/b", "a/b/key")
        assert [order.index(PROJECT / name) for name in names] == sorted(
            order.index(PROJECT / name) for name in names
        )

    def test_folders_around_what_is_only_to_be_read_are_held(self) -> None:
        made = plan(Share(PROJECT / "a/given", False), more={f"{PROJECT}/a/given/file": "file"})
        assert kind_of(made, PROJECT / "a") is Kind.FIXED
        assert kind_of(made, PROJECT / "a/given") is Kind.READ

    def test_what_is_only_to_be_read_anyway_needs_no_hold(self) -> None:
        made = plan(Share(HOME / ".config", False), hidden=[f"{HOME}/.config/gh/hosts.yml"])
        assert Kind.FIXED not in {m.kind for m in made.mounts}

    def test_a_writable_folder_in_another_needs_no_hold(self) -> None:
        made = plan(Share(PROJECT / "a/b", True), more={f"{PROJECT}/a/b/file": "file"})
        assert kind_of(made, PROJECT / "a") is None

    def test_what_lies_in_a_folder_that_is_only_to_be_read_is_held_by_it(self) -> None:
        made = plan(
            Share(PROJECT / "a/given", False),
            more={f"{PROJECT}/a/given/b/key": "file"},
            hidden=[f"{PROJECT}/a/given/b/key"],
        )
        assert kind_of(made, PROJECT / "a") is Kind.FIXED
        assert kind_of(made, PROJECT / "a/given/b") is None


paths = st.sampled_from([*(HOME / name for name in CREDENTIALS), Path("/srv"), HOME / "x"])


@settings(max_examples=30)
@given(
    st.lists(st.builds(Share, paths, st.booleans()), max_size=6),
    st.lists(st.sampled_from(["/usr/bin", f"{HOME}/.local/bin", str(HOME)]), max_size=3),
)
def test_credentials_are_open_only_where_they_were_shared_by_name(
    shares: list[Share], search: list[str]
) -> None:
    everything = {f"{HOME / name}/content": "file" for name in CREDENTIALS}
    disk = FakeDisk({**MACHINE, **everything, f"{HOME}/x/y": "file"})
    made = make_plan(machine(*search), disk, shares, ())
    for name in CREDENTIALS:
        secret = HOME / name / "content"
        asked = any(share.path in (secret, *secret.parents) for share in shares)
        assert asked or not is_open(made, secret)
    assert not is_open(made, KEYHATCH / "content")


def test_the_projects_own_files_stay_in_it() -> None:
    assert frozenset(CREDENTIALS) >= PROJECTS_OWN
    made = plan(more={f"{PROJECT}/.env": "file", f"{PROJECT}/.ssh/id": "file"})
    assert is_open(made, PROJECT / ".env")
    assert not is_open(made, PROJECT / ".ssh/id")


class TestArguments:
    def words(self, made: Plan, *, nesting_off: bool = True) -> list[str]:
        return wall_arguments(made, lambda _t: 7, lambda _p: 9, 5, nesting_off=nesting_off)

    def test_every_namespace_is_our_own_and_no_capability_is_kept(self) -> None:
        words = self.words(plan())
        for name in ("user", "pid", "ipc", "uts", "net"):
            assert f"--unshare-{name}" in words
        assert words[words.index("--cap-drop") + 1] == "ALL"
        assert {"--die-with-parent", "--disable-userns"} <= set(words)
        assert words[words.index("--seccomp") + 1] == "5"

    def test_a_kernel_that_does_not_shut_user_namespaces_is_not_asked_to(self) -> None:
        assert "--disable-userns" not in self.words(plan(), nesting_off=False)

    def test_a_path_that_was_named_is_bound_by_its_descriptor(self) -> None:
        words = self.words(plan())
        at = words.index(str(PROJECT))
        assert words[at - 2 : at] == ["--bind", "/proc/self/fd/9"]

    def test_what_is_hidden_comes_after_what_is_shared(self) -> None:
        words = self.words(plan(Share(HOME / ".config", writable=False)))
        assert words.index(str(HOME / ".config")) < words.index(str(HOME / ".config/gh"))

    @pytest.mark.parametrize("place", ["/", "/run"])
    def test_what_is_made_for_the_mounts_is_not_written(self, place: str) -> None:
        words = self.words(plan())
        assert ("--remount-ro", place) in list(itertools.pairwise(words))


class TestWhatACommandCouldHavePlanted:
    def test_a_folder_of_path_in_a_writable_folder_opens_nothing(self) -> None:
        more = {f"{PROJECT}/bin/tool": f"-> {HOME}/apps/tool", f"{PROJECT}/lib": f"-> {HOME}/.ssh"}
        made = plan(search=[f"{PROJECT}/bin"], more=more)
        assert not is_open(made, HOME / "apps/tool/notes")
        assert not is_open(made, HOME / ".ssh/id")

    def test_a_folder_of_path_elsewhere_is_opened_without_its_links(self) -> None:
        more = {
            "/srv/x/bin/tool": f"-> {HOME}/apps/tool/notes",
            "/srv/x/lib": f"-> {HOME}/apps",
            "/srv/x/pyvenv.cfg": "file",
        }
        made = plan(search=["/srv/x/bin"], more=more)
        assert is_open(made, Path("/srv/x/bin"))
        assert not is_open(made, HOME / "apps/tool/notes")

    def test_a_folder_of_path_that_is_a_link_is_not_opened(self) -> None:
        made = plan(search=["/srv/link"], more={"/srv/link": f"-> {HOME}/apps"})
        assert not is_open(made, HOME / "apps/tool/notes")


class TestMadeFiles:
    def test_they_lie_in_the_empty_home(self) -> None:
        path = HOME / ".tool/auth.json"
        assert with_made(plan(), {path: b"{}"}).mounts[-1].kind is Kind.MADE
        assert kind_of(with_made(plan(), {path: b"{}"}), path) is Kind.MADE

    @pytest.mark.parametrize("writable", [True, False])
    def test_none_is_made_in_what_is_shared(self, writable: bool) -> None:
        shared = plan(Share(HOME / ".tool", writable), more={f"{HOME}/.tool/x": "file"})
        assert with_made(shared, {HOME / ".tool/auth.json": b"{}"}) == shared

    def test_none_is_made_over_what_is_hidden(self) -> None:
        hiding = plan(Share(HOME / ".config", writable=True), more={f"{HOME}/.config/gh/x": "file"})
        assert with_made(hiding, {HOME / ".config/gh/hosts.yml": b"{}"}) == hiding

    def test_none_is_made_in_the_working_directory(self) -> None:
        assert with_made(plan(), {PROJECT / ".tool.json": b"{}"}) == plan()
