"""The addresses that a connector may name: hosts, wildcards, dial addresses, https URLs."""

import ipaddress
import re
from urllib.parse import urlsplit

from config.connector import DialAddress
from config.destination import (
    DEFAULT_PORTS,
    DestinationPattern,
    Scheme,
    is_ip_literal,
    split_authority,
)
from config.errors import UsageError
from config.suffixes import is_shared_suffix

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_NOT_BARE = re.compile(r"[/?#\\*]")
_NOT_IN_URL = re.compile(r"""[ "<>\\^`{|}]""")  # RFC 3986, 2


def parse_pattern(text: str, scheme: Scheme, *, shared: bool = False) -> DestinationPattern:
    """Return what `HOST`, `HOST:PORT` or `*.SUFFIX` owns.

    `shared` allows a wildcard below which strangers have hosts, where not the requester but the
    service picks the host.

    Raises UsageError for a scheme, a path, an IP address, a star that is not the whole leftmost
    label, and a wildcard below which strangers have hosts.
    """
    _require_bare(text)
    wildcard = text.startswith("*.")
    host, port = _split(text.removeprefix("*."))
    if wildcard and not shared and is_shared_suffix(host):
        raise UsageError(
            f"{text!r} covers hosts that belong to others",
            hint=f"name the host of your own account, such as your-name.{host}",
        )
    return DestinationPattern(scheme, host, port or DEFAULT_PORTS[scheme], wildcard)


def parse_dial(text: str) -> DialAddress:
    """Return the IP address and port of `ADDRESS:PORT`; IPv6 stands in brackets."""
    host, port = split_authority(text)
    if not is_ip_literal(host) or port is None:
        raise UsageError(
            f"{text!r} is not an address with a port",
            hint="write it like 10.1.2.3:443 or [fd00::1]:443",
        )
    address = ipaddress.ip_address(host)
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return DialAddress(str(mapped or address), port)


def require_https_url(text: str) -> str:
    """Return the text if it is a plain https URL of a named host.

    Raises UsageError for another scheme, user info, a fragment, an address instead of a name.
    """
    if not text.isascii() or not text.isprintable() or _NOT_IN_URL.search(text):
        hint = "write it in ASCII, without spaces, braces and backslashes"
        raise UsageError(f"{text!r} is not a URL", hint=hint)
    parts = urlsplit(text)
    if parts.scheme != "https":
        raise UsageError(f"{text!r} is not an https URL", hint="start it with https://")
    if parts.fragment or text.endswith("#"):
        raise UsageError(f"{text!r} has a fragment", hint="leave out everything from the #")
    host, _ = split_authority(parts.netloc)
    if is_ip_literal(host):
        raise UsageError(f"{text!r} names an address", hint="use the service's host name")
    return text


def _require_bare(text: str) -> None:
    if _NOT_BARE.search(text.removeprefix("*.")) is None:
        return
    scheme = _SCHEME.match(text)
    if scheme:
        host = text.removeprefix(scheme[0]).partition("/")[0]
        raise UsageError(f"host {text!r} has a scheme", hint=f"leave it out: {host}")
    if re.search(r"[/?#\\]", text):
        raise UsageError(
            f"host {text!r} has a path", hint=f"leave it out: {re.split(r'[/?#\\]', text)[0]}"
        )
    if "*" in text.removeprefix("*."):
        raise UsageError(
            f"host {text!r} has a star that is not its whole first label",
            hint="write wildcards like *.example.com",
        )


def _split(text: str) -> tuple[str, int | None]:
    host, port = split_authority(text)
    if is_ip_literal(host):
        raise UsageError(
            f"host {text!r} is an address",
            hint="give it a name in `hosts` and put the address in `dial`",
        )
    return host, port
