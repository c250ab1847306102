"""Talking to loopback servers that stand in for hosts, through the real driver."""

import asyncio
import os
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from config.connector import DialAddress
from proxy.oauth.driver import HttpDriver
from proxy.oauth.driver_interface import HttpResponse
from proxy.server.dialer import Dialer, VettedLoop


@dataclass(frozen=True)
class Ask:
    """A request as the driver takes it."""

    url: str
    method: str = "POST"
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = field(default=b"", repr=False)


def driver_to(
    dials: Mapping[str, str],
    ca_pem: bytes,
    folder: Path,
    *,
    resolved: str = "127.0.0.1",
    time_limit: float = 20,
) -> HttpDriver:
    """Return a driver that knows `dials` (host to `address:port`) and trusts one CA.

    Every other host resolves to `resolved`.
    """
    # A file of this process: several may be made at once for one folder.
    roots = folder / f"roots-{os.getpid()}.pem"
    roots.write_bytes(ca_pem)

    def dial(host: str, _port: int) -> DialAddress | None:
        address, _, port = dials.get(host, "").rpartition(":")
        return DialAddress(address, int(port)) if address else None

    async def resolve(_host: str, _port: int) -> list[str]:
        return [resolved]

    dialer = Dialer(
        dial_table=dial, resolve=resolve, monotonic=lambda: 0.0, is_own_address=lambda _: False
    )
    return HttpDriver(dialer, roots, time_limit=time_limit)


def on_vetted_loop[T](run: Callable[[], Awaitable[T]]) -> T:
    """Run to its end what needs a loop that dials by the rules; by itself that loop goes nowhere."""

    async def main() -> T:
        return await run()

    def nowhere() -> VettedLoop:
        loop = VettedLoop()
        loop.dialer = Dialer(
            dial_table=lambda _host, _port: None,
            resolve=_no_one,
            monotonic=lambda: 0.0,
            is_own_address=lambda _: True,
        )
        return loop

    with asyncio.Runner(loop_factory=nowhere) as runner:
        return runner.run(main())


def send(driver: HttpDriver, ask: Ask) -> HttpResponse:
    """Send one request from a fresh loop."""
    return on_vetted_loop(lambda: driver.send(ask))


async def _no_one(_host: str, _port: int) -> list[str]:
    return []
