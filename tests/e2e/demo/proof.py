"""The promise, checked: the key is in nothing that a client could see, and in no file in clear."""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from tests.e2e.demo.report import Report
from tests.e2e.demo.search import files_of, forms_in, memory_with
from tests.e2e.demo.stage import Stage

MEBIBYTE = 1024 * 1024

type Wanted = dict[str, bytes]


@dataclass(frozen=True, slots=True)
class Memory:
    """What a search of a client's memory gave, or why it could not be made; size in bytes."""

    found: list[str]
    size: int
    unable: str = ""


def client_memory(parent: int, script: Path, wanted: Wanted) -> Memory:
    """Search the memory of the client that runs a script below a process."""
    try:
        found, size = memory_with(_descendant(parent, script), wanted)
    except (OSError, LookupError) as error:
        return Memory([], 0, unable=str(error))
    return Memory(found, size)


def show(report: Report, stage: Stage, wanted: Wanted, memory: Memory) -> None:
    """Print one line for each place."""
    for what, pattern in (
        ("the environment of the clients", "environ*"),
        ("their arguments", "argv*"),
        ("their output", "output*"),
        ("the answers that they got", "response*"),
    ):
        _search(report, f"not in {what}", stage.seen.glob(pattern), wanted)
    _show_memory(report, memory)
    _show_proxy(report, stage, wanted)
    _search(report, "not in the audit log", files_of(stage.home / "audit"), wanted)
    _search(report, "not in any file of the home folder", files_of(stage.home), wanted)
    _show_bite(report, stage, wanted)


def _search(report: Report, what: str, files: Iterable[Path], wanted: Wanted) -> None:
    """Print whether files and their names are free of the key; none to look at is a failure."""
    looked_at = list(files)
    size = 0
    found = []
    for path in looked_at:
        content = path.read_bytes()
        size += len(content)
        if names := forms_in(content + b"\0" + path.name.encode(), wanted):
            found.append(f"{path.name}: {', '.join(names)}")
    count = f"{len(looked_at)} file{'s' * (len(looked_at) != 1)}, {size:,} bytes"
    report.check(
        f"{what} ({count})",
        size > 0 and not found,
        detail="\n".join(found) or "there was nothing to look at",
    )


def _show_memory(report: Report, memory: Memory) -> None:
    if memory.unable:
        report.skip("not in the memory of a client", memory.unable)
        return
    report.check(
        f"not in the memory of a client that has just used it ({memory.size // MEBIBYTE} MiB)",
        not memory.found and memory.size > 0,
        detail=", ".join(memory.found),
    )


def _show_proxy(report: Report, stage: Stage, wanted: Wanted) -> None:
    """What other programs of the same user could see of the proxy from outside."""
    folder = Path(f"/proc/{stage.proxy_pid()}")
    files = [folder / "cmdline", folder / "environ"]
    what = "not in the arguments or environment of the proxy"
    if all(os.access(path, os.R_OK) for path in files):
        _search(report, what, files, wanted)
    elif files[0].exists():
        _search(
            report,
            "not in the arguments of the proxy; its environment is closed",
            files[:1],
            wanted,
        )
    else:
        report.skip(what, "it takes Linux's /proc")


def _show_bite(report: Report, stage: Stage, wanted: Wanted) -> None:
    """Plant each form in a file of the home and see that the search finds every one."""
    planted = stage.home / "planted"
    missed = []
    for name, octets in wanted.items():
        planted.write_bytes(b"\0before" + octets + b"after\0")
        if not any(name in forms_in(path.read_bytes(), wanted) for path in files_of(stage.home)):
            missed.append(name)
    planted.unlink()
    report.check(
        f"and the search does find it: planted in {len(wanted)} forms, "
        f"found in {len(wanted) - len(missed)}",
        not missed,
        detail=", ".join(missed),
    )


def _descendant(parent: int, script: Path) -> int:
    """Return the process below `parent` whose first argument is the script. Linux only."""
    waiting = [parent]
    while waiting:
        pid = waiting.pop()
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        waiting += [int(child) for child in children]
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        if len(words) > 1 and words[1] == str(script).encode():
            return pid
    raise LookupError("the client was not found below `keyhatch run`")
