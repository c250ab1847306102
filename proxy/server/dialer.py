"""Vetted dialling: resolve once, classify every address, connect to what was vetted.

The event loop's own `create_connection` is the one way out of the process, so the check stands
there: no code path can dial an address that was not looked at (invariant 11).
"""

import asyncio
import ipaddress
import socket
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final

from config.connector import DialAddress
from config.destination import is_ip_literal
from config.limits import DEFAULT_LIMITS
from proxy.policy.egress import refusal_of
from proxy.problems import ProblemCode

VETTED_FOR = 5.0  # seconds that a vetted answer is kept: the check before a tunnel and its dial
MAX_VETTED = 1024
MAX_LOOKUPS = 32  # names that are being looked up at once; more wait for their turn

DIAL_FAILURES: Final = frozenset(
    {
        ProblemCode.EGRESS_DENIED.value,
        ProblemCode.UPSTREAM_UNREACHABLE.value,
        ProblemCode.UPSTREAM_TIMEOUT.value,
        ProblemCode.LIMIT_EXCEEDED.value,  # not dialled at all
    }
)

type Resolve = Callable[[str, int], Awaitable[list[str]]]
type DialTable = Callable[[str, int], DialAddress | None]


class DialError(OSError):
    """No connection was made; its text is a problem code and nothing else (invariant 4)."""

    def __init__(self, code: ProblemCode) -> None:
        super().__init__(code.value)
        self.code = code


@dataclass(frozen=True, slots=True)
class _Vetted:
    until: float
    addresses: tuple[str, ...]


class Dialer:
    """Turns a host and port into the addresses that may be connected to.

    `connect_timeout`, in seconds, is for resolving, and again for connecting, shared out equally
    among the addresses of a name.
    """

    def __init__(
        self,
        *,
        dial_table: DialTable,
        resolve: Resolve,
        monotonic: Callable[[], float],
        is_own_address: Callable[[str], bool],
        connect_timeout: Callable[[], float] = lambda: DEFAULT_LIMITS.connect_timeout,
    ) -> None:
        self._dial_table = dial_table
        self._resolve = resolve
        self._monotonic = monotonic
        self._is_own_address = is_own_address
        self.connect_timeout = connect_timeout
        self._vetted: dict[str, _Vetted] = {}

    async def addresses(self, host: str, port: int) -> list[tuple[str, int]]:
        """Return where to connect, in order of preference, as IP addresses and ports.

        A connector's `dial` is taken as it is. Otherwise every address that the name resolves to
        must be open to agents: one that is not refuses the name. Raises DialError.
        """
        dial = self._dial_table(host, port)
        if dial is not None:
            return [(dial.address, dial.port)]
        return [(address, port) for address in await self._vet(host, port)]

    async def _vet(self, host: str, port: int) -> tuple[str, ...]:
        now = self._monotonic()
        known = self._vetted.get(host)
        if known is not None and known.until > now:
            return known.addresses
        try:
            async with asyncio.timeout(self.connect_timeout()):
                found = tuple(dict.fromkeys(await self._resolve(host, port)))
        except TimeoutError:
            raise DialError(ProblemCode.UPSTREAM_TIMEOUT) from None
        except OSError:
            raise DialError(ProblemCode.UPSTREAM_UNREACHABLE) from None
        if not found:
            raise DialError(ProblemCode.UPSTREAM_UNREACHABLE)
        if any(self._refused(address) for address in found):
            raise DialError(ProblemCode.EGRESS_DENIED)
        if len(self._vetted) >= MAX_VETTED:
            self._vetted.clear()
        self._vetted[host] = _Vetted(now + VETTED_FOR, found)
        return found

    def _refused(self, address: str) -> bool:
        return bool(refusal_of(ipaddress.ip_address(address))) or self._is_own_address(address)


class VettedLoop(asyncio.SelectorEventLoop):
    """An event loop that connects only to where its dialer says."""

    dialer: Dialer

    async def create_connection(  # type: ignore[override] # the stub lists every overload
        self,
        protocol_factory: Callable[[], asyncio.BaseProtocol],
        host: str | None = None,
        port: int | None = None,
        **options: Any,
    ) -> tuple[asyncio.BaseTransport, asyncio.BaseProtocol]:
        """Connect to a vetted address of a host; every failure is a DialError."""
        if host is None or port is None:
            raise DialError(ProblemCode.EGRESS_DENIED)
        return await self.connect_by(self.dialer, protocol_factory, host, port, **options)

    async def connect_by(
        self,
        dialer: Dialer,
        protocol_factory: Callable[[], asyncio.BaseProtocol],
        host: str,
        port: int,
        **options: Any,
    ) -> tuple[asyncio.BaseTransport, asyncio.BaseProtocol]:
        """Connect as another dialer says: one whose `dial` entries no agent can make use of."""
        failure = ProblemCode.UPSTREAM_UNREACHABLE
        found = await dialer.addresses(host, port)
        for address, number in found:
            try:
                async with asyncio.timeout(dialer.connect_timeout() / len(found)):
                    return await super().create_connection(
                        protocol_factory, address, number, **options
                    )
            except TimeoutError:
                failure = ProblemCode.UPSTREAM_TIMEOUT
            except OSError:
                continue
        raise DialError(failure)


# Threads of their own: lookups that hang must not take those in which a reload reads its files.
_LOOKUPS: Final = ThreadPoolExecutor(MAX_LOOKUPS, thread_name_prefix="lookup")

type Lookup = Callable[[str, int], list[Any]]


def _system_lookup(host: str, port: int) -> list[Any]:
    return socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)


async def resolve_by_system(host: str, port: int, lookup: Lookup = _system_lookup) -> list[str]:
    """Return the addresses of a host by the system's resolver. Raises OSError."""
    loop = asyncio.get_running_loop()
    found = await loop.run_in_executor(_LOOKUPS, lookup, host, port)
    return [str(info[4][0]) for info in found]


def resolve_complete_unless(
    is_declared: Callable[[str, int], bool], lookup: Lookup = _system_lookup
) -> Resolve:
    """Return a resolver that takes names for complete, except those that the operator declared.

    A name with a final dot is not tried below the machine's search domains, nor looked up in its
    hosts file: what an agent writes means what it would mean anywhere (RFC 1034, 3.1).
    """

    async def resolve(host: str, port: int) -> list[str]:
        complete = is_declared(host, port) or is_ip_literal(host)
        return await resolve_by_system(host if complete else f"{host}.", port, lookup)

    return resolve


def is_own_address(address: str) -> bool:
    """Tell whether an address is one of this machine's: the kernel would talk to itself.

    A connected UDP socket sends nothing; its source equals its destination only for addresses
    of our own.
    """
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect((address, 9))
            return bool(probe.getsockname()[0] == address)
    except OSError:
        return False
