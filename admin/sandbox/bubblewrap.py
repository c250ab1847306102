"""From a plan to the words that bubblewrap is started with (0.8 and newer)."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final, assert_never

from admin.sandbox.mounts import Kind, Mount, Plan

PROGRAM: Final = "bwrap"
_NAMESPACES: Final = (
    "--unshare-user", "--unshare-pid", "--unshare-ipc", "--unshare-uts", "--unshare-net",
    "--unshare-cgroup-try",
)  # fmt: skip
_NO_NESTING: Final = "--disable-userns"
_ANYBODYS: Final = frozenset({Path("/tmp"), Path("/var/tmp")})  # noqa: S108 - private ones

type AddText = Callable[[bytes], int]
type AddPath = Callable[[Path], int]


def wall_arguments(
    plan: Plan, add_text: AddText, add_path: AddPath, seccomp: int, *, nesting_off: bool
) -> list[str]:
    """Return bubblewrap's options for a plan.

    `add_text` and `add_path` return descriptors that it inherits: one to read a text from, one that
    stands for a path that a person named. `nesting_off` also shuts user namespaces for good, which
    some kernels do not grant; the filter refuses them in any case.
    """
    words = [*_NAMESPACES, "--die-with-parent", "--cap-drop", "ALL", "--seccomp", str(seccomp)]
    if nesting_off:
        words.append(_NO_NESTING)
    for mount in plan.mounts:
        words += _mount(mount, add_text, add_path)
    return [*words, "--remount-ro", "/run", "--remount-ro", "/", "--chdir", str(plan.folder)]


def _mount(mount: Mount, add_text: AddText, add_path: AddPath) -> Iterator[str]:
    target = str(mount.target)
    match mount.kind:
        case Kind.READ | Kind.WRITE | Kind.FIXED:
            yield "--ro-bind" if mount.kind is Kind.READ else "--bind"
            yield _source(mount, add_path)
        case Kind.LINK:
            yield from ("--symlink", str(mount.source))
        case Kind.TEXT | Kind.HIDDEN_FILE:
            yield from ("--perms", "0444", "--ro-bind-data", str(add_text(mount.text)))
        case Kind.MADE:
            yield from ("--perms", "0600", "--file", str(add_text(mount.text)))
        case Kind.EMPTY:
            yield from ("--perms", "1777" if mount.target in _ANYBODYS else "0755", "--tmpfs")
        case Kind.HIDDEN_FOLDER:
            yield from ("--perms", "0555", "--tmpfs", target, "--remount-ro")
        case Kind.NO_FILE:
            # Bound without the right to be a device, it is a file that cannot be opened.
            yield from ("--ro-bind", "/dev/null")
        case Kind.PROC:
            yield "--proc"
        case Kind.DEVICES:
            yield "--dev"
        case _:
            assert_never(mount.kind)
    yield target


def _source(mount: Mount, add_path: AddPath) -> str:
    """Return what is bound: for a path that was named, the file that it was when it was looked at."""
    if mount.vetted and mount.source is not None:
        return f"/proc/self/fd/{add_path(mount.source)}"
    return str(mount.source)
