"""The load: closed-loop clients on asyncio, as thin as a client through a proxy can be."""

import asyncio
import os
import ssl
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from statistics import quantiles

PATH = "/crm/v3/objects/contacts"
PATIENCE = 20.0  # seconds for one answer


class Scenario(StrEnum):
    """What the clients do over and over."""

    KEEP_ALIVE_HTTP = "keep-alive HTTP"
    KEEP_ALIVE_HTTPS = "keep-alive HTTPS"
    NEW_TUNNELS = "new tunnels"


@dataclass(frozen=True, slots=True)
class Target:
    """A proxy, its process, and how to speak through it; `host` and `path` are what is asked for.

    `authorization` is the value of Proxy-Authorization, or empty.
    """

    pid: int
    port: int
    host: str
    authorization: str
    context: ssl.SSLContext
    path: str = PATH

    @property
    def proxy_field(self) -> str:
        return f"Proxy-Authorization: {self.authorization}\r\n" if self.authorization else ""


@dataclass(frozen=True, slots=True)
class Sample:
    """One measurement: requests per second, CPU microseconds of each, latencies in milliseconds."""

    rate: float
    cpu: float
    p50: float
    p99: float


class WrongAnswerError(Exception):
    """A proxy answered something else than 200."""


type Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]
type Turn = Callable[[], Coroutine[None, None, None]]


def measure(target: Target, scenario: Scenario, *, clients: int, seconds: float) -> Sample:
    """Run the load for a quarter of the time unmeasured, then for all of it measured.

    Before that each client has had one answer, so no connection is set up in measured time that
    is not part of the scenario. Raises WrongAnswerError (in an ExceptionGroup) or TimeoutError.
    """
    return asyncio.run(_measure(target, scenario, clients, seconds))


async def _measure(target: Target, scenario: Scenario, clients: int, seconds: float) -> Sample:
    async with AsyncExitStack() as stack:
        turns = [await _client(target, scenario, stack) for _ in range(clients)]
        async with asyncio.timeout(PATIENCE), asyncio.TaskGroup() as group:
            for turn in turns:
                group.create_task(turn())
        start = time.perf_counter() + seconds / 4
        async with asyncio.TaskGroup() as group:
            end = start + seconds
            runs = [group.create_task(_repeat(turn, start, end)) for turn in turns]
            spent = group.create_task(_cpu_between(target.pid, start, end))
    latencies = [latency for run in runs for latency in run.result()]
    if len(latencies) < 2:
        raise TimeoutError(f"{scenario}: no two answers within {seconds} s")
    centiles = quantiles(latencies, n=100)
    return Sample(
        rate=len(latencies) / seconds,
        cpu=spent.result() / len(latencies) * 1e6,
        p50=centiles[49] * 1000,
        p99=centiles[98] * 1000,
    )


async def _cpu_between(pid: int, start: float, end: float) -> float:
    """Return the CPU seconds that a process takes between two moments."""
    await asyncio.sleep(start - time.perf_counter())
    before = cpu_seconds(pid)
    await asyncio.sleep(end - time.perf_counter())
    return cpu_seconds(pid) - before


def cpu_seconds(pid: int) -> float:
    """Return what a process has taken so far, all threads, user and system (proc_pid_stat(5))."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def _repeat(turn: Turn, start: float, end: float) -> list[float]:
    """Take turns until the end; return the durations of those that began and ended in time."""
    latencies = []
    while (began := time.perf_counter()) < end:
        async with asyncio.timeout(PATIENCE):
            await turn()
        ended = time.perf_counter()
        if start <= began and ended <= end:
            latencies.append(ended - began)
    return latencies


async def _client(target: Target, scenario: Scenario, stack: AsyncExitStack) -> Turn:
    """Return what one client repeats; a connection that it keeps is closed with the stack."""
    match scenario:
        case Scenario.KEEP_ALIVE_HTTP:
            connection = await stack.enter_async_context(_connection(target))
            head = _head(target, f"http://{target.host}{target.path}", target.proxy_field)
            return lambda: _exchange(connection, head)
        case Scenario.KEEP_ALIVE_HTTPS:
            tunnel = await stack.enter_async_context(_tunnel(target))
            head = _head(target, target.path)
            return lambda: _exchange(tunnel, head)
        case Scenario.NEW_TUNNELS:
            return lambda: _once(target)


async def _once(target: Target) -> None:
    async with _tunnel(target) as tunnel:
        await _exchange(tunnel, _head(target, target.path))


@asynccontextmanager
async def _connection(target: Target) -> AsyncIterator[Connection]:
    reader, writer = await asyncio.open_connection("127.0.0.1", target.port)
    try:
        yield reader, writer
    finally:
        writer.transport.abort()
        with suppress(OSError):
            await writer.wait_closed()


@asynccontextmanager
async def _tunnel(target: Target) -> AsyncIterator[Connection]:
    async with _connection(target) as (reader, writer):
        writer.write(
            f"CONNECT {target.host}:443 HTTP/1.1\r\nHost: {target.host}:443\r\n"
            f"{target.proxy_field}\r\n".encode()
        )
        _require_200(await reader.readuntil(b"\r\n\r\n"))
        await writer.start_tls(target.context, server_hostname=target.host)
        yield reader, writer


def _head(target: Target, path: str, fields: str = "") -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: {target.host}\r\n{fields}\r\n".encode()


async def _exchange(connection: Connection, head: bytes) -> None:
    reader, writer = connection
    writer.write(head)
    answer = await reader.readuntil(b"\r\n\r\n")
    _require_200(answer)
    fields = answer.lower()
    if b"transfer-encoding: chunked" in fields:
        await _skip_chunks(reader)
    else:
        length = fields.partition(b"content-length:")[2].partition(b"\r\n")[0]
        await reader.readexactly(int(length))


async def _skip_chunks(reader: asyncio.StreamReader) -> None:
    while size := int(await reader.readline(), 16):
        await reader.readexactly(size + 2)
    await reader.readline()


def _require_200(answer: bytes) -> None:
    if not answer.startswith(b"HTTP/1.1 200 "):
        raise WrongAnswerError(answer.partition(b"\r\n")[0].decode("latin-1"))
