"""What is told a person beside the output of a command, or in the log of a server."""

import sys


def note(message: str) -> None:
    """Tell a person something on standard error."""
    print(printable(message), file=sys.stderr, flush=True)


def printable(text: str) -> str:
    """Return a text in which what a terminal would obey, not show, is written as an escape."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
