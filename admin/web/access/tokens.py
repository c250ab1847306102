"""Tokens of programs that use the API: digests in a file of the home; never an agent's token."""

import hashlib
import json
import secrets
import threading
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Final

from config.errors import ConflictError, KeyhatchError, NotFoundError, UsageError
from config.files import exclusive_lock, read_private, write_private
from config.home import Home
from proxy.secret import Secret

PREFIX: Final = "khapi_"
_BYTES: Final = 32
_MAX_NAME: Final = 64
_FILE: Final = "api-tokens.json"
_NO_FILE: Final = (0, 0)


@dataclass(frozen=True, slots=True)
class ApiToken:
    """What is kept of a token: its name, when it was made (UTC, ISO 8601), its digest."""

    name: str
    created: str
    digest: str


class ApiTokens:
    """The tokens of one home; read from its file whenever that has changed. Safe between threads."""

    def __init__(self, home: Home, now: Callable[[], datetime]) -> None:
        self._path = home.root / _FILE
        self._lock = home.run / "api-tokens.lock"
        self._now = now
        self._busy = threading.Lock()
        self._mark = _NO_FILE
        self._known: dict[str, str] = {}

    def find(self, token: str) -> str | None:
        """Return the name of a token, or None. By digest: a clock tells nothing about it."""
        if not token.startswith(PREFIX):
            return None
        with self._busy:
            self._look_again()
            return self._known.get(_digest(token))

    def all(self) -> list[ApiToken]:
        """Return the tokens, the oldest first. Raises KeyhatchError for a damaged file."""
        try:
            rows = json.loads(read_private(self._path))
            return [ApiToken(**row) for row in rows]
        except FileNotFoundError:
            return []
        except (ValueError, TypeError):
            raise KeyhatchError(
                f"{self._path} is damaged", hint="delete it; every API token is then void"
            ) from None

    def issue(self, name: str) -> Secret:
        """Make a token and return it, this once. Raises ConflictError for a name that is taken."""
        if not name.strip() or len(name) > _MAX_NAME or not name.isprintable():
            raise UsageError("that is no name for a token", hint=f"use 1 to {_MAX_NAME} characters")
        token = PREFIX + secrets.token_urlsafe(_BYTES)
        with exclusive_lock(self._lock):
            tokens = self.all()
            if any(known.name == name for known in tokens):
                raise ConflictError(
                    f"there is an API token {name!r} already", hint="revoke it first"
                )
            created = f"{self._now():%Y-%m-%dT%H:%M:%SZ}"
            self._write([*tokens, ApiToken(name, created, _digest(token))])
        return Secret(token)

    def revoke(self, name: str) -> None:
        """Make a token void at once. Raises NotFoundError."""
        with exclusive_lock(self._lock):
            tokens = self.all()
            kept = [known for known in tokens if known.name != name]
            if len(kept) == len(tokens):
                raise NotFoundError(
                    f"no API token named {name!r}", hint="`keyhatch api-token list` shows the names"
                )
            self._write(kept)

    def _write(self, tokens: list[ApiToken]) -> None:
        rows = [asdict(token) for token in tokens]
        write_private(self._path, json.dumps(rows, indent=1).encode())

    def _look_again(self) -> None:
        try:
            found = self._path.stat()
        except FileNotFoundError:
            self._known, self._mark = {}, _NO_FILE
            return
        mark = (found.st_ino, found.st_mtime_ns)
        if mark != self._mark:
            self._known = {token.digest: token.name for token in self.all()}
            self._mark = mark


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).hexdigest()
