"""What the kernel answers behind the wall: each call that is denied, made for real."""

import json
import os

import pytest

from admin.sandbox.seccomp import ABSENT, DENIED
from admin.sandbox.syscalls import ARCHITECTURES
from tests.support.walls import Behind

ARCHITECTURE = ARCHITECTURES.get(os.uname().machine)
NUMBERS = {} if ARCHITECTURE is None else dict(ARCHITECTURE.numbers)
CALLS = """
import ctypes, errno, json, os, socket
library = ctypes.CDLL(None, use_errno=True)
def call(number, *arguments):
    ctypes.set_errno(0)
    library.syscall(ctypes.c_long(number), *(ctypes.c_ulong(a) for a in arguments))
    return errno.errorcode.get(ctypes.get_errno(), "done")
def family(number, *rest):
    try:
        socket.socket(number, *rest).close()
    except OSError as error:
        return errno.errorcode[error.errno]
    return "done"
"""


def ask(behind: Behind, expression: str) -> dict[str, str]:
    told: dict[str, str] = json.loads(behind.python(f"{CALLS}\nprint(json.dumps({expression}))"))
    return told


def test_every_denied_call_is_refused_whatever_it_is_given(behind: Behind) -> None:
    # None of these would do anything with arguments of zeros, even where it were let through.
    safe = {name: NUMBERS[name] for name in DENIED if name in NUMBERS and name != "vhangup"}
    told = ask(behind, f"{{name: call(n, 0, 0, 0, 0, 0) for name, n in {safe!r}.items()}}")
    assert told == dict.fromkeys(safe, "EPERM")


def test_absent_calls_and_those_that_nobody_knows_are_not_there(behind: Behind) -> None:
    absent = {name: NUMBERS[name] for name in ABSENT} | {"newer": 500, "x32": 0x40000000 | 39}
    told = ask(behind, f"{{name: call(n, 0, 0) for name, n in {absent!r}.items()}}")
    assert told == dict.fromkeys(absent, "ENOSYS")


def test_no_namespace_is_made(behind: Behind) -> None:
    flags = {"user": 0x10000000, "net": 0x40000000, "mount": 0x20000, "pid": 0x20000000}
    number = NUMBERS["unshare"]
    told = ask(behind, f"{{name: call({number}, flag) for name, flag in {flags!r}.items()}}")
    assert told == dict.fromkeys(flags, "EPERM")


def test_other_kinds_of_socket_are_not_there(behind: Behind) -> None:
    families = {"vsock": 40, "packet": 17, "alg": 38, "key": 15, "bluetooth": 31, "xdp": 44}
    told = ask(behind, f"{{name: family(n, 3) for name, n in {families!r}.items()}}")
    assert told == dict.fromkeys(families, "EAFNOSUPPORT")
    told = ask(
        behind, "{'raw': family(2, 3, 1), 'ping': family(2, 2, 1), 'audit': family(16, 3, 9)}"
    )
    assert set(told.values()) == {"EPROTONOSUPPORT"}
    told = ask(behind, "{'sctp': family(2, 5), 'dccp': family(10, 6), 'rdm': family(2, 4)}")
    assert set(told.values()) == {"EPROTONOSUPPORT"}


def test_a_terminal_keeps_its_discipline(behind: Behind) -> None:
    ours, number = "os.openpty()[1]", NUMBERS["ioctl"]
    calls = {
        name: f"call({number}, {ours}, {n}, 0)"
        for name, n in {"set": 0x5423, "ask": 0x5424}.items()
    }
    told = ask(behind, "{" + ", ".join(f"{name!r}: {made}" for name, made in calls.items()) + "}")
    assert told == {"set": "EPERM", "ask": "EFAULT"}


@pytest.mark.skipif(os.uname().machine != "x86_64", reason="only x86_64 runs 32-bit calls")
def test_calls_of_32_bit_programs_are_not_there(behind: Behind) -> None:
    # mov eax, 20 (getpid); int 0x80; ret
    code = """
    import ctypes, mmap
    memory = mmap.mmap(-1, 4096, prot=7)
    memory.write(bytes.fromhex("b814000000cd80c3"))
    print(ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(memory)))())
    """
    assert behind.python(code) == "-38"


def test_there_are_no_privileges_to_be_had(behind: Behind) -> None:
    told = behind.sh("grep -E 'Cap(Prm|Eff|Bnd|Inh|Amb)|NoNewPrivs' /proc/self/status")
    words = dict(line.split(":\t") for line in told.splitlines())
    assert words.pop("NoNewPrivs") == "1"
    assert set(words.values()) == {"0" * 16}


@pytest.mark.skipif(os.geteuid() != 0, reason="an ordinary user cannot change devices anyway")
def test_the_superuser_changes_no_device(behind: Behind) -> None:
    before = os.stat("/dev/null").st_mode  # noqa: PTH116 - a device
    done = behind.run("chmod", f"{before & 0o777:o}", "/dev/null")
    assert "Read-only file system" in done.stderr
    assert behind.sh("echo x > /dev/null && echo written") == "written"


@pytest.mark.skipif(os.geteuid() != 0, reason="an ordinary user cannot change it anyway")
def test_the_superuser_changes_nothing_of_the_program_that_built_the_wall(behind: Behind) -> None:
    told = behind.python(
        "import os; print(os.readlink('/proc/1/exe'), os.access('/proc/1/exe', os.W_OK))"
    )
    program, writable = told.split()
    assert program.endswith("/bwrap")
    assert writable == "False"


@pytest.mark.skipif(os.geteuid() != 0, reason="an ordinary user cannot change these anyway")
def test_the_superuser_changes_no_setting_of_the_kernel(behind: Behind) -> None:
    for name in ("kernel/core_pattern", "kernel/printk", "vm/overcommit_memory"):
        same = f"cat /proc/sys/{name} > /proc/sys/{name}"
        assert "Read-only file system" in behind.run("sh", "-c", same).stderr
