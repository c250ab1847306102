"""A small process of its own that renews tokens, so that killing the proxy loses none.

Between a provider's answer and the disk, a rotated refresh token is nowhere but in the memory of
whoever asked. A provider that revokes everything when the old one comes back forgives nothing
there. So the proxy does not ask itself: it has the keeper ask, which is forked off before there
are threads and connections, leaves the proxy's session, finishes what it began when the proxy is
gone, and then ends. Where the keeper itself is gone, the proxy goes on without it.
"""

import asyncio
import json
import os
import signal
import socket
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any, Final

import structlog

from config.connector import Connector, binding_of
from config.errors import KeyhatchError
from proxy.oauth.rotation import Rotation
from proxy.oauth.store import Held
from proxy.oauth.token_set import dump, load
from proxy.secret import Secret
from proxy.vault.refresh_state import Condition, RefreshState

_LINE: Final = 2 * 1024 * 1024  # bytes; a token set has two tokens of at most 64 KiB each, escaped
_STANDARD: Final = 3  # standard input, output and error stay
ENDING: Final = 10.0  # seconds that a proxy which ends waits for its keeper
UNSAVED_PATIENCE: Final = 3600.0  # seconds that a keeper outlives its proxy for a full disk
log = structlog.get_logger()

type Find = Callable[[str], Connector | None]


def fork_keeper(run: Callable[[socket.socket], None]) -> socket.socket:
    """Start a keeper; return the end of the socket to give to a KeptRotation.

    Called while the process has one thread and no open database. `run` is what the keeper does;
    it returns when the other end is closed. The keeper is nobody's child that is waited for.
    """
    ours, theirs = socket.socketpair()
    first = os.fork()
    if first == 0:
        _detach(run, theirs)
    theirs.close()
    os.waitpid(first, 0)
    return ours


def _detach(run: Callable[[socket.socket], None], theirs: socket.socket) -> None:
    code = 1
    try:
        os.setsid()
        if os.fork() == 0:
            _close_all_but(theirs.fileno())
            os.dup(theirs.fileno())  # stays open to the end: the proxy sees when that is
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                signal.signal(number, signal.SIG_IGN)  # it ends with its proxy, not before
            run(theirs)
        code = 0
    finally:
        os._exit(code)


def _close_all_but(descriptor: int) -> None:
    """Let go of what was inherited: whoever waits for the other end of a pipe is not kept."""
    os.closerange(_STANDARD, descriptor)
    os.closerange(descriptor + 1, os.sysconf("SC_OPEN_MAX"))


async def keep(channel: socket.socket, rotation: Rotation, find: Find) -> None:
    """Renew what the proxy asks for, until it is gone and all that was begun is on disk.

    `find` gives the connector of a slug as it is declared now.
    """
    reader, writer = await asyncio.open_unix_connection(sock=channel, limit=_LINE)
    under_way: set[asyncio.Task[None]] = set()
    try:
        while line := await _line(reader):
            task = asyncio.create_task(_answer(json.loads(line), rotation, find, writer))
            under_way.add(task)
            task.add_done_callback(under_way.discard)
        if under_way:
            await asyncio.wait(under_way)
        await rotation.settle(UNSAVED_PATIENCE)
    finally:
        await rotation.close()
        writer.close()


