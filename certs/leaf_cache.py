"""Leaves by host, bounded: a flood of names costs signatures, never memory."""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from threading import Lock

from certs.authority import CertificateAuthority, Leaf


@dataclass(frozen=True, slots=True)
class _Entry:
    """A leaf and the span of time, end excluded, in which it is handed out again."""

    leaf: Leaf
    start: datetime
    renewal: datetime


class LeafCache:
    """The `capacity` most recently used leaves of one authority; safe to share between threads.

    After the authority was issued anew, a cache of the new one takes its place.
    """

    def __init__(
        self, authority: CertificateAuthority, *, capacity: int, now: Callable[[], datetime]
    ) -> None:
        if capacity < 1:
            raise ValueError("a leaf cache holds at least one leaf")
        self._authority = authority
        self._capacity = capacity
        self._now = now
        self._entries: OrderedDict[str, _Entry] = OrderedDict()
        self._lock = Lock()

    def __len__(self) -> int:
        return len(self._entries)

    def leaf(self, host: str) -> Leaf:
        """Return a leaf for a canonical host that is valid now and not about to run out.

        Raises as `CertificateAuthority.issue`; a refusal leaves no trace in the cache.
        """
        with self._lock:
            now = self._now()
            entry = self._entries.get(host)
            if entry is None or not entry.start <= now < entry.renewal:
                entry = self._issue(host, now)
            self._entries.move_to_end(host)
            return entry.leaf

    def _issue(self, host: str, now: datetime) -> _Entry:
        leaf = self._authority.issue(host, now=now)
        certificate = leaf.certificate
        # Two thirds of what is left, not a fixed margin: near the CA's end leaves get short, and
        # a margin longer than a leaf's life would sign anew for every connection.
        renewal = now + (certificate.not_valid_after_utc - now) * 2 / 3
        entry = _Entry(leaf, certificate.not_valid_before_utc, renewal)
        self._entries[host] = entry
        if len(self._entries) > self._capacity:
            self._entries.popitem(last=False)
        return entry
