"""Attempts that take a run of their own, as they are about its beginning or its end."""

import os
import pty
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

from tests.escape.harness import redirected
from tests.escape.harness.catalogue import Attempt
from tests.escape.harness.household import end
from tests.escape.harness.judging import Outcome
from tests.escape.harness.scene import BEGAN, MOMENT, PATIENCE, Scene, appears
from tests.escape.harness.stage import Stage

RACES: Final = 4  # runs that begin while a folder is swapped; without the wall one reads it soon


def planted_link(scene: Scene) -> Outcome:
    """Let the operator share a folder that the agent has replaced by a link."""
    target = Path(scene.stage.facts["desk"]) / "planted"
    link = scene.path("public")
    scene.run("plant.sh", str(target), link.name)
    assert link.is_symlink(), scene.output
    options = ["--share", f"{link}:ro"]
    code = scene.run("read.sh", f"{link}/secret.txt", options=options)
    link.unlink()
    return scene.outcome(code)


def share_around(scene: Scene) -> Outcome:
    """Have the operator share a folder that Keyhatch's own home lies in."""
    around = scene.stage.proxy.home.parent
    options = ["--share", f"{around}:ro"]
    return scene.outcome(scene.run("read.sh", f"{around}/keyhatch/vault.key", options=options))


def share_installation(scene: Scene) -> Outcome:
    """Have the operator share a folder that Keyhatch is installed in, for writing."""
    packages = scene.stage.software.packages
    options = ["--share", str(packages.parents[3])]
    return scene.outcome(scene.run("module.py", str(packages), options=options))


def planted_tool(scene: Scene) -> Outcome:
    """Let PATH begin with a folder of the project, as where its environment is active."""
    target = Path(scene.stage.facts["desk"]) / "tools"
    folder = scene.path("bin")
    folder.mkdir()
    scene.stage.person.take(folder)
    scene.run("plant.sh", str(target), f"{folder.name}/tool")
    assert (folder / "tool").is_symlink(), scene.output
    code = scene.run("read.sh", f"{target}/secret.txt", env=_with_path(scene, folder))
    (folder / "tool").unlink()
    folder.rmdir()
    return scene.outcome(code)


def planted_wall(scene: Scene) -> Outcome:
    """Put a program of the name of the wall's into such a folder."""
    secret = Path(scene.stage.facts["desk"]) / "wall.txt"
    folder, found = scene.path("bin"), scene.path("found")
    program = folder / "bwrap"
    scene.run("plant_program.sh", str(program), str(secret), str(found))
    scene.run("read.sh", str(found), env=_with_path(scene, folder))
    if found.exists():
        scene.output += found.read_bytes()
    for path in (program, found):
        path.unlink(missing_ok=True)
    if folder.exists():
        folder.rmdir()
    return scene.outcome()


def _with_path(scene: Scene, folder: Path) -> dict[str, str]:
    session = {"ESCAPE_SESSION_KEY": scene.stage.canaries["session-keyring"]}
    environ = scene.stage.environ
    return {**environ, **session, "PATH": f"{folder}:{environ['PATH']}"}


def race(scene: Scene) -> Outcome:
    """Have the agent swap it while runs of the operator's begin."""
    target = Path(scene.stage.facts["desk"]) / "raced"
    folder, link, going = scene.path("swapped"), scene.path("swapped-link"), scene.path("swapping")
    folder.mkdir()
    (folder / "secret.txt").write_text("nothing")
    scene.stage.person.take_all(folder)
    link.symlink_to(target)
    with scene.start("swap.py", folder.name, link.name) as swapping:
        appears(going)
        for _ in range(RACES if scene.walled else 4 * RACES):
            scene.run("read.sh", f"{folder}/secret.txt", options=["--share", f"{folder}:ro"])
            if scene.stage.canaries.found(scene.output):
                break
        going.unlink()
        scene.ended(swapping)
    for path in (folder, link):
        if path.is_symlink():
            path.unlink()
        else:
            (path / "secret.txt").unlink()
            path.rmdir()
    return scene.outcome()


