"""The filter of system calls: what no program inside the wall may ask of the kernel.

A list of what is denied, as bubblewrap's other users have it; what is newer than the list is
denied as well, so that a new kernel opens nothing. Values of `int` arguments are compared in
their low 32 bits, which is what the kernel looks at: the upper half is the caller's to choose.
"""

import errno
import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from admin.sandbox.syscalls import LAST_KNOWN, Architecture

DENIED: Final = (
    # Other namespaces and mounts: the wall itself.
    "chroot", "fsconfig", "fsmount", "fsopen", "fspick", "mount", "mount_setattr", "move_mount",
    "open_by_handle_at", "open_tree", "pivot_root", "setns", "umount2",
    # Keyrings, which are not in any namespace.
    "add_key", "keyctl", "request_key",
    # Large parts of the kernel that agents do not need and that are broken again and again.
    "bpf", "fanotify_init", "io_uring_enter", "io_uring_register", "io_uring_setup",
    "modify_ldt", "perf_event_open", "userfaultfd",
    # Other processes' memory and files.
    "kcmp", "pidfd_getfd", "process_madvise", "process_vm_readv", "process_vm_writev",
    # The machine: modules, kernels, clocks, swap, ports, quotas, its name and its log.
    "acct", "adjtimex", "clock_adjtime", "clock_settime", "create_module", "delete_module",
    "finit_module", "init_module", "ioperm", "iopl", "kexec_file_load", "kexec_load",
    "lookup_dcookie", "query_module", "quotactl", "quotactl_fd", "reboot", "setdomainname",
    "sethostname", "settimeofday", "swapoff", "swapon", "sysfs", "syslog", "uselib", "ustat",
    "vhangup",
    # Where memory lies, which another user of the machine could be disturbed by.
    "get_mempolicy", "mbind", "migrate_pages", "move_pages", "set_mempolicy",
    "set_mempolicy_home_node",
)  # fmt: skip
# Programs fall back to the older call, whose arguments a filter can see.
ABSENT: Final = ("clone3", "openat2", "listmount", "statmount")

NEW_NAMESPACES: Final = 0x7E020000  # every CLONE_NEW* but NEWTIME, whose bit is a signal's in clone
NEW_TIME: Final = 0x80
SET_ID_BITS: Final = 0o6000  # a file with them in a shared folder outlives the wall
MAKING: Final = 0o100 | 0o20000000  # O_CREAT, __O_TMPFILE
TERMINAL_INPUT: Final = (0x5412, 0x541C, 0x541D)  # TIOCSTI, TIOCLINUX, TIOCCONS
# A terminal's discipline, for which the kernel loads drivers that hardly anybody has looked at; and a
# snapshot of btrfs, which older kernels make of the whole volume that a file of ours lies on.
OTHER_REQUESTS: Final = (0x5423, 0x50009401, 0x50009417)  # TIOCSETD, SNAP_CREATE, SNAP_CREATE_V2
PERSONALITIES: Final = (0, 0xFFFFFFFF, 0x0040000)  # Linux, a question, no random addresses
AF_UNIX, AF_INET, AF_INET6, AF_NETLINK = 1, 2, 10, 16
SOCK_STREAM, SOCK_DGRAM = 1, 2
KIND: Final = 0xF  # of a socket's type, which has flags as well
PROTOCOLS: Final = (0, 6, 17)  # what the type says, TCP, UDP
TCP, TCP_ULP = 6, 31  # code of the kernel's that takes a connection over, such as its own TLS
NETLINK_ROUTE: Final = 0  # getifaddrs(3)

X32_BIT: Final = 0x40000000
_ALLOW: Final = 0x7FFF0000
_ERRNO: Final = 0x00050000
_LOAD, _JUMP_EQUAL, _JUMP_GREATER, _JUMP_SET, _RETURN = 0x20, 0x15, 0x25, 0x45, 0x06
_AND: Final = 0x54
_NUMBER, _ARCHITECTURE, _ARGUMENTS = 0, 4, 16  # offsets in struct seccomp_data
_INSTRUCTION: Final = struct.Struct("=HBBI")


@dataclass(frozen=True, slots=True)
class Instruction:
    """One of classic BPF's: jumps count instructions that are passed over."""

    code: int
    value: int
    if_true: int = 0
    if_false: int = 0


type Program = Sequence[Instruction]


def build_filter(architecture: Architecture) -> list[Instruction]:
    """Return the program for one architecture; calls of any other are answered with ENOSYS."""
    numbers = architecture.numbers
    program = [
        Instruction(_LOAD, _ARCHITECTURE),
        Instruction(_JUMP_EQUAL, architecture.audit, 1, 0),
        _fail(errno.ENOSYS),
        Instruction(_LOAD, _NUMBER),
        # x32 calls have a bit of their own, which makes them larger as well.
        Instruction(_JUMP_GREATER, LAST_KNOWN, 0, 1),
        _fail(errno.ENOSYS),
    ]
    for name, block in _blocks():
        if name in numbers:
            program += [Instruction(_JUMP_EQUAL, numbers[name], 0, len(block)), *block]
    return [*program, Instruction(_RETURN, _ALLOW)]


