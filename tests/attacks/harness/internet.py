"""The Internet of a test: which names there are, and who answers at which address.

It replaces what lies below a product, the resolver and the wire, and nothing of the product: an
address is vetted as any other, and only then `connect` leads to a server of the test.
"""

import asyncio
import ipaddress
import json
import socket
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

type Address = tuple[str, int]

_FIRST_PUBLIC: Final = ipaddress.IPv4Address("93.184.216.1")  # nobody is called there


@dataclass
class Internet:
    """Names with their addresses, and routes from address and port to a local port.

    What has no route does not answer; loopback leads to this machine, as it does everywhere.
    `asked` are the names that were resolved, `dialled` the addresses that were connected to.
    """

    names: dict[str, list[str]] = field(default_factory=dict)
    routes: dict[Address, int] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    dialled: list[Address] = field(default_factory=list)
    on_change: Callable[[], None] = lambda: None

    def host(self, name: str, **ports: int) -> str:
        """Give a name an address of its own, at which local ports answer (`p443=…`); return it."""
        address = str(_FIRST_PUBLIC + len(self.names))
        self.names[name] = [address]
        for key, local in ports.items():
            self.routes[address, int(key.removeprefix("p"))] = local
        self.on_change()
        return address

    def route(self, name: str, port: int, local: int) -> None:
        """Let a local port answer at a name's first address."""
        self.routes[self.names[name][0], port] = local
        self.on_change()

    def resolve(self, name: str) -> list[str]:
        """Return the addresses of a name. Raises OSError."""
        self.asked.append(name)
        canonical = name.encode("idna").decode().rstrip(".").lower()  # as the system's does
        if canonical not in self.names:
            raise socket.gaierror(socket.EAI_NONAME, "no such name")
        return self.names[canonical]

    def reach(self, address: str, port: int) -> Address:
        """Return the real address behind one of this Internet. Raises OSError."""
        self.dialled.append((address, port))
        local = self.routes.get((address, port))
        if local is not None:
            return ("127.0.0.1", local)
        if ipaddress.ip_address(address).is_loopback:
            return (address, port)
        raise ConnectionRefusedError("nobody answers there")

    def save(self, path: Path) -> None:
        """Write names and routes for another process."""
        routes = [[*address, local] for address, local in self.routes.items()]
        path.write_text(json.dumps({"names": self.names, "routes": routes}))

    @classmethod
    def load(cls, path: Path) -> "Internet":
        """Read what `save` wrote."""
        saved = json.loads(path.read_text())
        return cls(saved["names"], {(host, port): local for host, port, local in saved["routes"]})


def connecting_through[L: asyncio.SelectorEventLoop](
    base: type[L], internet: Callable[[], Internet]
) -> type[L]:
    """Return an event loop of that kind which is on this Internet."""

    class OnInternet(base):  # type: ignore[valid-type, misc] # a class that is made at run time
        async def sock_connect(self, sock: socket.socket, address: Any) -> None:
            host, port = internet().reach(address[0].partition("%")[0], address[1])
            if sock.family == socket.AF_INET6 and ":" not in host:
                host = f"::ffff:{host}"
            await super().sock_connect(sock, (host, port))

        async def getaddrinfo(self, host: Any, port: Any, **_options: Any) -> Any:
            name = host.decode() if isinstance(host, bytes) else host
            try:
                addresses = [str(ipaddress.ip_address(name))]
            except ValueError:
                addresses = internet().resolve(name)
            return [
                (socket.AF_INET6 if ":" in found else socket.AF_INET, socket.SOCK_STREAM, 6, "",
                 (found, port))
                for found in addresses
            ]  # fmt: skip

    return OnInternet