def moved_away(scene: Scene) -> Outcome:
    """Move the folder around a hidden file away, and another to its place; then run again."""
    around = scene.path("around")
    around.mkdir()
    (around / "secret.txt").write_text(scene.stage.canaries["moved"])
    scene.stage.person.take_all(around)
    options = ["--hide", str(around / "secret.txt")]
    scene.run("move.sh", around.name, "secret.txt", options=options)
    code = scene.run("read.sh", "moved/secret.txt", options=options)
    _clear(scene)
    return scene.outcome(code)


def moved_with_given(scene: Scene) -> Outcome:
    """The same around a folder that is only to be read."""
    given = scene.path("around") / "given"
    given.mkdir(parents=True)
    (given / "file").write_text("as it was")
    scene.stage.person.take_all(given.parent)
    options = ["--share", f"{given}:ro"]
    scene.run("move.sh", "around", "given/file", options=options)
    scene.run("write.sh", "moved/given/file", options=options)
    for name in ("around", "moved"):
        file = scene.path(name) / "given/file"
        if file.exists():
            scene.stage.witness.note(file.read_bytes())
    _clear(scene)
    return scene.outcome()


def _clear(scene: Scene) -> None:
    for name in ("around", "moved"):
        shutil.rmtree(scene.path(name), ignore_errors=True)


def forged_input(scene: Scene) -> Outcome:
    """Type at the operator's terminal, for whatever reads there after us."""
    return _at_terminal(scene, "TIOCSTI")


def forged_selection(scene: Scene) -> Outcome:
    return _at_terminal(scene, "TIOCLINUX")


def _at_terminal(scene: Scene, way: str) -> Outcome:
    with terminal(scene) as (_master, slave, words):
        code = scene.run("terminal.py", way, **words)
        os.set_blocking(slave, False)
        with suppress(BlockingIOError):
            scene.stage.witness.note(os.read(slave, 4096))
    return scene.outcome(code)


def late_reader(scene: Scene) -> Outcome:
    """Read what the operator types when the command is over."""
    written, read = scene.path("late"), scene.path("late-read")
    with terminal(scene) as (master, _slave, words):
        scene.run("terminal.py", "late", **words)
        appears(written, MOMENT)
        os.write(master, f"{scene.stage.canaries['typed-late']}\n".encode())
        appears(read, MOMENT)
        if read.exists():
            time.sleep(0.05)  # it is created, then written
            scene.output += read.read_bytes()
    _end_of(written)
    for path in (written, read):
        path.unlink(missing_ok=True)
    return scene.outcome()


def signalled_group(scene: Scene) -> Outcome:
    """Have somebody outside in the process group that the run is started in."""
    return _in_group(scene, "signal")


def stopped_group(scene: Scene) -> Outcome:
    """The same, and stop as one who was told to by the terminal."""
    return _in_group(scene, "stop")


def _in_group(scene: Scene, way: str) -> Outcome:
    noted = scene.path("noted")
    before = [*scene.stage.software.outside("companion"), str(noted)]
    scene.run("group.py", way, before=before, start_new_session=True)
    if appears(noted, MOMENT):
        scene.stage.witness.note(scene.flag.encode())
        noted.unlink()
    return scene.outcome()


def outlive(scene: Scene) -> Outcome:
    """Leave a program behind at the end of the command."""
    return _outlive(scene, None)


def outlive_killed_run(scene: Scene) -> Outcome:
    return _outlive(scene, lambda child: [child.pid])


def outlive_killed_wall(scene: Scene) -> Outcome:
    return _outlive(scene, lambda child: children_of(child.pid))


