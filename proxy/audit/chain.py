"""The chain of records: each line names the digest of the one before, and carries a MAC.

A line is `{"seq":N,"prev":"…",…,"mac":"…"}`. `prev` is the SHA-256 of the line before, without
its line break; `mac` is HMAC-SHA256 (RFC 2104), under the audit key, of all that stands before
`,"mac":`. Whoever can write the file but does not have the key can change, add or reorder nothing
unnoticed; a cut at the end shows against the sealed head (proxy/audit/anchor.py).
"""

import hashlib
import hmac
import re
from typing import Final, NamedTuple, NoReturn, SupportsIndex

KEY_BYTES: Final = 32
ROTATED: Final = "rotate"  # the event of a file's last line
UNSEALED: Final = "unsealed"  # the event that says the sealed head had been changed
_MASK: Final = "«audit key»"
_LINE: Final = re.compile(
    rb'(\{"seq":([1-9][0-9]{0,17}),"prev":"([0-9a-f]{64})","time":"([0-9TZ:.+-]{1,40})"'
    rb',"event":"([a-z]{1,16})"[\x20-\x7e]*),"mac":(?:"([0-9a-f]{64})"|null)\}'
)


class Head(NamedTuple):
    """Where a chain ends: the number of its last line, and that line's SHA-256 in hex."""

    seq: int
    digest: str


START: Final = Head(0, "0" * 64)


class SealedHead(NamedTuple):
    """A head as the vault keeps it, beside its MAC in hex."""

    seq: int
    digest: str
    mac: str


class ChainKey:
    """The audit key; like a Secret, it cannot print or pickle itself."""

    __slots__ = ("_keyed",)

    def __init__(self, material: bytes) -> None:
        if len(material) != KEY_BYTES:
            raise ValueError(f"an audit key has {KEY_BYTES} bytes")
        self._keyed = hmac.new(material, digestmod="sha256")

    def mac(self, text: bytes) -> str:
        """Return the MAC of a text in hex."""
        keyed = self._keyed.copy()
        keyed.update(text)
        return keyed.hexdigest()

    def fits(self, text: bytes, mac: str) -> bool:
        """Tell whether a MAC was made of this text, with this key."""
        return hmac.compare_digest(self.mac(text), mac)

    def __repr__(self) -> str:
        return _MASK

    def __reduce_ex__(self, protocol: SupportsIndex) -> NoReturn:
        raise TypeError("an audit key is not pickled")


class Entry(NamedTuple):
    """One line of a chain, taken apart. `mac` is None on a line that was written without the key."""

    head: Head
    prev: str
    time: str
    event: str
    signed: bytes
    mac: str | None

    def is_by(self, key: ChainKey) -> bool:
        """Tell whether the line was written with this key, and is as it was written."""
        return self.mac is not None and key.fits(self.signed, self.mac)


def link(head: Head, members: str, key: ChainKey | None) -> tuple[bytes, Head]:
    """Return the line that follows a head, with its line break, and the head after it.

    `members` are a record's JSON members, ASCII, `time` and `event` first.
    """
    seq = head.seq + 1
    signed = f'{{"seq":{seq},"prev":"{head.digest}",{members}'.encode("ascii")
    mac = "null" if key is None else f'"{key.mac(signed)}"'
    line = b'%b,"mac":%b}' % (signed, mac.encode())
    return line + b"\n", Head(seq, digest_of(line))


def digest_of(line: bytes) -> str:
    """Return what the next line names as `prev`."""
    return hashlib.sha256(line).hexdigest()


def parse_line(line: bytes) -> Entry | None:
    """Take a line without its line break apart; None when it is not one of a chain."""
    found = _LINE.fullmatch(line)
    if found is None:
        return None
    signed, seq, prev, time, event, mac = found.groups()
    return Entry(
        head=Head(int(seq), digest_of(line)),
        prev=prev.decode(),
        time=time.decode(),
        event=event.decode(),
        signed=signed,
        mac=None if mac is None else mac.decode(),
    )
