"""Agent tokens: what an agent shows the proxy; kept as digests, so that no key is needed.

A token has 256 random bits, which nobody guesses: a plain SHA-256 keeps it as safe as a slow
hash would, and a look-up by digest gives nothing away through its time.
"""

import hashlib
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Self

from sqlalchemy import delete, insert, select, update

from config.home import Home
from proxy.secret import Secret
from proxy.vault.errors import VaultDamagedError
from proxy.vault.faults import RESTORE
from proxy.vault.schema import AGENT_TOKENS
from proxy.vault.store import Store, Writing

PREFIX: Final = "kh_"
_TOKEN_BYTES: Final = 32


@dataclass(frozen=True, slots=True)
class TokenRecord:
    """Whose a token is, and until when (UTC; None: until it is revoked)."""

    agent: str
    expires_at: datetime | None


def token_digest(text: str) -> bytes:
    """Return the SHA-256 under which a token is kept (32 bytes); any text has one."""
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).digest()


class AgentTokens:
    """The tokens of all agents; an agent may have several, such as one per `keyhatch run`."""

    def __init__(
        self, home: Home, *, now: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._store = Store.open(home.vault)
        self._now = now

    def issue(self, agent: str, *, expires_at: datetime | None = None) -> Secret:
        """Return a new token of an agent; its others stay. It cannot be shown again."""
        with self._store.writing() as writing:
            self._forget_expired(writing)
            return self._add(writing, agent, expires_at)

    def rotate(self, agent: str) -> Secret:
        """Return a new token of an agent, in place of all that it had."""
        with self._store.writing() as writing:
            _delete(writing, agent)
            return self._add(writing, agent, None)

    def revoke(self, agent: str) -> int:
        """Delete all tokens of an agent; return how many there were."""
        with self._store.writing() as writing:
            return _delete(writing, agent)

    def revoke_token(self, token: Secret) -> None:
        """Delete one token, such as that of a command that has ended."""
        with self._store.writing() as writing:
            where = AGENT_TOKENS.c.digest == token_digest(token.reveal())
            writing.connection.execute(delete(AGENT_TOKENS).where(where))

    def rename(self, old: str, new: str) -> None:
        """Let an agent keep its tokens under a new slug."""
        with self._store.writing() as writing:
            where = AGENT_TOKENS.c.agent == old
            writing.connection.execute(update(AGENT_TOKENS).where(where).values(agent=new))

    def load(self) -> Mapping[bytes, TokenRecord]:
        """Return every token by digest. Some may have expired: the caller has the clock."""
        with self._store.reading() as reading:
            rows = reading.connection.execute(select(AGENT_TOKENS)).all()
        try:
            return {row.digest: TokenRecord(row.agent, _time(row.expires_at)) for row in rows}
        except (TypeError, ValueError, OverflowError) as error:
            raise VaultDamagedError("the table of agent tokens is damaged", hint=RESTORE) from error

    def generation(self) -> int:
        """Return the vault's number, which grows with every change by any process."""
        with self._store.reading() as reading:
            return reading.generation()

    def close(self) -> None:
        """Close the file."""
        self._store.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def _add(self, writing: Writing, agent: str, expires_at: datetime | None) -> Secret:
        token = Secret(PREFIX + secrets.token_urlsafe(_TOKEN_BYTES))
        writing.connection.execute(
            insert(AGENT_TOKENS).values(
                digest=token_digest(token.reveal()),
                agent=agent,
                created_at=int(self._now().timestamp()),
                expires_at=None if expires_at is None else int(expires_at.timestamp()),
            )
        )
        return token

    def _forget_expired(self, writing: Writing) -> None:
        where = AGENT_TOKENS.c.expires_at <= int(self._now().timestamp())
        writing.connection.execute(delete(AGENT_TOKENS).where(where))


def _delete(writing: Writing, agent: str) -> int:
    where = AGENT_TOKENS.c.agent == agent
    return writing.connection.execute(delete(AGENT_TOKENS).where(where)).rowcount


def _time(seconds: int | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)