def _outlive(
    scene: Scene, victims: "Callable[[subprocess.Popen[bytes]], list[int]] | None"
) -> Outcome:
    """Kill what `victims` names, or let the command end; then ask whoever is left to tell."""
    names = [scene.path(name) for name in ("staying", "go", "alive", "alive.new")]
    staying, go, alive, _ = names
    # Whoever stays must not keep the pipes of our reading open.
    quiet: dict[str, Any] = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    words = [] if victims is None else ["wait"]
    child = scene.start("stay.py", *words, start_new_session=True, **quiet)
    try:
        assert appears(staying), "it never started"
        for number in victims(child) if victims is not None else ():
            os.kill(number, signal.SIGKILL)
        child.wait(PATIENCE)
        time.sleep(MOMENT / 2)  # one after the other they learn of it
        go.write_text("")
        if appears(alive, MOMENT):
            scene.stage.witness.note(alive.read_bytes())
    finally:
        end(child)
        for path in names:
            path.unlink(missing_ok=True)
    return scene.outcome()


def end_of_proxy(scene: Scene) -> Outcome:
    """Signal the proxy; start it again if that has ended it."""
    process = scene.stage.proxy.process
    scene.run("takeover.py", str(process.pid))
    with suppress(subprocess.TimeoutExpired):
        process.wait(MOMENT)
    if process.poll() is None:
        return scene.outcome()
    scene.stage.serve_again()
    scene.path(BEGAN).unlink(missing_ok=True)
    return Outcome("got")


def takeover(scene: Scene) -> Outcome:
    """Signal the proxy and listen on its port; then call it as another program does."""
    proxy, listening = scene.stage.proxy, scene.path("listening")
    with scene.start("takeover.py", str(proxy.process.pid), str(proxy.port)) as child:
        appears(listening, 5 * MOMENT)
        with suppress(OSError), socket.create_connection(("127.0.0.1", proxy.port), 5) as line:
            line.settimeout(2)
            line.sendall(b"GET / HTTP/1.1\r\n\r\n")
            scene.stage.witness.note(line.recv(4096))
        scene.ended(child)
    listening.unlink(missing_ok=True)
    if proxy.process.poll() is not None:
        scene.stage.serve_again()
    return scene.outcome()


SCENARIOS: Final[dict[str, Callable[[Scene], Outcome]]] = {
    **redirected.SCENARIOS,
    "moved away": moved_away,
    "moved with a given file": moved_with_given,
    "stopped group": stopped_group,
    "planted link": planted_link,
    "race": race,
    "share around": share_around,
    "share installation": share_installation,
    "planted tool": planted_tool,
    "planted wall": planted_wall,
    "signalled group": signalled_group,
    "forged input": forged_input,
    "forged selection": forged_selection,
    "late reader": late_reader,
    "outlive": outlive,
    "outlive a killed run": outlive_killed_run,
    "outlive a killed wall": outlive_killed_wall,
    "end of the proxy": end_of_proxy,
    "takeover": takeover,
}


def play(stage: Stage, attempt: Attempt, walled: bool) -> Outcome:
    """Make an attempt that is a scenario."""
    return SCENARIOS[attempt.scenario](Scene(stage, attempt, walled))


def children_of(pid: int) -> list[int]:
    """Return the processes that a process has started."""
    return [int(number) for number in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def _end_of(written: Path) -> None:
    """End a program that has written down its number, unless that was a number inside the wall."""
    with suppress(OSError, ValueError):
        number = int(written.read_text())
        if b"terminal" in Path(f"/proc/{number}/cmdline").read_bytes():
            os.kill(number, signal.SIGKILL)


@contextmanager
def terminal(scene: Scene) -> Iterator[tuple[int, int, dict[str, Any]]]:
    """Yield a new terminal, both ends, and the words that start a run at it."""
    master, slave = pty.openpty()
    path = os.ttyname(slave)
    scene.stage.person.take(Path(path))
    before = [*scene.stage.software.outside("terminal"), path]
    try:
        yield master, slave, {"before": before, "start_new_session": True}
    finally:
        os.close(master)
        os.close(slave)
