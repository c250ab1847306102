"""What the CA may speak for: X.509 name constraints (RFC 5280, 4.2.1.10).

A permitted `api.example.com` also permits every name below it: the extension has no way to say
"this host only". The engine, which compares whole destinations, stays the narrower gate.
"""

from collections.abc import Iterable
from functools import lru_cache
from ipaddress import ip_network
from typing import Final

from cryptography import x509

from config.connector import Registry
from config.destination import canonical_host, is_ip_literal
from config.errors import UsageError

PORTAL_NAME: Final = "keyhatch.internal"
"""Always permitted: the portal, and the connectors' own names below it."""

_EVERY_ADDRESS: Final = tuple(x509.IPAddress(ip_network(net)) for net in ("0.0.0.0/0", "::/0"))


def permitted_names(registry: Registry) -> frozenset[str] | None:
    """Return the DNS names that the connectors own over TLS, wildcards by their suffix.

    None when `settings.name_constraints` is off: the CA is then not constrained.
    """
    if not registry.settings.name_constraints:
        return None
    patterns = (p for connector in registry.connectors.values() for p in connector.destinations)
    return with_portal(p.host for p in patterns if p.scheme == "https")


def with_portal(names: Iterable[str]) -> frozenset[str]:
    """Return the names with the portal's, without IP literals: no leaf is made for an address."""
    return frozenset({PORTAL_NAME, *(name for name in names if not is_ip_literal(name))})


def name_constraints(names: frozenset[str]) -> x509.NameConstraints:
    """Return the extension: these DNS names and what is below them, and no IP address at all."""
    return x509.NameConstraints(
        permitted_subtrees=[x509.DNSName(name) for name in sorted(names)],
        excluded_subtrees=_EVERY_ADDRESS,
    )


@lru_cache(maxsize=4)  # thousands of names, asked for again and again while one is made
def constrained_names(certificate: x509.Certificate) -> frozenset[str] | None:
    """Return the DNS names that a CA certificate permits, None where it is not constrained."""
    try:
        extension = certificate.extensions.get_extension_for_class(x509.NameConstraints)
    except x509.ExtensionNotFound:
        return None
    subtrees = extension.value.permitted_subtrees or ()
    return frozenset(name.value for name in subtrees if isinstance(name, x509.DNSName))


def covers(names: frozenset[str] | None, host: str) -> bool:
    """Tell whether a leaf for a host would stand under the constraints.

    The host must be in canonical form (A-labels, lower case); addresses, wildcards and
    malformed names are never covered. The cost grows with the host's labels, not with `names`.
    """
    try:
        if canonical_host(host) != host or is_ip_literal(host):
            return False
    except UsageError:
        return False
    if names is None:
        return True
    labels = host.split(".")
    return any(".".join(labels[start:]) in names for start in range(len(labels)))
