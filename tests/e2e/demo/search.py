"""Looking for a key: in every form that an encoder on the way could give it."""

from base64 import b64encode, urlsafe_b64encode
from collections.abc import Callable, Iterable
from pathlib import Path

CHUNK = 8 * 1024 * 1024


def forms(key: str) -> dict[str, bytes]:
    """Return what to look for, by name: raw, UTF-16, base64 at each alignment, percent, hex."""
    octets = key.encode()
    found = {
        "raw": octets,
        "reversed": octets[::-1],
        "utf-16-le": key.encode("utf-16-le"),
        "utf-16-be": key.encode("utf-16-be"),
        "percent": b"".join(b"%%%02x" % octet for octet in octets),
        "percent, capitals": b"".join(b"%%%02X" % octet for octet in octets),
        "hex": octets.hex().encode(),
        "hex, capitals": octets.hex().upper().encode(),
    }
    for shift in range(3):
        found[f"base64 after {shift}"] = _base64_within(octets, shift, b64encode)
        found[f"base64url after {shift}"] = _base64_within(octets, shift, urlsafe_b64encode)
    return found


def forms_in(haystack: bytes, needles: dict[str, bytes]) -> list[str]:
    """Return the names of the forms that occur."""
    return [name for name, needle in needles.items() if needle in haystack]


def files_of(folder: Path) -> list[Path]:
    """Return every regular file below a folder, hidden ones too."""
    return sorted(path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())


def memory_with(pid: int, needles: dict[str, bytes]) -> tuple[list[str], int]:
    """Return the forms in a live process's writable memory, and how many bytes were read.

    Linux only. Raises OSError where the kernel does not let us look.
    """
    maps = Path(f"/proc/{pid}/maps").read_text().splitlines()
    regions = [line.split() for line in maps]
    writable = [region[0] for region in regions if region[1].startswith("rw")]
    found: set[str] = set()
    size = 0
    with Path(f"/proc/{pid}/mem").open("rb", buffering=0) as memory:
        for region in writable:
            start, end = (int(part, 16) for part in region.split("-"))
            for block in _overlapping(memory.seek, memory.read, start, end):
                found.update(forms_in(block, needles))
            size += end - start
    return sorted(found), size


def _overlapping(
    seek: Callable[[int], int], read: Callable[[int], bytes], start: int, end: int
) -> Iterable[bytes]:
    """Yield a region in chunks that overlap by more than any form is long."""
    overlap = 64 * 1024
    for position in range(start, end, CHUNK):
        seek(position)
        try:
            yield read(min(CHUNK + overlap, end - position))
        except OSError:
            return  # a guard page, or one that was unmapped meanwhile


def _base64_within(octets: bytes, shift: int, encode: Callable[[bytes], bytes]) -> bytes:
    """Return the characters that depend on the key alone when `shift` bytes stand before it."""
    first = -(-8 * shift // 6)
    last = 8 * (shift + len(octets)) // 6
    return encode(b"\0" * shift + octets)[first:last]
