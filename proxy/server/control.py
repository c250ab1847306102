"""The control socket of a running proxy: status, reload, leases, stop. For its own user only."""

import asyncio
import contextlib
import json
import os
import socket
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Protocol

from config.errors import KeyhatchError, NotFoundError, UsageError
from config.home import FILE_MODE, Home
from config.placeholders import placeholders_of
from config.sandbox import require_wall_for
from proxy.callers import Callers, Lease
from proxy.engine import Engine
from proxy.secret import Secret
from proxy.server.approval_desk import DESK_OPS, Message, answer_desk, unknown_request
from proxy.server.disclosure import Disclosure
from proxy.server.socket_path import control_path, peer_is_us, short_address
from proxy.vault.tokens import token_digest

MAX_MESSAGE = 64 * 1024
MAX_WORD = 256


class LeaseDoors(Protocol):
    """Unix sockets that each stand for one lease, so that its holder needs no token."""

    async def open_for(self, token: Secret) -> Path:
        """Listen on a new socket for a lease. Raises KeyhatchError."""

    def close_for(self, token: Secret) -> None:
        """Remove a lease's socket, if it has one."""


class ControlServer:
    """Answers the operator's own processes; a lease lasts as long as its connection."""

    def __init__(
        self,
        engine: Engine,
        *,
        status: Callable[[], Message],
        refresh: Callable[[], Awaitable[Message]],
        stop: Callable[[], None],
        leases_changed: Callable[[int], None],
        doors: LeaseDoors,
        page_link: Callable[[], str],
        disclosure: Disclosure,
    ) -> None:
        self._engine = engine
        self._status = status
        self._refresh = refresh
        self._stop = stop
        self._leases_changed = leases_changed
        self._doors = doors
        self._page_link = page_link
        self._disclosure = disclosure
        self._server: asyncio.Server | None = None
        self.listen = ""

    async def start(self, home: Home) -> None:
        """Listen on the home's control socket, in place of a dead process's."""
        path = control_path(home)
        path.unlink(missing_ok=True)
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        with short_address(path) as address:
            listener.bind(address)
        os.chmod(path, FILE_MODE)  # noqa: PTH101 - beside the bind
        self._server = await asyncio.start_unix_server(
            self._serve, sock=listener, limit=MAX_MESSAGE
        )

    async def stop(self, home: Home) -> None:
        """Stop listening and remove the socket."""
        if self._server is not None:
            self._server.close()
        control_path(home).unlink(missing_ok=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        leases: list[Secret] = []
        try:
            if not peer_is_us(writer.get_extra_info("socket")):
                return
            while line := await reader.readline():
                reply = await self._reply(line, leases)
                writer.write(json.dumps(reply).encode() + b"\n")
                await writer.drain()
        except (OSError, ValueError):
            return
        finally:
            for token in leases:
                self._doors.close_for(token)
                self._callers.close_lease(token)
            if leases:
                self._leases_changed(len(self._callers.leases))
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    @property
    def _callers(self) -> Callers:
        return self._engine.callers

    async def _reply(self, line: bytes, leases: list[Secret]) -> Message:
        try:
            message = _parse(line)
            if message.get("op") in DESK_OPS:
                return await answer_desk(self._engine.approvals, message)
            if message.get("op") == "disclosed":
                return await self._disclosure.answer(message)
            return await self._answer(message, leases)
        except KeyhatchError as error:
            return {"error": str(error), "hint": error.hint, "exit_code": error.exit_code}

    async def _answer(self, message: Message, leases: list[Secret]) -> Message:
        match message.get("op"):
            case "status":
                return self._status()
            case "reload":
                return await self._refresh()
            case "record" | "stop" as wish:
                self._do(wish, message)
                return {}
            case "lease":
                token = self._take_lease(message, leases, sandbox=False)
                return {"token": token.reveal(), **self._lease_facts(token)}
            case "lease-socket":
                token = self._take_lease(message, leases, sandbox=message.get("sandbox") is True)
                path = await self._doors.open_for(token)
                return {"socket": str(path), **self._lease_facts(token)}
            case "page-link":
                return {"link": self._page_link()}
        raise _unknown()

    def _do(self, wish: str, message: Message) -> None:
        if wish == "stop":
            self._stop()
        else:
            self._engine.record_act(_act_of(message))

    def _take_lease(self, message: Message, leases: list[Secret], *, sandbox: bool) -> Secret:
        """Open a lease that ends with the connection whose `leases` these are."""
        token = self._lease(_agent_of(message), _connectors_of(message), sandbox=sandbox)
        leases.append(token)
        self._leases_changed(len(self._callers.leases))
        return token

    def _lease_facts(self, token: Secret) -> Message:
        """Return what the holder of a lease needs to know besides."""
        caller = self._engine.identify(token_digest(token.reveal()))
        connectors = self._engine.snapshot.registry.connectors.values()
        found = placeholders_of(connectors, lambda c: caller is not None and caller.may_use(c))
        return {
            "listen": self.listen,
            "env": dict(found.given),
            "withheld": dict(found.withheld),
        }

    def _lease(self, agent: str | None, connectors: list[str] | None, *, sandbox: bool) -> Secret:
        registry = self._engine.snapshot.registry
        granted = frozenset(registry.connectors)
        if agent is not None:
            if agent not in registry.agents:
                raise NotFoundError(
                    f"no agent named {agent!r}", hint="`keyhatch agent list` shows the names"
                )
            require_wall_for(agent, registry.agents[agent].sandbox, sandbox=sandbox)
            granted = registry.agents[agent].connectors
        for slug in connectors or ():
            if slug not in registry.connectors:
                raise NotFoundError(
                    f"no connector named {slug!r}", hint="`keyhatch connector list` shows the names"
                )
            if slug not in granted:
                raise UsageError(
                    f"agent {agent!r} was not granted {slug!r}",
                    hint=f"run `keyhatch agent grant {agent} {slug}`",
                )
        narrowed = None if connectors is None else frozenset(connectors)
        return self._callers.open_lease(Lease(agent, narrowed, sandbox))


def _parse(line: bytes) -> Message:
    try:
        message = json.loads(line)
    except (ValueError, RecursionError):
        raise _unknown() from None
    if not isinstance(message, dict):
        raise _unknown()
    return message


def _act_of(message: Message) -> dict[str, str | None]:
    """Return what a command did, in the words of a record; each is short."""
    act = {name: message.get(name) for name in ("action", "agent", "connector", "to", "by")}
    if any(text is not None and not _is_word(text) for text in act.values()):
        raise _unknown()
    return act


def _is_word(text: object) -> bool:
    return isinstance(text, str) and len(text) <= MAX_WORD


def _agent_of(message: Message) -> str | None:
    agent = message.get("agent")
    if agent is not None and not isinstance(agent, str):
        raise _unknown()
    return agent


def _connectors_of(message: Message) -> list[str] | None:
    """Return the connectors that a lease is narrowed to; None is no narrowing, [] is to none."""
    slugs = message.get("connectors")
    if slugs is None:
        return None
    if not isinstance(slugs, list) or not all(isinstance(slug, str) for slug in slugs):
        raise _unknown()
    return slugs


def _unknown() -> UsageError:
    return unknown_request()
