"""Where something listens, as it is typed."""

from typing import Final

from config.destination import parse_port
from config.errors import UsageError

ANY_PORT: Final = "127.0.0.1:0"


def parse_listen(text: str) -> tuple[str, int]:
    """Return the address and port of `ADDRESS:PORT`; port 0 takes a free one."""
    host, separator, port = text.rpartition(":")
    if not separator or not host:
        raise UsageError(f"{text!r} is not address:port", hint="for example 127.0.0.1:8321")
    return host.removeprefix("[").removesuffix("]"), 0 if port == "0" else parse_port(port)
