"""Agent tokens: what an agent shows the proxy; kept as digests, so that no key is needed.

A token has 256 random bits, which nobody guesses: a plain SHA-256 keeps it as safe as a slow
hash would, and a look-up by digest gives nothing away through its time.
"""

import hashlib
import secrets
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Final, Self

from sqlalchemy import ColumnElement, bindparam, delete, insert, select, update

from config.errors import ConflictError, NotFoundError, UsageError
from config.home import Home
from proxy.secret import Secret
from proxy.vault.schema import AGENT_TOKENS
from proxy.vault.store import Store, Writing
from proxy.vault.token_rows import (
    IssuedToken,
    TokenRecord,
    is_token_id,
    issued_token,
    stored_connectors,
    token_id,
    token_record,
)

__all__ = [
    "PREFIX",
    "AgentTokens",
    "IssuedToken",
    "TokenRecord",
    "id_of",
    "token_digest",
    "token_id",
]

PREFIX: Final = "kh_"
_TOKEN_BYTES: Final = 32
_NOTE_USE: Final = (
    update(AGENT_TOKENS)
    .where(AGENT_TOKENS.c.digest == bindparam("at_digest"))
    .values(used_at=bindparam("seconds"))
)


def token_digest(text: str) -> bytes:
    """Return the SHA-256 under which a token is kept (32 bytes); any text has one."""
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).digest()


def id_of(token: Secret) -> str:
    """Return the id that a token is listed under."""
    return token_id(token_digest(token.reveal()))


class AgentTokens:
    """The tokens of all agents; an agent may have several, such as one per orchestrated job."""

    def __init__(
        self, home: Home, *, now: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._store = Store.open(home.vault)
        self._now = now

    def issue(
        self,
        agent: str,
        *,
        expires_at: datetime | None = None,
        connectors: Iterable[str] | None = None,
    ) -> Secret:
        """Return a new token of an agent; its others stay. It cannot be shown again.

        `connectors` are ids that it is narrowed to; it never reaches more than the agent may.
        """
        with self._store.writing() as writing:
            self._forget_expired(writing)
            return self._add(writing, agent, expires_at, connectors)

    def rotate(self, agent: str, *, expires_at: datetime | None = None) -> Secret:
        """Return a new token of an agent, in place of all that it had."""
        with self._store.writing() as writing:
            _delete(writing, agent)
            return self._add(writing, agent, expires_at, None)

    def revoke(self, agent: str) -> int:
        """Delete all tokens of an agent; return how many there were."""
        with self._store.writing() as writing:
            return _delete(writing, agent)

    def revoke_by_id(self, agent: str, id_: str) -> None:
        """Delete one token of an agent.

        Raises UsageError for what is no id, which could be a token and is not repeated,
        NotFoundError for an unknown id, ConflictError for one that two tokens have.
        """
        if not is_token_id(id_):
            raise UsageError(
                "a token's id has 8 hexadecimal digits",
                hint=f"`keyhatch agent tokens {agent}` shows the ids; never give a token itself",
            )
        with self._store.writing() as writing:
            query = select(AGENT_TOKENS.c.digest).where(AGENT_TOKENS.c.agent == agent)
            digests = [d for (d,) in writing.connection.execute(query) if token_id(d) == id_]
            if not digests:
                hint = f"`keyhatch agent tokens {agent}` shows the ids"
                raise NotFoundError(f"agent {agent} has no token {id_!r}", hint=hint)
            if len(digests) > 1:
                hint = f"`keyhatch agent rotate {agent}` ends all its tokens"
                raise ConflictError(f"{len(digests)} tokens have the id {id_}", hint=hint)
            where = AGENT_TOKENS.c.digest == digests[0]
            writing.connection.execute(delete(AGENT_TOKENS).where(where))

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
        return {row.digest: token_record(row) for row in rows}

    def issued(self) -> list[IssuedToken]:
        """Return the tokens that have not expired, the oldest first."""
        query = select(AGENT_TOKENS).order_by(AGENT_TOKENS.c.created_at, AGENT_TOKENS.c.digest)
        with self._store.reading() as reading:
            found = [issued_token(row) for row in reading.connection.execute(query)]
        now = self._now()
        return [t for t in found if t.record.expires_at is None or t.record.expires_at > now]

    def note_uses(self, uses: Mapping[bytes, datetime]) -> None:
        """Keep when tokens were last used, and delete those that have expired.

        No process has to take that up, so the vault's generation stays.
        """
        rows = [{"at_digest": d, "seconds": int(at.timestamp())} for d, at in uses.items()]
        with self._store.noting() as connection:
            if rows:
                connection.execute(_NOTE_USE, rows)
            connection.execute(delete(AGENT_TOKENS).where(self._expired()))

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

    def _add(
        self,
        writing: Writing,
        agent: str,
        expires_at: datetime | None,
        connectors: Iterable[str] | None,
    ) -> Secret:
        token = Secret(PREFIX + secrets.token_urlsafe(_TOKEN_BYTES))
        writing.connection.execute(
            insert(AGENT_TOKENS).values(
                digest=token_digest(token.reveal()),
                agent=agent,
                created_at=int(self._now().timestamp()),
                expires_at=None if expires_at is None else int(expires_at.timestamp()),
                connectors=stored_connectors(connectors),
            )
        )
        return token

    def _forget_expired(self, writing: Writing) -> None:
        writing.connection.execute(delete(AGENT_TOKENS).where(self._expired()))

    def _expired(self) -> ColumnElement[bool]:
        return AGENT_TOKENS.c.expires_at <= int(self._now().timestamp())


def _delete(writing: Writing, agent: str) -> int:
    where = AGENT_TOKENS.c.agent == agent
    return writing.connection.execute(delete(AGENT_TOKENS).where(where)).rowcount
