"""Connections over Unix sockets, in the form that mitmproxy expects of a connection."""

import asyncio
from typing import Any, Final

UNIX_ADDRESS: Final = ("unix", 0)


class UnixWriter(asyncio.StreamWriter):
    """The writing side of a connection whose ends have no address: mitmproxy needs host and port."""

    def __init__(self, plain: asyncio.StreamWriter, reader: asyncio.StreamReader) -> None:
        loop = asyncio.get_running_loop()
        super().__init__(plain.transport, plain.transport.get_protocol(), reader, loop)
        self._plain = plain  # when it is collected it closes the connection

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        if name in {"peername", "sockname"}:
            return UNIX_ADDRESS
        return super().get_extra_info(name, default)
