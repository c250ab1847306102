"""Requests without a valid token: what they are answered, and how guessing is slowed down."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

import structlog

from proxy.problems import Problem, ProblemCode

MAX_WRONG: Final = 20  # different wrong tokens from one address in a window
WINDOW: Final = 60.0  # seconds
MAX_PEERS: Final = 1024  # addresses that are remembered; beyond, the oldest is forgotten
log = structlog.get_logger()

_UNKNOWN: Final = Problem(
    ProblemCode.PROXY_AUTHENTICATION_REQUIRED,
    "the request carries no valid agent token",
    hint="start the program under `keyhatch run`, or put the token into the proxy address",
)
_EXPIRED: Final = Problem(
    ProblemCode.PROXY_AUTHENTICATION_REQUIRED,
    "the agent token has expired",
    hint="the operator makes another with `keyhatch agent rotate` or `keyhatch agent token`",
)


@dataclass(slots=True)
class _Guesses:
    """The different wrong tokens of one address, since when its window began (seconds)."""

    since: float
    digests: set[bytes] = field(default_factory=set)


class Strangers:
    """Counts wrong tokens by the address that they come from.

    Only refusals are counted and changed: a valid token is never asked about here, so that nobody
    can lock an agent out from the address that they share. The same wrong token again, as an agent
    with a revoked one sends it, is no guess; neither is none.
    """

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._peers: dict[str, _Guesses] = {}

    def refusal(self, peer: str, digest: bytes | None, *, expired: bool = False) -> Problem:
        """Return what a request without a valid token is answered."""
        if expired:
            return _EXPIRED
        if digest is None:
            return _UNKNOWN
        now = self._monotonic()
        guesses = self._of(peer, now)
        if digest in guesses.digests:
            return _UNKNOWN
        if len(guesses.digests) < MAX_WRONG:
            guesses.digests.add(digest)
            self._report(peer, len(guesses.digests))
            return _UNKNOWN
        return Problem(
            ProblemCode.LIMIT_EXCEEDED,
            "too many wrong agent tokens from this address",
            hint="use the token that the operator gave out",
            retry_after=max(1, round(guesses.since + WINDOW - now)),
        )

    def _of(self, peer: str, now: float) -> _Guesses:
        guesses = self._peers.get(peer)
        if guesses is None or now - guesses.since >= WINDOW:
            self._peers.pop(peer, None)
            guesses = self._peers[peer] = _Guesses(now)
            if len(self._peers) > MAX_PEERS:
                del self._peers[next(iter(self._peers))]
        return guesses

    def _report(self, peer: str, count: int) -> None:
        if count == MAX_WRONG:
            log.warning("many wrong agent tokens", peer=peer)
