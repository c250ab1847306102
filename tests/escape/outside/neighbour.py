"""The operator's own programs, outside of the wall: what an agent of the same user could turn on.

Reads one line of JSON (what to hold), makes everything, prints one line of JSON (where it is) and
stays until its standard input ends. A secret lies in its environment and its arguments already.
"""

import ctypes
import json
import mmap
import os
import resource
import signal
import socket
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

LIBC = ctypes.CDLL(None, use_errno=True)
IPC_CREAT, IPC_RMID = 0o1000, 0
PR_SET_NAME = 15
SYS_KEYCTL, SYS_ADD_KEY = 250, 248  # of x86-64; elsewhere those attempts find nothing
KEYCTL_REVOKE, KEY_SPEC_USER_KEYRING = 3, -4


def fill_memory(asked: dict[str, Any]) -> dict[str, Any]:
    """Keep a secret in memory, in a name of a mapping, and as a bit pattern of shared files."""
    secret = asked["memory"].encode()
    KEPT.append(buffer := ctypes.create_string_buffer(secret))
    mapped = Path(asked["mapped"])
    mapped.write_bytes(b"x" * mmap.PAGESIZE)
    with mapped.open("rb") as file:
        KEPT.append(mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ))
    return {"address": ctypes.addressof(buffer), "length": len(secret)}


def open_files(asked: dict[str, Any]) -> dict[str, Any]:
    """Hold a file that has no name any more, and pairs of descriptors: equal where a bit is 1."""
    path = Path(asked["unlinked"])
    path.write_text(asked["unlinked_secret"])
    descriptor = os.open(path, os.O_RDONLY)
    path.unlink()
    base = 100
    for number, bit in enumerate(asked["bits"]):
        first = os.open(os.devnull, os.O_RDONLY)
        second = os.dup(first) if bit == "1" else os.open(os.devnull, os.O_RDONLY)
        for offset, opened in enumerate((first, second)):
            os.dup2(opened, base + 2 * number + offset)
            os.close(opened)
    return {"descriptor": descriptor, "bits_at": base}


def share_memory(asked: dict[str, Any]) -> dict[str, Any]:
    """Offer secrets by System V, POSIX and /dev/shm, as programs do among themselves."""
    key = asked["ipc_key"]
    secret = asked["sysv_shm"].encode()
    segment = LIBC.shmget(key, 4096, IPC_CREAT | 0o600)
    LIBC.shmat.restype = ctypes.c_void_p
    ctypes.memmove(LIBC.shmat(segment, None, 0), secret, len(secret))
    queue = LIBC.msgget(key, IPC_CREAT | 0o600)
    CLEANING.extend([lambda: LIBC.shmctl(segment, IPC_RMID, None)])
    CLEANING.extend([lambda: LIBC.msgctl(queue, IPC_RMID, None)])
    for _ in range(4):  # an attempt takes one away
        body = asked["sysv_queue"].encode()
        LIBC.msgsnd(queue, ctypes.c_long(1).value.to_bytes(8, "little") + body, len(body), 0)
    shared = Path("/dev/shm") / asked["shm_name"]
    shared.write_text(asked["shm"])
    CLEANING.append(lambda: shared.unlink(missing_ok=True))
    return {"mq": post_message(asked), "shm": str(shared)}


def post_message(asked: dict[str, Any]) -> str:
    """Put a secret into a POSIX message queue; the empty text where there are none."""
    name = f"/{asked['shm_name']}"
    library = ctypes.CDLL("librt.so.1", use_errno=True)
    queue = library.mq_open(name.encode(), os.O_RDWR | os.O_CREAT, 0o600, None)
    if queue < 0:
        return ""
    CLEANING.append(lambda: library.mq_unlink(name.encode()))
    for _ in range(4):
        body = asked["posix_queue"].encode()
        library.mq_send(queue, body, len(body), 0)
    return name


def keep_key(asked: dict[str, Any]) -> dict[str, Any]:
    """Put a secret into the kernel's keyring of this user."""
    body = asked["user_keyring"].encode()
    name = asked["shm_name"].encode()
    made = LIBC.syscall(SYS_ADD_KEY, b"user", name, body, len(body), KEY_SPEC_USER_KEYRING)
    if made >= 0:
        CLEANING.append(lambda: LIBC.syscall(SYS_KEYCTL, KEYCTL_REVOKE, made, 0, 0, 0))
        # Its possessor may do all, its user everything but set it.
        LIBC.syscall(SYS_KEYCTL, 5, made, 0x3F1F0000, 0, 0)
    return {"key": made}


def hold_lease(asked: dict[str, Any]) -> dict[str, Any]:
    """Hold a lease of another agent, with a socket that stands for it, and one with a token."""
    found = {}
    for op in ("lease-socket", "lease"):
        line = socket.socket(socket.AF_UNIX)
        line.connect(asked["control"])
        line.sendall(json.dumps({"op": op, "agent": "bob", "connectors": None}).encode() + b"\n")
        found.update(json.loads(line.makefile("rb").readline()))
        KEPT.append(line)
    return {"lease_socket": found["socket"], "bobs_token": found["token"]}


def note_signals(asked: dict[str, Any]) -> dict[str, Any]:
    """Write down who sends us a signal."""
    log = Path(asked["signals"])

    def note(number: int, _frame: object) -> None:
        with log.open("a") as file:
            file.write(f"{signal.Signals(number).name}\n")

    for number in (signal.SIGUSR1, signal.SIGUSR2):
        signal.signal(number, note)
    return {}


def talk_forever(asked: dict[str, Any]) -> dict[str, Any]:
    """Have a thread that tells a program of ours a secret over loopback, again and again."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    listener.bind(("127.0.0.1", 0))

    def talk() -> None:
        while True:
            listener.sendto(asked["overheard"].encode(), listener.getsockname())
            listener.recv(4096)
            time.sleep(0.05)

    threading.Thread(target=talk, daemon=True).start()
    return {}


def rename_forever(asked: dict[str, Any]) -> dict[str, Any]:
    """Have a thread that changes its name over and over: to who may watch, that is told."""

    def rename() -> None:
        while True:
            for name in ("resting", asked["comm"]):
                LIBC.prctl(PR_SET_NAME, name.encode(), 0, 0, 0)
                time.sleep(0.01)

    threading.Thread(target=rename, daemon=True).start()
    return {}


PARTS = (
    fill_memory,
    open_files,
    share_memory,
    keep_key,
    hold_lease,
    note_signals,
    rename_forever,
    talk_forever,
)
KEPT: list[Any] = []
CLEANING: list[Any] = []


def main() -> None:
    """Make everything, tell, stay."""
    asked = json.loads(sys.stdin.readline())
    told = {"pid": os.getpid()}
    for part in PARTS:
        told.update(part(asked))
    print(json.dumps(told), flush=True)
    try:
        sys.stdin.read()
    finally:
        for clean in CLEANING:
            with suppress(OSError):
                clean()


def crash() -> None:
    """Hold a secret, may be dumped, and wait to be killed."""
    secret = sys.stdin.readline().strip()
    hard = resource.getrlimit(resource.RLIMIT_CORE)[1]
    resource.setrlimit(resource.RLIMIT_CORE, (hard, hard))
    print(len(secret), flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    crash() if sys.argv[1:2] == ["crash"] else main()
