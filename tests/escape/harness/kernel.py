"""What only root can arrange outside of the wall, by system calls that Python has no names for."""

import ctypes
import fcntl
import os
import platform
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

_LIBC: Final = ctypes.CDLL(None, use_errno=True)
_BPF: Final = 321  # on x86-64
_BPF_MAP_CREATE, _BPF_MAP_UPDATE_ELEM, _BPF_OBJ_GET_INFO_BY_FD = 0, 2, 15
_BPF_MAP_TYPE_ARRAY: Final = 2
_FIEMAP: Final = 0xC020660B
_CAPABILITY: Final = struct.pack("<5I", 0x02000001, 1 << 2, 0, 0, 0)  # cap_dac_read_search+ep
_HANDLE: Final = 128


def file_handle(path: Path) -> str:
    """Return the handle by which open_by_handle_at(2) knows a file: its type and octets, in hex."""
    buffer = ctypes.create_string_buffer(struct.pack("Ii", _HANDLE, 0) + bytes(_HANDLE))
    mount = ctypes.c_int()
    name = os.fsencode(path)
    if _LIBC.name_to_handle_at(-100, name, buffer, ctypes.byref(mount), 0) != 0:
        return ""
    length, kind = struct.unpack_from("Ii", buffer.raw)
    return f"{kind}:{buffer.raw[8 : 8 + length].hex()}"


def block_of(path: Path) -> tuple[str, str]:
    """Return the device that holds a file, and the octet at which the file begins; empty: unknown."""
    device = path.stat().st_dev
    with path.open("rb") as file:
        os.fsync(file.fileno())
        asked = struct.pack("=QQIIII", 0, 2**64 - 1, 1, 0, 1, 0) + bytes(56)
        try:
            told = fcntl.ioctl(file.fileno(), _FIEMAP, asked)
        except OSError:
            return "", ""
    if struct.unpack_from("=I", told, 20)[0] != 1:
        return "", ""
    return f"{os.major(device)}:{os.minor(device)}", str(struct.unpack_from("=Q", told, 40)[0])


def grant_capability(program: Path) -> bool:
    """Let a program read every file, whoever starts it; False where that cannot be stored."""
    try:
        os.setxattr(program, "security.capability", _CAPABILITY)
    except OSError:
        return False
    return True


@contextmanager
def bpf_map(secret: bytes) -> Iterator[str]:
    """Keep a secret in a map of the kernel; yield the number of the map, or the empty text."""
    if platform.machine() != "x86_64":
        yield ""
        return
    size = (len(secret) + 7) // 8 * 8
    map_fd = _bpf(_BPF_MAP_CREATE, struct.pack("5I", _BPF_MAP_TYPE_ARRAY, 4, size, 1, 0))
    if map_fd < 0:
        yield ""
        return
    try:
        key, value = ctypes.create_string_buffer(4), ctypes.create_string_buffer(secret, size)
        places = ctypes.addressof(key), ctypes.addressof(value)
        _bpf(_BPF_MAP_UPDATE_ELEM, struct.pack("IIQQQ", map_fd, 0, *places, 0))
        told = ctypes.create_string_buffer(80)
        _bpf(_BPF_OBJ_GET_INFO_BY_FD, struct.pack("IIQ", map_fd, 80, ctypes.addressof(told)))
        yield str(struct.unpack_from("II", told)[1])
    finally:
        os.close(map_fd)


def _bpf(command: int, attributes: bytes) -> int:
    buffer = ctypes.create_string_buffer(attributes + bytes(128))
    return int(_LIBC.syscall(_BPF, command, buffer, len(attributes)))


def say_in_kernel_log(words: str) -> bool:
    """Write a line into the kernel's log; False where we may not."""
    try:
        Path("/dev/kmsg").write_text(f"<7>{words}\n")
    except OSError:
        return False
    return True
