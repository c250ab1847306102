"""Reading where an agent's own listener is, and that no two of them are at one place."""

import ipaddress
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from config.connector import Agent, Settings
from config.errors import UsageError
from config.hosts import parse_dial
from config.listen import UNIX, Listen, TcpListen, UnixListen
from config.place import Place

MAX_NAME: Final = 64  # bytes of a socket's file name: its address has to fit `sun_path`


def parse_agent_listen(text: str, folder: Path) -> Listen:
    """Return where an agent's listener is; a relative path starts at `folder`.

    Raises UsageError for an address that is not loopback, and for what is neither.
    """
    if text.startswith(UNIX) or "/" in text:
        return _unix(text.removeprefix(UNIX), folder)
    return parse_loopback(text)


def parse_loopback(text: str) -> TcpListen:
    """Return a port on loopback. Raises UsageError for any other address."""
    found = parse_dial(text)
    if not ipaddress.ip_address(found.address).is_loopback:
        raise UsageError(
            f"{text!r} is not on loopback",
            hint="it needs no token, so only this machine may reach it: use 127.0.0.1:PORT",
        )
    return TcpListen(found.address, found.port)


def _unix(text: str, folder: Path) -> UnixListen:
    path = folder / text
    if not text or text.endswith("/") or not text.isprintable() or path.name in {".", ".."}:
        raise UsageError(
            f"{UNIX}{text!r} is not a path of a socket", hint="write it like unix:./run/agent.sock"
        )
    if len(path.name.encode()) > MAX_NAME:
        raise UsageError(
            f"{path.name!r} is too long for a socket", hint=f"use at most {MAX_NAME} bytes"
        )
    return UnixListen(path)


def require_own_listeners(settings: Settings, agents: Iterable[Agent], place: Place) -> None:
    """Raise ConfigError where two of the agents, the proxy and its metrics would share a place."""
    owners: dict[Listen, str] = {
        TcpListen(settings.listen_host, settings.listen_port): "the proxy itself"
    }
    if settings.metrics is not None:
        owners[settings.metrics] = "the metrics listener"
    for agent in agents:
        if agent.listen is None:
            continue
        other = owners.setdefault(agent.listen, f"agent {agent.slug!r}")
        if other != f"agent {agent.slug!r}":
            raise place.at(agent.slug, "listen").error(
                f"agent {agent.slug!r} listens at {agent.listen}, as {other} does",
                hint="a listener stands for one agent; use another port or path",
            )
