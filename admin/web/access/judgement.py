"""Whether a request may go on: Host, then who, then whether a page of ours made it. Pure."""

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from admin.web.access.front import Front
from admin.web.access.sessions import WebSession

READS: Final = frozenset({"GET", "HEAD"})
CSRF_HEADER: Final = "x-csrf-token"
API: Final = "/api/"
# What a browser says of a request that a page of the same origin made, or that a person typed.
_OWN_SITES: Final = frozenset({"same-origin", "none"})


@dataclass(frozen=True, slots=True)
class Ask:
    """What is looked at of a request; header values as they came, one item a field line."""

    method: str
    path: str
    hosts: Sequence[str]
    origins: Sequence[str] = ()
    fetch_sites: Sequence[str] = ()
    cookie: str | None = field(default=None, repr=False)
    bearer: str | None = field(default=None, repr=False)
    csrf: Sequence[str] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class Admitted:
    """It may go on: from a person's session, by the token of a program, or openly (neither)."""

    session: WebSession | None = None
    token: str | None = None


@dataclass(frozen=True, slots=True)
class Denied:
    """It may not; `code` is the problem's, `detail` says what to do next."""

    status: int
    code: str
    detail: str


@dataclass(frozen=True, slots=True)
class Keys:
    """Who is let in: sessions by cookie, programs by token; the latter gives the token's name."""

    find_session: Callable[[str], WebSession | None]
    find_token: Callable[[str], str | None]


type Verdict = Admitted | Denied

_FOREIGN_HOST: Final = Denied(
    421, "foreign-host", "open the page at the address that `keyhatch ui` prints"
)
_NO_SESSION: Final = Denied(
    401, "sign-in-required", "open the page by the link that `keyhatch ui` prints"
)
_NO_TOKEN: Final = Denied(
    401,
    "unknown-token",
    "this is no API token: `keyhatch api-token add` makes one, and an agent's token is another thing",
)
_FOREIGN_PAGE: Final = Denied(403, "foreign-page", "another page made this request")
_NO_CSRF: Final = Denied(403, "stale-page", "load the page again: it belongs to an ended session")


def judge(ask: Ask, front: Front, keys: Keys, *, is_open: Callable[[str], bool]) -> Verdict:
    """Return whether a request may go on; `is_open` tells which paths need no one's leave.

    Reads and writes alike need a session or a token; a write of a session also needs to come from
    our own page: its Origin, the browser's word (Fetch Metadata), and the session's CSRF token.
    """
    if len(ask.hosts) != 1:
        return _FOREIGN_HOST
    host = ask.hosts[0].lower()
    if host == front.authority:
        return _at_page(ask, front, keys, opens=ask.method in READS and is_open(ask.path))
    return _by_program(ask, keys) if host in front.program_hosts else _FOREIGN_HOST


def _at_page(ask: Ask, front: Front, keys: Keys, *, opens: bool) -> Verdict:
    if any(given != front.origin for given in ask.origins):
        return _FOREIGN_PAGE
    if opens:
        return Admitted()
    if any(site not in _OWN_SITES for site in ask.fetch_sites):
        return _FOREIGN_PAGE
    return _by_person(ask, keys) if ask.bearer is None else _by_program(ask, keys)


def _by_program(ask: Ask, keys: Keys) -> Verdict:
    if not ask.path.startswith(API):
        return _FOREIGN_HOST
    if ask.origins or ask.bearer is None:
        return _NO_TOKEN if not ask.origins else _FOREIGN_PAGE
    name = keys.find_token(ask.bearer)
    return _NO_TOKEN if name is None else Admitted(token=name)


def _by_person(ask: Ask, keys: Keys) -> Verdict:
    session = keys.find_session(ask.cookie) if ask.cookie else None
    if session is None:
        return _NO_SESSION
    if ask.method in READS or _is_ours(ask, session):
        return Admitted(session)
    return _NO_CSRF


def _is_ours(ask: Ask, session: WebSession) -> bool:
    if len(ask.csrf) != 1 or len(ask.origins) != 1:
        return False  # every browser sends Origin with a write
    given = ask.csrf[0].encode("utf-8", "surrogateescape")
    return secrets.compare_digest(given, session.csrf.encode())