def encode_filter(program: Program) -> bytes:
    """Return a program as an array of struct sock_filter."""
    return b"".join(_INSTRUCTION.pack(i.code, i.if_true, i.if_false, i.value) for i in program)


def _blocks() -> Iterable[tuple[str, list[Instruction]]]:
    """Yield what is done for each call; a block ends in a return."""
    for name in DENIED:
        yield name, [_fail(errno.EPERM)]
    for name in ABSENT:
        yield name, [_fail(errno.ENOSYS)]
    yield "clone", _unless_bits(0, NEW_NAMESPACES)
    yield "unshare", _unless_bits(0, NEW_NAMESPACES | NEW_TIME)
    yield "ioctl", _unless_equal(1, (*TERMINAL_INPUT, *OTHER_REQUESTS))
    yield "personality", _if_equal(0, PERSONALITIES)
    for name, argument in (
        ("chmod", 1), ("fchmod", 1), ("fchmodat", 2), ("fchmodat2", 2), ("mknod", 1), ("mknodat", 2),
    ):  # fmt: skip
        yield name, _unless_bits(argument, SET_ID_BITS)
    yield "creat", _unless_bits(1, SET_ID_BITS)
    for name, flags in (("open", 1), ("openat", 2)):
        # Without these flags nothing is made, and the mode is whatever the register had.
        made = _unless_bits(flags + 1, SET_ID_BITS)
        plain = [_load(flags), Instruction(_JUMP_SET, MAKING, 1, 0), Instruction(_RETURN, _ALLOW)]
        yield name, [*plain, *made]
    for name in ("socket", "socketpair"):
        yield name, _sockets()
    yield "setsockopt", _options()


def _sockets() -> list[Instruction]:
    # By the type alone one would have SCTP or DCCP, with the protocol left to the kernel.
    internet = [
        _load(1),
        Instruction(_AND, KIND),
        Instruction(_JUMP_EQUAL, SOCK_STREAM, 2, 0),
        Instruction(_JUMP_EQUAL, SOCK_DGRAM, 1, 0),
        _fail(errno.EPROTONOSUPPORT),
        _load(2),
        *_any_of(PROTOCOLS),
        _fail(errno.EPROTONOSUPPORT),
    ]
    netlink = [_load(2), *_any_of((NETLINK_ROUTE,)), _fail(errno.EPROTONOSUPPORT)]
    return [
        _load(0),
        Instruction(_JUMP_EQUAL, AF_UNIX, 0, 1),
        Instruction(_RETURN, _ALLOW),
        Instruction(_JUMP_EQUAL, AF_INET, 1, 0),
        Instruction(_JUMP_EQUAL, AF_INET6, 0, len(internet)),
        *internet,
        Instruction(_JUMP_EQUAL, AF_NETLINK, 0, len(netlink)),
        *netlink,
        _fail(errno.EAFNOSUPPORT),
    ]


def _options() -> list[Instruction]:
    return [
        _load(1),
        Instruction(_JUMP_EQUAL, TCP, 1, 0),
        Instruction(_RETURN, _ALLOW),
        _load(2),
        Instruction(_JUMP_EQUAL, TCP_ULP, 0, 1),
        _fail(errno.ENOENT),  # as of a kernel that has none
        Instruction(_RETURN, _ALLOW),
    ]


def _unless_bits(argument: int, bits: int) -> list[Instruction]:
    return [
        _load(argument),
        Instruction(_JUMP_SET, bits, 0, 1),
        _fail(errno.EPERM),
        Instruction(_RETURN, _ALLOW),
    ]


def _unless_equal(argument: int, values: Sequence[int]) -> list[Instruction]:
    denials = [
        step for v in values for step in (Instruction(_JUMP_EQUAL, v, 0, 1), _fail(errno.EPERM))
    ]
    return [_load(argument), *denials, Instruction(_RETURN, _ALLOW)]


def _if_equal(argument: int, values: Sequence[int]) -> list[Instruction]:
    return [_load(argument), *_any_of(values), _fail(errno.EPERM)]


def _any_of(values: Sequence[int]) -> list[Instruction]:
    """Allow when what was loaded is one of these; go on otherwise."""
    return [
        step
        for value in values
        for step in (Instruction(_JUMP_EQUAL, value, 0, 1), Instruction(_RETURN, _ALLOW))
    ]


def _load(argument: int) -> Instruction:
    # The low half comes first: both architectures are little-endian.
    return Instruction(_LOAD, _ARGUMENTS + 8 * argument)


def _fail(number: int) -> Instruction:
    return Instruction(_RETURN, _ERRNO | number)
