"""What lies inside a network, and whether anything of it was reached."""

from collections.abc import Iterable
from typing import cast

from tests.attacks.harness.arena import Arena
from tests.attacks.harness.catalogue import CONTROL
from tests.attacks.harness.control import Control
from tests.support.raw_client import Reply as Answer


def inside(arena: Arena, *addresses: str) -> None:
    """Let a server answer at addresses that agents have no business with."""
    for address in addresses:
        for port in (80, 443):
            arena.internet.routes[address, port] = arena.evil.port
    arena.internet.on_change()


def resolves(arena: Arena, name: str, *addresses: str) -> None:
    arena.internet.names[name] = list(addresses)
    arena.internet.on_change()


def ways(arena: Arena, host: str) -> Iterable[Answer]:
    """Ask for a host in each way that there is."""
    written = f"[{host}]" if ":" in host else host
    yield arena.agent().connect(f"{written}:443")
    yield arena.agent().connect(f"{written}:80")
    yield arena.agent().get(f"http://{written}/latest/meta-data/")


def shut(arena: Arena, host: str) -> None:
    """Hold that a host is refused in each way, before anything is dialled."""
    for reply in ways(arena, host):
        arena.refused(reply, "egress-denied")
    nothing_dialled(arena)


def nothing_dialled(arena: Arena) -> None:
    arena.nothing_forwarded()
    assert seen(arena).internet.dialled == []


def nothing_asked(arena: Arena) -> None:
    assert seen(arena).internet.asked == []


def seen(arena: Arena) -> Arena:
    """Learn from the control what it has asked and dialled."""
    if arena.product.kind == CONTROL:
        cast("Control", arena.product).learn()
    return arena