class KeptRotation:
    """A Rotation whose renewals are done by a keeper; reads are its own."""

    def __init__(self, local: Rotation, channel: socket.socket) -> None:
        self._local = local
        self._channel = channel
        self._waiting: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._writer: asyncio.StreamWriter | None = None
        self._listener: asyncio.Task[None] | None = None
        self._gone = False
        self._ending = False
        self._opening = asyncio.Lock()
        self._number = 0

    async def read(self, connector: Connector) -> Held:
        """Return the newest tokens, as Rotation.read."""
        return await self._local.read(connector)

    async def durably[**P, T](self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a call to the store in a thread, as Rotation.durably."""
        return await self._local.durably(call, *args, **kwargs)

    async def renew(self, connector: Connector, refused: int | None = None) -> Held:
        """Return the newest tokens, renewed by the keeper if that is still due."""
        answer = await self._ask(connector, refused)
        if answer is None:
            return await self._local.renew(connector, refused)
        if answer["held"] is None:
            return await self._local.read(connector)
        return _held(answer["held"])

    async def close(self) -> None:
        """End the keeper; one that cannot finish soon is left to finish by itself."""
        writer = await self._open()
        self._ending = True
        with suppress(OSError):
            writer.write_eof()
        if self._listener is not None:
            await asyncio.wait({self._listener}, timeout=ENDING)
            self._listener.cancel()
        writer.close()
        await self._local.close()

    async def _ask(self, connector: Connector, refused: int | None) -> dict[str, Any] | None:
        """Return the keeper's answer, or None where there is no keeper any more."""
        writer = await self._open()
        number = self._number = self._number + 1
        question = {
            "number": number,
            "connector": connector.slug,
            "binding": binding_of(connector).hex(),
            "refused": refused,
        }
        if self._gone:
            return None
        answer: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._waiting[number] = answer
        try:
            writer.write(json.dumps(question).encode() + b"\n")
            return await answer
        except ConnectionError:
            return None
        finally:
            self._waiting.pop(number, None)

    async def _open(self) -> asyncio.StreamWriter:
        async with self._opening:
            if self._writer is None:
                reader, self._writer = await asyncio.open_unix_connection(
                    sock=self._channel, limit=_LINE
                )
                self._listener = asyncio.create_task(self._listen(reader))
        return self._writer

    async def _listen(self, reader: asyncio.StreamReader) -> None:
        while line := await _line(reader):
            answer = json.loads(line)
            waiting = self._waiting.get(answer["number"])
            if waiting is not None and not waiting.done():
                waiting.set_result(answer)
        self._gone = True
        if not self._ending:
            log.error("the token keeper is gone, tokens are renewed by the proxy itself")
        for waiting in self._waiting.values():
            if not waiting.done():
                waiting.set_exception(ConnectionError())


async def _answer(
    question: dict[str, Any], rotation: Rotation, find: Find, writer: asyncio.StreamWriter
) -> None:
    """Renew, and tell of it only what is not on disk: the proxy reads the rest for itself."""
    held: Held | None = None
    try:
        connector = find(question["connector"])
        if connector is not None and binding_of(connector).hex() == question["binding"]:
            held = await rotation.renew(connector, question["refused"])
    except KeyhatchError as error:
        log.warning("nothing renewed", connector=question["connector"], error=str(error))
    except Exception as error:  # noqa: BLE001 - text and trace may hold tokens
        log.error("renewal failed", fault=type(error).__name__)  # noqa: TRY400
    unsaved = None if held is None or held.saved else _written(held)
    answer = {"number": question["number"], "held": unsaved}
    if not writer.is_closing():
        writer.write(json.dumps(answer).encode() + b"\n")


async def _line(reader: asyncio.StreamReader) -> bytes:
    """Return the next line, or nothing at the end, also a sudden one."""
    try:
        return await reader.readline()
    except (ConnectionError, ValueError):
        return b""


def _written(held: Held) -> dict[str, Any]:
    state = {
        name: value.timestamp() if isinstance(value, datetime) else value
        for name, value in asdict(held.state).items()
    }
    token_set = None if held.token_set is None else dump(held.token_set).reveal()
    return {"token_set": token_set, "state": state}


def _held(written: dict[str, Any]) -> Held:
    state: dict[str, Any] = {
        name: datetime.fromtimestamp(value, UTC) if isinstance(value, float) else value
        for name, value in written["state"].items()
    }
    state["condition"] = Condition(written["state"]["condition"])
    token_set = None if written["token_set"] is None else load(Secret(written["token_set"]))
    return Held(token_set, RefreshState(**state), saved=False)
