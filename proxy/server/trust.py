"""The certificates of a running proxy: what agents are shown and what upstreams must prove."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from certs.authority import ensure_authority
from certs.constraints import permitted_names
from certs.leaf_cache import LeafCache
from certs.public_copies import write_public_copies
from certs.roots import write_upstream_roots
from config.connector import Registry
from config.home import Home

LEAVES = 1024  # leaves kept; one is about 4 KiB


@dataclass(frozen=True, slots=True)
class Trust:
    """One state of the certificates; made anew when the registry changes."""

    leaves: LeafCache
    ca_pem: bytes
    upstream_roots: Path


def build_trust(
    home: Home,
    registry: Registry,
    now: Callable[[], datetime],
    copies: Path | None = None,
) -> Trust:
    """Return the certificates for a registry, issuing the CA anew when its names changed.

    `copies` is a folder in which agents of other users find what they trust.
    Raises KeyhatchError when `upstream_ca` cannot be read or the CA is damaged.
    """
    authority = ensure_authority(home, permitted_names(registry), now=now())
    if copies is not None:
        write_public_copies(home, copies)
    extra = registry.settings.upstream_ca
    roots = write_upstream_roots(home, extra, own=authority.certificate)
    return Trust(LeafCache(authority, capacity=LEAVES, now=now), authority.pem, roots)
