import asyncio
import ipaddress
import socket
import threading
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.connector import DialAddress
from proxy.policy.egress import refusal_of
from proxy.problems import ProblemCode
from proxy.server.dialer import (
    VETTED_FOR,
    Dialer,
    DialError,
    VettedLoop,
    is_own_address,
    resolve_by_system,
    resolve_complete_unless,
)

PUBLIC, OTHER_PUBLIC = "93.184.216.34", "2606:2800:220:1::1"
PRIVATE = ("127.0.0.1", "10.0.0.1", "169.254.169.254", "::1", "fe80::1%eth0", "::ffff:10.0.0.1")
CANARY = "canary-errno-text"


@dataclass
class World:
    """DNS, the dial table, the clock and this machine's addresses, all made up."""

    names: dict[str, list[str]] = field(default_factory=dict)
    dials: dict[tuple[str, int], DialAddress] = field(default_factory=dict)
    own: set[str] = field(default_factory=set)
    fault: OSError | None = None
    asked: list[str] = field(default_factory=list)
    time: float = 100.0

    async def resolve(self, host: str, port: int) -> list[str]:  # noqa: ARG002
        self.asked.append(host)
        if self.fault is not None:
            raise self.fault
        return self.names.get(host, [])

    @property
    def dialer(self) -> Dialer:
        return Dialer(
            dial_table=lambda host, port: self.dials.get((host, port)),
            resolve=self.resolve,
            monotonic=lambda: self.time,
            is_own_address=self.own.__contains__,
        )


def run[T](work: Coroutine[Any, Any, T]) -> T:
    with asyncio.Runner() as runner:
        return runner.run(work)


def refusal(dialer: Dialer, host: str, port: int = 443) -> ProblemCode:
    with pytest.raises(DialError) as caught:
        run(dialer.addresses(host, port))
    assert str(caught.value) == caught.value.code.value
    assert caught.value.args == (caught.value.code.value,)
    assert caught.value.errno is None
    assert caught.value.__suppress_context__ or caught.value.__context__ is None
    return caught.value.code


def test_a_name_becomes_its_addresses_each_once_in_order() -> None:
    world = World({"a.example": [OTHER_PUBLIC, PUBLIC, OTHER_PUBLIC]})
    found = run(world.dialer.addresses("a.example", 8443))
    assert found == [(OTHER_PUBLIC, 8443), (PUBLIC, 8443)]


@pytest.mark.parametrize("address", PRIVATE)
def test_invariant_11_a_name_that_leads_inside_is_refused(address: str) -> None:
    """F03, F05."""
    world = World({"a.example": [address]})
    assert refusal(world.dialer, "a.example") is ProblemCode.EGRESS_DENIED


@pytest.mark.parametrize("answers", [[PUBLIC, "10.0.0.1"], ["10.0.0.1", PUBLIC]])
def test_invariant_11_one_address_inside_refuses_the_whole_answer(answers: list[str]) -> None:
    """F04."""
    world = World({"a.example": answers})
    assert refusal(world.dialer, "a.example") is ProblemCode.EGRESS_DENIED


def test_invariant_11_an_address_of_our_own_is_refused() -> None:
    """A29: our public address leads back to us."""
    world = World({"a.example": [PUBLIC]}, own={PUBLIC})
    assert refusal(world.dialer, "a.example") is ProblemCode.EGRESS_DENIED


def test_invariant_11_only_what_dial_names_is_exempt_and_dns_is_not_asked() -> None:
    world = World(own={"10.0.0.1"}, names={"a.example": ["10.0.0.1"]})
    world.dials["a.example", 443] = DialAddress("10.0.0.1", 8443)
    assert run(world.dialer.addresses("a.example", 443)) == [("10.0.0.1", 8443)]
    assert world.asked == []
    assert refusal(world.dialer, "a.example", 80) is ProblemCode.EGRESS_DENIED


