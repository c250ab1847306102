"""The filter, run by a small machine of our own: what it answers for any call."""

import errno
import re
import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from admin.sandbox.seccomp import (
    ABSENT,
    DENIED,
    NEW_NAMESPACES,
    OTHER_REQUESTS,
    TERMINAL_INPUT,
    X32_BIT,
    Instruction,
    build_filter,
    encode_filter,
)
from admin.sandbox.syscalls import ARCHITECTURES, LAST_KNOWN, Architecture

ALLOWED = "allowed"
WORD = 1 << 64
HEADERS = {
    "x86_64": Path("/usr/include/x86_64-linux-gnu/asm/unistd_64.h"),
    "aarch64": Path("/usr/include/asm-generic/unistd.h"),
}
each = pytest.mark.parametrize("architecture", ARCHITECTURES.values(), ids=lambda a: a.name)
upper_halves = st.integers(0, 2**32 - 1).map(lambda half: half << 32)


def ask(program: list[Instruction], number: int, *arguments: int, audit: int) -> str | int:
    """Return what a filter answers: `allowed`, or the number of an error."""
    given = [*arguments, 0, 0, 0, 0, 0, 0][:6]
    data = struct.pack("=IIQ6Q", number, audit, 0, *(a % WORD for a in given))
    accumulator, at = 0, 0
    while True:
        step = program[at]
        at += 1
        match step.code:
            case 0x20:
                (accumulator,) = struct.unpack_from("=I", data, step.value)
            case 0x15:
                at += step.if_true if accumulator == step.value else step.if_false
            case 0x25:
                at += step.if_true if accumulator > step.value else step.if_false
            case 0x45:
                at += step.if_true if accumulator & step.value else step.if_false
            case 0x54:
                accumulator &= step.value
            case 0x06:
                return ALLOWED if step.value == 0x7FFF0000 else step.value & 0xFFFF


class Filter:
    def __init__(self, architecture: Architecture) -> None:
        self._architecture = architecture
        self._program = build_filter(architecture)

    def __call__(self, name: str | int, *arguments: int) -> str | int:
        number = self._architecture.numbers[name] if isinstance(name, str) else name
        return ask(self._program, number, *arguments, audit=self._architecture.audit)


@each
def test_what_is_denied_is_denied_whatever_its_arguments(architecture: Architecture) -> None:
    answer = Filter(architecture)
    for name in set(DENIED) & architecture.numbers.keys():
        assert answer(name, WORD - 1, WORD - 1, WORD - 1) == errno.EPERM, name
        assert answer(name) == errno.EPERM, name
    for name in ABSENT:
        assert answer(name) == errno.ENOSYS


@each
@given(number=st.integers(0, LAST_KNOWN), arguments=st.lists(st.integers(0, WORD - 1), max_size=6))
def test_any_call_that_is_not_named_is_allowed(
    architecture: Architecture, number: int, arguments: list[int]
) -> None:
    if number not in architecture.numbers.values():
        assert Filter(architecture)(number, *arguments) == ALLOWED


@each
@given(number=st.integers(LAST_KNOWN + 1, 2**32 - 1))
def test_a_call_that_is_newer_than_the_list_or_of_x32_is_not_there(
    architecture: Architecture, number: int
) -> None:
    assert Filter(architecture)(number) == errno.ENOSYS
    assert Filter(architecture)(number | X32_BIT) == errno.ENOSYS


@each
@given(audit=st.integers(0, 2**32 - 1), number=st.integers(0, LAST_KNOWN))
def test_no_call_of_another_architecture_is_there(
    architecture: Architecture, audit: int, number: int
) -> None:
    program = build_filter(architecture)
    if audit != architecture.audit:
        assert ask(program, number, audit=audit) == errno.ENOSYS


