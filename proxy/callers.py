"""Who is asking: agent tokens and the leases of `keyhatch run`, as one look-up by digest."""

import base64
import binascii
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final

from config.connector import Registry
from proxy.policy.decision import Caller
from proxy.secret import Secret
from proxy.vault.tokens import PREFIX, TokenRecord, token_digest

LEASE_BYTES = 32
NO_AGENT: Final = "run"  # what a caller is named who came by `keyhatch run` without an agent


@dataclass(frozen=True, slots=True)
class Lease:
    """A token that lives as long as one `keyhatch run`; `connectors` narrows, None does not.

    `sandbox`: its holder is behind the wall.
    """

    agent: str | None
    connectors: frozenset[str] | None
    sandbox: bool = False


@dataclass(slots=True)
class Callers:
    """The tokens that are valid now. `records` is replaced whole at each reload.

    `doors` are agents by the key of a listener that stands for them. Times of use are only noted
    here, at no more cost than that; `take_uses` hands them over.
    """

    records: Mapping[bytes, TokenRecord] = field(default_factory=dict)
    leases: dict[bytes, Lease] = field(default_factory=dict)
    doors: dict[bytes, str] = field(default_factory=dict)
    _used: dict[bytes, datetime] = field(default_factory=dict)
    _narrowed: dict[bytes, Caller | None] = field(default_factory=dict)
    _narrowed_by: tuple[Registry, Mapping[bytes, TokenRecord]] | None = None

    def open_lease(self, lease: Lease) -> Secret:
        """Return a new token that stands for a lease until it is closed."""
        token = PREFIX + secrets.token_urlsafe(LEASE_BYTES)
        self.leases[token_digest(token)] = lease
        return Secret(token)

    def close_lease(self, token: Secret) -> None:
        """Make a lease's token worthless from the next request on."""
        self.leases.pop(token_digest(token.reveal()), None)

    def open_door(self, agent: str) -> bytes:
        """Return a key that stands for an agent until it is closed.

        It is no digest of any token, so nothing that an agent could send stands for it.
        """
        key = secrets.token_bytes(LEASE_BYTES)
        self.doors[key] = agent
        return key

    def close_door(self, key: bytes) -> None:
        """Make a key worthless from the next request on."""
        self.doors.pop(key, None)

    def identify(self, digest: bytes, registry: Registry, now: datetime) -> Caller | None:
        """Return who a token's digest stands for at this moment, or None."""
        lease = self.leases.get(digest)
        if lease is not None:
            caller = _caller(lease.agent, lease.connectors, registry)
            return None if caller is None else replace(caller, lease=True, sandbox=lease.sandbox)
        if digest in self.doors:
            return _caller(self.doors[digest], None, registry)
        record = self.records.get(digest)
        if record is None or (record.expires_at is not None and record.expires_at <= now):
            return None
        self._used[digest] = now
        if record.connectors is not None:
            return self._narrow(digest, record, record.connectors, registry)
        return _caller(record.agent, None, registry)

    def has_expired(self, digest: bytes, now: datetime) -> bool:
        """Tell whether a token is known and no longer valid."""
        record = self.records.get(digest)
        return record is not None and record.expires_at is not None and record.expires_at <= now

    def take_uses(self) -> Mapping[bytes, datetime]:
        """Return when tokens were used since the last call."""
        taken, self._used = self._used, {}
        return taken

    def _narrow(
        self, digest: bytes, record: TokenRecord, ids: frozenset[str], registry: Registry
    ) -> Caller | None:
        """Return who a narrowed token stands for; looked up once per state, as names may change."""
        before = self._narrowed_by
        if before is None or before[0] is not registry or before[1] is not self.records:
            self._narrowed, self._narrowed_by = {}, (registry, self.records)
        if digest not in self._narrowed:
            slugs = frozenset(s for s, c in registry.connectors.items() if c.id in ids)
            self._narrowed[digest] = _caller(record.agent, slugs, registry)
        return self._narrowed[digest]


def presented_digest(proxy_authorization: str) -> bytes | None:
    """Return the digest of the token in a Proxy-Authorization value, or None.

    Basic (RFC 7617: the password is the token, the user name is not looked at) and Bearer
    (RFC 6750). A look-up by digest tells an attacker's clock nothing about the token.
    """
    scheme, _, rest = proxy_authorization.strip().partition(" ")
    credentials = rest.strip()
    if scheme.lower() == "bearer":
        return token_digest(credentials)
    if scheme.lower() != "basic":
        return None
    try:
        _, _, password = base64.b64decode(credentials, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError, ValueError):
        return None
    return token_digest(password)


def _caller(
    agent: str | None, connectors: frozenset[str] | None, registry: Registry
) -> Caller | None:
    if agent is None:
        return Caller(NO_AGENT, connectors)
    known = registry.agents.get(agent)
    if known is None:
        return None
    granted = known.connectors if connectors is None else known.connectors & connectors
    return Caller(agent, granted, known)