@given(st.lists(st.ip_addresses(), max_size=4), st.sets(st.ip_addresses(), max_size=2))
def test_invariant_11_nothing_is_returned_that_was_not_vetted(
    answers: list[ipaddress.IPv4Address | ipaddress.IPv6Address],
    own: set[ipaddress.IPv4Address | ipaddress.IPv6Address],
) -> None:
    world = World({"a.example": [str(a) for a in answers]}, own={str(a) for a in own})
    safe = answers and all(refusal_of(a) is None and a not in own for a in answers)
    if safe:
        found = run(world.dialer.addresses("a.example", 443))
        assert {ipaddress.ip_address(address) for address, _ in found} == set(answers)
    else:
        refusal(world.dialer, "a.example")


def test_what_was_vetted_is_what_is_dialled_even_when_dns_has_turned() -> None:
    """F04: the check before a tunnel and the dial behind it see one answer."""
    world = World({"a.example": [PUBLIC]})
    dialer = world.dialer
    run(dialer.addresses("a.example", 443))
    world.names["a.example"] = ["10.0.0.1"]
    world.time += VETTED_FOR - 0.1
    assert run(dialer.addresses("a.example", 443)) == [(PUBLIC, 443)]
    assert world.asked == ["a.example"]


def test_an_answer_that_is_old_is_vetted_anew() -> None:
    """F17."""
    world = World({"a.example": [PUBLIC]})
    dialer = world.dialer
    run(dialer.addresses("a.example", 443))
    world.names["a.example"] = ["10.0.0.1"]
    world.time += VETTED_FOR
    assert refusal(dialer, "a.example") is ProblemCode.EGRESS_DENIED


def test_a_refusal_is_not_remembered() -> None:
    world = World({"a.example": ["10.0.0.1"]})
    dialer = world.dialer
    refusal(dialer, "a.example")
    world.names["a.example"] = [PUBLIC]
    assert run(dialer.addresses("a.example", 443)) == [(PUBLIC, 443)]


def test_invariant_13_remembered_answers_are_bounded() -> None:
    world = World({f"n{number}.example": [PUBLIC] for number in range(3000)})
    dialer = world.dialer

    async def ask_all() -> None:
        for name in world.names:
            await dialer.addresses(name, 443)

    run(ask_all())
    assert len(dialer._vetted) <= 1024


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        (socket.gaierror(-2, CANARY), ProblemCode.UPSTREAM_UNREACHABLE),
        (OSError(113, CANARY), ProblemCode.UPSTREAM_UNREACHABLE),
        (TimeoutError(110, CANARY), ProblemCode.UPSTREAM_TIMEOUT),
        (None, ProblemCode.UPSTREAM_UNREACHABLE),
    ],
)
def test_invariant_04_a_name_that_does_not_resolve_is_a_code_and_no_more(
    fault: OSError | None, code: ProblemCode
) -> None:
    """F13."""
    assert refusal(World(fault=fault).dialer, "a.example") is code


class Greeter:
    """A listener on loopback that counts who came."""

    def __init__(self) -> None:
        self.visitors = 0
        self.port = 0

    async def serve(self) -> asyncio.Server:
        def greet(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            self.visitors += 1
            writer.write(b"hello")
            writer.close()

        server = await asyncio.start_server(greet, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        return server


@contextmanager
def vetted_runner(world: World) -> Iterator[asyncio.Runner]:
    with asyncio.Runner(loop_factory=VettedLoop) as runner:
        loop = runner.get_loop()
        assert isinstance(loop, VettedLoop)
        loop.dialer = world.dialer
        yield runner


def dial(world: World, host: str | None, port: int | None, **options: Any) -> tuple[bytes, int]:
    """Connect through a vetted loop while a greeter listens; return what it said and its count."""

    async def connect() -> tuple[bytes, int]:
        greeter = Greeter()
        async with await greeter.serve():
            world.dials["dialled.example", 443] = DialAddress("127.0.0.1", greeter.port)
            number = greeter.port if port == 0 else port
            try:
                reader, writer = await asyncio.open_connection(host, number, **options)
            except DialError as error:
                return str(error).encode(), greeter.visitors
            said = await reader.read()
            writer.close()
            await writer.wait_closed()
            return said, greeter.visitors

    with vetted_runner(world) as runner:
        return runner.run(connect())


def test_a_real_connection_is_made_to_what_dial_names() -> None:
    assert dial(World(), "dialled.example", 443) == (b"hello", 1)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "a.example"])