class TestArguments:
    @each
    @given(upper=upper_halves, request=st.sampled_from((*TERMINAL_INPUT, *OTHER_REQUESTS)))
    def test_no_request_that_is_denied_is_made_whatever_the_upper_half_says(
        self, architecture: Architecture, upper: int, request: int
    ) -> None:
        assert Filter(architecture)("ioctl", 0, upper | request) == errno.EPERM

    @each
    def test_requests_that_are_denied_are_those_of_the_kernels_headers(
        self, architecture: Architecture
    ) -> None:
        snapshots = [1 << 30 | 4096 << 16 | 0x94 << 8 | number for number in (1, 23)]
        for request in (0x5412, 0x541C, 0x541D, 0x5423, *snapshots):
            assert Filter(architecture)("ioctl", 0, request) == errno.EPERM

    @each
    def test_other_requests_of_terminals_are_allowed(self, architecture: Architecture) -> None:
        for request in (0x5401, 0x5413, 0x540E, 0x5411):
            assert Filter(architecture)("ioctl", 0, request) == ALLOWED

    @each
    @given(flag=st.sampled_from([1 << bit for bit in range(32) if NEW_NAMESPACES >> bit & 1]))
    def test_no_namespace_is_made(self, architecture: Architecture, flag: int) -> None:
        assert Filter(architecture)("clone", flag | 17) == errno.EPERM
        assert Filter(architecture)("unshare", flag) == errno.EPERM

    @each
    def test_forks_and_threads_are_made(self, architecture: Architecture) -> None:
        assert Filter(architecture)("clone", 17) == ALLOWED
        assert Filter(architecture)("clone", 0x3D0F00) == ALLOWED  # pthread_create(3)
        assert Filter(architecture)("unshare", 0x200) == ALLOWED
        assert Filter(architecture)("unshare", 0x80) == errno.EPERM  # a time namespace

    @each
    @given(upper=upper_halves, family=st.integers(0, 64), protocol=st.integers(0, 300))
    def test_sockets_are_unix_tcp_udp_and_routes_alone(
        self, architecture: Architecture, upper: int, family: int, protocol: int
    ) -> None:
        answer = Filter(architecture)("socket", upper | family, 1, upper | protocol)
        if family == 1:
            assert answer == ALLOWED
        elif family in {2, 10}:
            assert answer == (ALLOWED if protocol in {0, 6, 17} else errno.EPROTONOSUPPORT)
        elif family == 16:
            assert answer == (ALLOWED if protocol == 0 else errno.EPROTONOSUPPORT)
        else:
            assert answer == errno.EAFNOSUPPORT

    @each
    @given(upper=upper_halves, kind=st.integers(0, 15), flags=st.sampled_from([0, 0x80800]))
    def test_a_sockets_type_brings_no_other_protocol(
        self, architecture: Architecture, upper: int, kind: int, flags: int
    ) -> None:
        for family in (2, 10):
            answer = Filter(architecture)("socket", family, upper | flags | kind, 0)
            assert answer == (ALLOWED if kind in {1, 2} else errno.EPROTONOSUPPORT)

    @each
    def test_no_code_of_the_kernels_takes_a_connection_over(
        self, architecture: Architecture
    ) -> None:
        answer = Filter(architecture)
        assert answer("setsockopt", 3, 6, 31) == errno.ENOENT
        assert answer("setsockopt", 3, 6, 1) == ALLOWED
        assert answer("setsockopt", 3, 1, 31) == ALLOWED

    @each
    @given(mode=st.integers(0, 0o7777))
    def test_no_file_gets_a_bit_that_makes_it_run_as_its_owner(
        self, architecture: Architecture, mode: int
    ) -> None:
        answer = Filter(architecture)
        wanted = errno.EPERM if mode & 0o6000 else ALLOWED
        for name, place in {
            "chmod": 1,
            "fchmod": 1,
            "fchmodat": 2,
            "mknod": 1,
            "mknodat": 2,
        }.items():
            if name in architecture.numbers:
                assert answer(name, *[0] * place, mode) == wanted, name
        assert answer("openat", 0, 0, 0o101, mode) == wanted
        assert answer("openat", 0, 0, 0, mode) == ALLOWED  # nothing is made, the mode is anything

    @each
    def test_a_personality_may_be_asked_for_and_addresses_may_be_fixed_for_debuggers(
        self, architecture: Architecture
    ) -> None:
        answer = Filter(architecture)
        assert answer("personality", 0xFFFFFFFF) == ALLOWED
        assert answer("personality", 0x0040000) == ALLOWED
        assert answer("personality", 0x0100000) == errno.EPERM  # mmap at address 0 and the like


@each
def test_every_jump_ends_inside_the_program_and_the_kernel_takes_its_length(
    architecture: Architecture,
) -> None:
    program = build_filter(architecture)
    for at, step in enumerate(program):
        if step.code in {0x15, 0x25, 0x45}:
            assert at + 1 + max(step.if_true, step.if_false) < len(program)
            assert max(step.if_true, step.if_false) <= 255
    assert len(program) <= 4096
    assert len(encode_filter(program)) == 8 * len(program)


@each
def test_numbers_are_those_of_the_kernels_own_headers(architecture: Architecture) -> None:
    header = HEADERS[architecture.name]
    if not header.exists():
        pytest.skip("the kernel's headers are not installed")
    pattern = re.compile(r"^#define __NR(?:3264)?_(\w+)\s+(\d+)", re.MULTILINE)
    known = {name: int(number) for name, number in pattern.findall(header.read_text())}
    ours = architecture.numbers
    assert {n: ours[n] for n in ours.keys() & known} == {n: known[n] for n in ours.keys() & known}
    assert len(ours.keys() & known) > 50
