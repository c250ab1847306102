from collections.abc import Mapping

import pytest

from admin.sandbox.availability import (
    Fault,
    NoWallError,
    System,
    Wall,
    explain_failure,
    find_wall,
    require_wall,
)

APPARMOR = "/proc/sys/kernel/apparmor_restrict_unprivileged_userns"


def machine(
    *,
    platform: str = "linux",
    machine: str = "x86_64",
    program: str | None = "/usr/bin/bwrap",
    files: Mapping[str, str] | None = None,
    version: str = "bubblewrap 0.8.0",
    trial: tuple[int, str] = (0, ""),
) -> System:
    known = files or {}

    def read(path: str) -> str:
        if path not in known:
            raise FileNotFoundError(path)
        return known[path]

    def run(words: list[str]) -> tuple[int, str]:
        return (0, version) if "--version" in words else trial

    return System(platform, machine, lambda _name: program, read, run)


def fault(system: System) -> Fault:
    found = find_wall(system)
    assert isinstance(found, Fault)
    assert found.hint
    assert not found.what.endswith(".")
    return found


def test_a_machine_that_has_everything_has_a_wall() -> None:
    found = find_wall(machine())
    assert isinstance(found, Wall)
    assert found.program == "/usr/bin/bwrap"


@pytest.mark.parametrize("platform", ["darwin", "win32"])
def test_other_systems_are_told_what_to_do_instead(platform: str) -> None:
    found = fault(machine(platform=platform))
    assert "Linux only" in found.what
    assert "docs/isolation.md" in found.hint


def test_a_missing_program_is_named_by_its_package() -> None:
    found = fault(machine(program=None))
    assert "bwrap" in found.what
    assert "package bubblewrap" in found.hint


def test_a_processor_without_a_filter_is_named() -> None:
    assert "riscv64" in fault(machine(machine="riscv64")).what


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/proc/sys/kernel/unprivileged_userns_clone", "kernel.unprivileged_userns_clone"),
        ("/proc/sys/user/max_user_namespaces", "user.max_user_namespaces"),
        ("/proc/sys/user/max_net_namespaces", "user.max_net_namespaces"),
    ],
)
def test_a_setting_of_the_kernel_that_forbids_it_is_named(path: str, name: str) -> None:
    found = fault(machine(files={path: "0\n"}, trial=(1, "bwrap: No permissions")))
    assert f"{name} is 0" in found.what
    assert f"sysctl -w {name}=" in found.hint


def test_apparmors_restriction_is_named() -> None:
    found = fault(machine(files={APPARMOR: "1\n"}, trial=(1, "bwrap: setting up uid map")))
    assert "apparmor_restrict_unprivileged_userns" in found.what
    assert "profile" in found.hint


def test_a_setting_does_not_matter_where_the_wall_stands_all_the_same() -> None:
    assert isinstance(find_wall(machine(files={APPARMOR: "1\n"})), Wall)


def test_an_old_program_is_told_its_version() -> None:
    found = fault(machine(version="bubblewrap 0.4.1", trial=(1, "bwrap: Unknown option")))
    assert "0.4" in found.what
    assert "0.8" in found.what


def test_a_container_that_forbids_it_is_told_how_it_is_started() -> None:
    said = (
        "bwrap: No permissions to creating new namespace, likely because the kernel does not allow"
    )
    assert "container" in explain_failure(machine(), "bwrap", said).hint


def test_anything_else_is_told_in_bubblewraps_own_words() -> None:
    found = explain_failure(machine(), "bwrap", "bwrap: Can't find source path /x: No such file")
    assert "Can't find source path /x" in found.what


def test_a_command_is_refused_with_the_reason() -> None:
    with pytest.raises(NoWallError, match="the command was not started") as caught:
        require_wall(machine(program=None))
    assert "bubblewrap" in caught.value.hint
