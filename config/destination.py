"""Destinations: the one canonical form of scheme, host and port that everything is compared in.

Hosts are A-labels (UTS-46, RFC 5891), lower case, without the trailing dot.
"""

import ipaddress
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import idna

from config.errors import UsageError

type Scheme = Literal["http", "https"]

DEFAULT_PORTS: dict[str, int] = {"http": 80, "https": 443}
MAX_HOST = 253  # RFC 1035, in its dotted form
MAX_PORT = 65535
_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")
_ORDINARY = re.compile(rf"(?:{_LABEL.pattern}\.)*(?=[a-z]){_LABEL.pattern}")
_BRACKETED = re.compile(r"(\[[^\[\]]*\])(?::(.*))?", re.DOTALL)
_PORT = re.compile(r"[1-9][0-9]{0,4}")


@dataclass(frozen=True, slots=True, order=True)
class Destination:
    """One scheme, canonical host and port."""

    scheme: Scheme
    host: str
    port: int

    @property
    def authority(self) -> str:
        """The host with its port, the port left out where it is the scheme's default."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == DEFAULT_PORTS[self.scheme] else f"{host}:{self.port}"

    def __str__(self) -> str:
        return f"{self.scheme}://{self.authority}"


@dataclass(frozen=True, slots=True, order=True)
class DestinationPattern:
    """What a connector owns: one destination, or every host below a suffix when `wildcard`."""

    scheme: Scheme
    host: str
    port: int
    wildcard: bool = False

    def matches(self, destination: Destination) -> bool:
        """Tell whether the destination is owned; a wildcard needs at least one more label."""
        if (destination.scheme, destination.port) != (self.scheme, self.port):
            return False
        if self.wildcard:
            return destination.host.endswith("." + self.host)
        return destination.host == self.host

    def __str__(self) -> str:
        star = "*." if self.wildcard else ""
        return f"{self.scheme}://{star}{Destination(self.scheme, self.host, self.port).authority}"


def canonical_host(text: str) -> str:
    """Return the A-label form of a DNS name, or an IP literal in its shortest form.

    Accepts any case, one trailing dot, U-labels and the full-width dots that UTS-46 maps;
    IPv6 literals may be bracketed. Raises UsageError for anything else: empty, user info,
    control bytes, zone ids, the IPv4 spellings that only inet_aton accepts.
    """
    if len(text) > 4 * MAX_HOST:
        # Mapping may shorten a name, but not by so much; an agent's 60 KiB are not worth keeping.
        raise UsageError(f"{text[:MAX_HOST]!r}… is not a host name", hint="use a shorter name")
    return _canonical(text)


@lru_cache(maxsize=1024)  # a request names its host several times over
def _canonical(text: str) -> str:
    if _ORDINARY.fullmatch(text) and len(text) <= MAX_HOST and "xn--" not in text:
        return text  # what the rest would come to, for nearly every name
    address = _ip_literal(text)
    if address is not None:
        return address
    host = _a_labels(text)
    labels = host.split(".")
    if len(host) > MAX_HOST or not all(_LABEL.fullmatch(label) for label in labels):
        raise UsageError(f"{text!r} is not a host name", hint="use a name like api.example.com")
    if labels[-1].isdigit() or re.fullmatch(r"0x[0-9a-f]*", labels[-1]):
        # A URL parser reads such a name as an IPv4 address (WHATWG URL, 4.2.4 "ends in a number").
        raise UsageError(
            f"{text!r} is not a host name", hint="write IPv4 addresses as four decimals"
        )
    return host


def is_ip_literal(host: str) -> bool:
    """Tell whether a canonical host is an IP address."""
    if not (":" in host or host[-1:].isdigit()):
        return False  # the common case, and an exception is slow
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def parse_port(text: str) -> int:
    """Return a TCP port 1-65535 from plain decimal digits without sign or leading zero."""
    if not _PORT.fullmatch(text) or int(text) > MAX_PORT:
        raise UsageError(f"{text!r} is not a port", hint="use a number from 1 to 65535")
    return int(text)


def split_authority(text: str) -> tuple[str, int | None]:
    """Split `host`, `host:port`, `[v6]` or `[v6]:port` and canonicalise the host.

    Raises UsageError on user info, an empty port, or anything that `canonical_host` refuses.
    """
    if "@" in text:
        raise UsageError(f"{text!r} has user info", hint="leave out everything before the @")
    bracketed = _BRACKETED.fullmatch(text)
    if bracketed:
        host, port = bracketed[1], bracketed[2]
    elif text.count(":") > 1:
        raise UsageError(
            f"{text!r} is not host or host:port", hint="put IPv6 addresses in brackets"
        )
    else:
        host, separator, rest = text.partition(":")
        port = rest if separator else None
    return canonical_host(host), None if port is None else parse_port(port)


@lru_cache(maxsize=1024)  # of what parses; the texts of that are bounded by `canonical_host`
def parse_destination(text: str, scheme: Scheme) -> Destination:
    """Return the destination that an authority means under a scheme."""
    host, port = split_authority(text)
    return Destination(scheme, host, DEFAULT_PORTS[scheme] if port is None else port)


def _ip_literal(text: str) -> str | None:
    inner = text[1:-1] if text.startswith("[") and text.endswith("]") else text
    if "%" in inner or not (":" in inner or inner[-1:].isdigit()):
        return None  # a zone id, or a name: the common case, and an exception is slow
    try:
        address = ipaddress.ip_address(inner)
    except ValueError:
        return None
    if inner is not text and address.version == 4:  # noqa: PLR2004 - the IP version
        return None
    return str(address)


def _a_labels(text: str) -> str:
    if text.isascii():
        host = text.lower()
    else:
        try:
            host = idna.encode(text, uts46=True).decode("ascii")
        except idna.IDNAError as error:
            raise UsageError(
                f"{text!r} is not a host name", hint="use a name like api.example.com"
            ) from error
    host = host.removesuffix(".")
    if any(label.startswith("xn--") for label in host.split(".")):
        _check_a_labels(text, host)
    return host


def _check_a_labels(text: str, host: str) -> None:
    """Refuse `xn--` labels that no U-label encodes to: two spellings must not mean one name."""
    try:
        if idna.encode(idna.decode(host)).decode("ascii") == host:
            return
    except (idna.IDNAError, UnicodeError) as error:
        raise UsageError(f"{text!r} is not a valid internationalised name") from error
    raise UsageError(f"{text!r} is not a valid internationalised name")
