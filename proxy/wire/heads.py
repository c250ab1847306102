"""The grammar of HTTP/1 heads (RFC 9112, 3 and 5), as strict as RFC 9112, 2.2 and 5.1 allow.

A head that one reader takes in one way and the next in another is how requests are smuggled, so
what is not in the grammar is refused rather than mended.
"""

import re
from typing import Final

_TOKEN: Final = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
# Bytes of 0x80 and up: clients put UTF-8 into paths and values, and every server reads it as such.
_FIELDS: Final = rb"(?:" + _TOKEN + rb":[\t\x20-\x7e\x80-\xff]*%s)*%s"
_REQUEST: Final = re.compile(
    _TOKEN + rb" [\x21-\x7e\x80-\xff]+ HTTP/1\.[01]\r\n" + _FIELDS.replace(b"%s", rb"\r\n")
)
# Old servers end their lines with LF alone; nobody reads that as anything else.
_RESPONSE: Final = re.compile(
    rb"HTTP/1\.[01] [1-9][0-9]{2}(?: [\t\x20-\x7e\x80-\xff]*)?\r?\n"
    + _FIELDS.replace(b"%s", rb"\r?\n")
)
_END: Final = re.compile(rb"\n\r?\n")
_LENGTHS: Final = re.compile(
    rb"^content-length:[\t ]*([^\r\n]*?)[\t ]*\r?$", re.IGNORECASE | re.MULTILINE
)
# More digits than a 64-bit number holds are a smaller number to whoever cuts it off.
_LENGTH: Final = re.compile(rb"[0-9]{1,18}")


def head_in(buffer: bytes) -> bytes | None:
    """Return the head that a buffer begins with, its empty line included; None while it is not whole."""
    end = _END.search(buffer)
    return None if end is None else buffer[: end.end()]


def is_request_head(head: bytes) -> bool:
    """Tell whether a whole head is a request's, every line in its one form."""
    return _REQUEST.fullmatch(head) is not None and _has_plain_lengths(head)


def is_response_head(head: bytes) -> bool:
    """Tell whether a whole head is a response's; its lines may end with LF alone."""
    return _RESPONSE.fullmatch(head) is not None and _has_plain_lengths(head)


def _has_plain_lengths(head: bytes) -> bool:
    return all(_LENGTH.fullmatch(found) for found in _LENGTHS.findall(head))
