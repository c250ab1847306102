"""One-time links and the sessions that they open, in the memory of one process.

Restarting the page ends every session: a new link is printed then. Only digests are kept; what a
browser holds cannot be read back from here.
"""

import hashlib
import secrets
import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

from proxy.secret import Secret

LINK_LIFE: Final = timedelta(minutes=10)
IDLE: Final = timedelta(hours=8)
LONGEST: Final = timedelta(days=7)
MAX_SESSIONS: Final = 64  # the oldest gives way: nobody has that many browsers
_BYTES: Final = 32

type Clock = Callable[[], datetime]
type Digest = bytes


@dataclass(frozen=True, slots=True)
class WebSession:
    """One browser that came in by a link. `csrf` goes into its pages and comes back with writes."""

    csrf: str = field(repr=False)
    began: datetime
    seen: datetime


class Sessions:
    """Opens sessions for one-time links and knows the open ones."""

    def __init__(self, now: Clock) -> None:
        self._now = now
        self._links: dict[Digest, datetime] = {}
        self._linking = threading.Lock()  # links are made in other threads than they are used in
        self._open: dict[Digest, WebSession] = {}

    def new_link(self) -> Secret:
        """Return a key that opens one session, within ten minutes."""
        key, now = secrets.token_urlsafe(_BYTES), self._now()
        with self._linking:
            self._links = {link: until for link, until in self._links.items() if now < until}
            self._links[digest_of(key)] = now + LINK_LIFE
        return Secret(key)

    def enter(self, key: str) -> Secret | None:
        """Return the cookie of a new session for a link's key, which is used up; None if it is not good."""
        with self._linking:
            until = self._links.pop(digest_of(key), None)
        now = self._now()
        if until is None or now >= until:
            return None
        cookie = secrets.token_urlsafe(_BYTES)
        while len(self._open) >= MAX_SESSIONS:
            del self._open[min(self._open, key=lambda digest: self._open[digest].seen)]
        self._open[digest_of(cookie)] = WebSession(secrets.token_urlsafe(_BYTES), now, now)
        return Secret(cookie)

    def find(self, cookie: str) -> WebSession | None:
        """Return the session of a cookie and note that it is used; None if it has ended."""
        digest = digest_of(cookie)
        session = self._open.get(digest)
        if session is None:
            return None
        now = self._now()
        if now - session.seen >= IDLE or now - session.began >= LONGEST:
            del self._open[digest]
            return None
        self._open[digest] = session = replace(session, seen=now)
        return session


def digest_of(text: str) -> Digest:
    """Return what is kept of a key: a look-up by digest tells a clock nothing about it."""
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).digest()
