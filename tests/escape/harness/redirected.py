"""Attempts that turn on open files: what a run inherits, and what its standard streams are."""

import os
import secrets
import socket
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

from tests.escape.harness.judging import Outcome
from tests.escape.harness.scene import Scene


def inherited_file(scene: Scene) -> Outcome:
    """Give the run an open file of the operator's, as a careless shell does."""
    return _inherited(scene, "inherited.txt", "descriptor.sh")


def inherited_folder(scene: Scene) -> Outcome:
    return _inherited(scene, "planted", "beside.py", "../beside.txt")


def _inherited(scene: Scene, name: str, program: str, *words: str) -> Outcome:
    opened = os.open(Path(scene.stage.facts["desk"]) / name, os.O_RDONLY)
    try:
        code = scene.run(program, str(opened), *words, pass_fds=[opened])
    finally:
        os.close(opened)
    return scene.outcome(code)


def input_reopened(scene: Scene) -> Outcome:
    """Let the run read a file of the operator's."""
    with (Path(scene.stage.facts["desk"]) / "input.txt").open("rb") as file:
        return scene.outcome(scene.run("reopen_standard.py", "input", stdin=file))


def output_reopened(scene: Scene) -> Outcome:
    """Let the run add to a log of the operator's."""
    with (Path(scene.stage.facts["desk"]) / "log.txt").open("ab") as file:
        return scene.outcome(scene.run("reopen_standard.py", "output", stdout=file))


def input_added_to(scene: Scene) -> Outcome:
    """Let the run inherit the pipe that a shell outside has its commands from, and be that shell."""
    reading, writing = _pipe(scene)
    os.set_blocking(reading, False)
    try:
        scene.run("reopen_standard.py", "pipe", stdin=reading)
        with suppress(BlockingIOError):
            scene.stage.witness.note(os.read(reading, 4096))
    finally:
        os.close(reading)
        os.close(writing)
    return scene.outcome()


def output_of_others(scene: Scene) -> Outcome:
    """Have somebody else write to the pipe that the run's output goes to."""
    reading, writing = _pipe(scene)
    try:
        os.write(writing, f"{scene.stage.canaries['said-by-others']}\n".encode())
        code = scene.run("reopen_standard.py", "output", stdout=writing)
    finally:
        os.close(reading)
        os.close(writing)
    return scene.outcome(code)


def _pipe(scene: Scene) -> tuple[int, int]:
    """Return the ends of a pipe of the operator's."""
    reading, writing = os.pipe()
    if scene.stage.person.starting:
        os.fchown(reading, scene.stage.person.uid, scene.stage.person.uid)
    return reading, writing


def input_connected_elsewhere(scene: Scene) -> Outcome:
    """Start the run as a server does that hands a connection over."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        client = socket.create_connection(server.getsockname())
        line, _ = server.accept()
    with client, line:
        return scene.outcome(
            scene.run("redirect.py", "stream", scene.stage.facts["tcp4"], stdin=line.fileno())
        )


def input_sent_elsewhere(scene: Scene) -> Outcome:
    """The same with datagrams, whose sockets find others of their own network by name."""
    name = f"keyhatch-escape-{secrets.token_hex(8)}"
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    with ours, theirs, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(f"\0{name}")
        listener.setblocking(False)
        scene.run("redirect.py", "datagram", name, stdin=theirs.fileno())
        with suppress(BlockingIOError):
            scene.stage.witness.note(listener.recv(4096))
    return scene.outcome()


SCENARIOS: Final[dict[str, Callable[[Scene], Outcome]]] = {
    "input reopened": input_reopened,
    "output reopened": output_reopened,
    "inherited file": inherited_file,
    "inherited folder": inherited_folder,
    "input added to": input_added_to,
    "output of others": output_of_others,
    "input connected elsewhere": input_connected_elsewhere,
    "input sent elsewhere": input_sent_elsewhere,
}