def test_invariant_11_no_real_connection_is_made_to_loopback(host: str) -> None:
    """Whatever code in this process asks for it."""
    world = World({"127.0.0.1": ["127.0.0.1"], "localhost": ["127.0.0.1"]})
    world.names["a.example"] = ["127.0.0.1"]
    assert dial(world, host, 0) == (b"egress-denied", 0)


def test_invariant_11_a_socket_of_ones_own_is_no_way_around() -> None:
    with socket.socket() as mine:
        assert dial(World(), None, None, sock=mine) == (b"egress-denied", 0)


def test_invariant_04_a_refused_connection_is_a_code_and_no_more() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    world = World(dials={("gone.example", 443): DialAddress("127.0.0.1", port)})
    assert dial(world, "gone.example", 443) == (b"upstream-unreachable", 0)


def test_the_systems_resolver_answers_for_addresses() -> None:
    assert run(resolve_by_system("127.0.0.1", 443)) == ["127.0.0.1"]


def test_only_declared_names_may_be_completed_by_the_machine() -> None:
    """F21: `intranet.example` must not become `intranet.example.corp`, nor a line of a hosts file."""
    asked: list[str] = []

    def lookup(host: str, port: int) -> list[Any]:
        asked.append(host)
        return [(0, 0, 0, "", (PUBLIC, port))]

    resolve = resolve_complete_unless(lambda host, port: (host, port) == ("own", 443), lookup)

    async def ask_all() -> None:
        for host in ("own", "a.example", "93.184.216.34", "2606:2800:220:1::1"):
            assert await resolve(host, 443) == [PUBLIC]

    run(ask_all())
    assert asked == ["own", "a.example.", "93.184.216.34", "2606:2800:220:1::1"]


def test_names_whose_lookup_hangs_do_not_hold_up_what_else_runs_in_threads() -> None:
    """A reload reads its files in the loop's own threads; an agent can make many names hang."""
    stuck = threading.Event()

    def hang(_host: str, port: int) -> list[Any]:
        assert stuck.wait(60)
        return [(0, 0, 0, "", (PUBLIC, port))]

    async def reload_beside_them() -> list[list[str]]:
        names = [
            asyncio.ensure_future(resolve_by_system("slow.example", 443, hang)) for _ in range(64)
        ]
        await asyncio.sleep(0)  # each asks for a thread
        try:
            async with asyncio.timeout(30):
                assert await asyncio.to_thread(lambda: "read") == "read"
        finally:
            stuck.set()
        return await asyncio.gather(*names)

    assert run(reload_beside_them()) == [[PUBLIC]] * 64


@pytest.mark.parametrize(("address", "own"), [("127.0.0.1", True), ("192.0.2.1", False)])
def test_our_own_addresses_are_known_by_the_kernels_routes(address: str, own: bool) -> None:
    assert is_own_address(address) is own


def test_invariant_13_a_resolver_that_says_nothing_is_a_timeout() -> None:
    async def silence(_host: str, _port: int) -> list[str]:
        await asyncio.Event().wait()
        return []

    dialer = Dialer(
        dial_table=lambda _host, _port: None,
        resolve=silence,
        monotonic=lambda: 0.0,
        is_own_address=lambda _address: False,
        connect_timeout=lambda: 0.05,
    )
    assert refusal(dialer, "a.example") is ProblemCode.UPSTREAM_TIMEOUT
