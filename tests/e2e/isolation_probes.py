"""Run as one user of a machine: says as JSON which attempts on the proxy of another succeeded."""

import ctypes
import json
import os
import signal
import socket
import sys
from collections.abc import Callable
from pathlib import Path

PTRACE_ATTACH, PTRACE_DETACH = 16, 17


def main() -> None:
    """Try everything on a home and the process that serves it; `sys.argv` names them."""
    home, pid, port = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    told = {name: _succeeds(attempt) for name, attempt in attempts(home, pid, port).items()}
    print(json.dumps(told))


def attempts(home: Path, pid: int, port: int) -> dict[str, Callable[[], object]]:
    """Return each attempt by its name; it fails by an OSError."""
    proc = Path(f"/proc/{pid}")
    files = ("connectors.yaml", "vault.db", "vault.key", "ca/ca.key", "ca/ca.pem", "run/serve.lock")
    read = {f"read {name}": _read(home / name) for name in files}
    seen = {f"proc {name}": _read(proc / name) for name in ("environ", "mem", "maps", "auxv", "io")}
    links = {f"proc {name}": _follow(proc / name) for name in ("exe", "cwd", "root")}
    return {
        **read,
        **seen,
        **links,
        "list home": lambda: [*home.iterdir()],
        "list audit": lambda: [*map(_read_now, (home / "audit").iterdir())],
        "proc fd": lambda: [*(proc / "fd").iterdir()],
        "control socket": lambda: _ask(home / "run" / "control.sock"),
        "ptrace": lambda: _trace(pid),
        "process_vm_readv": lambda: _read_memory(pid),
        "signal": lambda: os.kill(pid, 0),
        "stop": lambda: os.kill(pid, signal.SIGCONT),
        "pidfd": lambda: signal.pidfd_send_signal(os.pidfd_open(pid), 0),
        "priority": lambda: os.setpriority(os.PRIO_PROCESS, pid, 5),
        "port": lambda: _listen(port, reuse=False),
        "port shared": lambda: _listen(port, reuse=True),
        "change certificates": lambda: Path("/run/keyhatch/bundle.pem").open("ab").close(),
        "replace certificates": lambda: _leave_file(Path("/run/keyhatch")),
        "other token": _read(Path("/etc/keyhatch/other.token")),
        "own unit's token": _read(Path("/etc/keyhatch/researcher.env")),
    }


def _succeeds(attempt: Callable[[], object]) -> bool:
    try:
        attempt()
    except OSError:
        return False
    return True


def _read(path: Path) -> Callable[[], object]:
    return lambda: _read_now(path)


def _read_now(path: Path) -> bytes:
    with path.open("rb") as file:
        if path.name == "mem":
            return b""
        return file.read(1)


def _follow(path: Path) -> Callable[[], object]:
    return path.readlink


def _leave_file(folder: Path) -> None:
    path = folder / f"mine-{os.getpid()}"
    path.touch()
    path.unlink()


def _ask(path: Path) -> bytes:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as asking:
        asking.settimeout(10)
        asking.connect(str(path))
        asking.sendall(b'{"op": "status"}\n')
        if not (answer := asking.recv(1)):
            raise ConnectionResetError
        return answer


def _trace(pid: int) -> None:
    _call("ptrace", PTRACE_ATTACH, pid, 0, 0)
    os.waitpid(pid, 0)
    _call("ptrace", PTRACE_DETACH, pid, 0, 0)


class _Range(ctypes.Structure):
    _fields_ = (("base", ctypes.c_void_p), ("length", ctypes.c_size_t))


def _read_memory(pid: int) -> None:
    here = ctypes.create_string_buffer(1)
    into = _Range(ctypes.addressof(here), 1)
    # An address that may not be mapped there gives EFAULT: then it was allowed to look.
    one = ctypes.byref(into)
    if ctypes.CDLL(None, use_errno=True).process_vm_readv(pid, one, 1, one, 1, 0) < 0:
        number = ctypes.get_errno()
        if number != 14:
            raise OSError(number, os.strerror(number))


def _call(name: str, *arguments: int) -> None:
    library = ctypes.CDLL(None, use_errno=True)
    function = getattr(library, name)
    function.restype = ctypes.c_long
    if function(*(ctypes.c_long(argument) for argument in arguments)) < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def _listen(port: int, *, reuse: bool) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if reuse:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        listener.bind(("127.0.0.1", port))
        listener.listen()


if __name__ == "__main__":
    main()
