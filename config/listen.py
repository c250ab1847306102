"""Where an agent's own listener is: a loopback port or a Unix socket that needs no token."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

UNIX: Final = "unix:"


@dataclass(frozen=True, slots=True)
class TcpListen:
    """A port on loopback; whoever on this machine calls it is taken for the agent."""

    address: str
    port: int

    def __str__(self) -> str:
        host = f"[{self.address}]" if ":" in self.address else self.address
        return f"{host}:{self.port}"


@dataclass(frozen=True, slots=True)
class UnixListen:
    """A socket in a folder that only our own user may enter."""

    path: Path

    def __str__(self) -> str:
        return f"{UNIX}{self.path}"


type Listen = TcpListen | UnixListen
