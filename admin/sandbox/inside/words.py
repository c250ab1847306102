"""What the two sides of the wall say to each other, a datagram each, on a socket between them."""

READY = b"ready"  # from inside: the command is about to start; with its terminal, if it has one
MISSING = b"missing"  # from inside: it could not be started; the number of the error follows
STOPPED = b"stopped"  # from inside: the command was stopped; the signal follows
SIGNAL = b"signal"  # from outside: one for the command; its number follows
CONTINUE = b"continue"  # from outside: the command may go on
FOREGROUND = b"foreground"  # from outside: it may go on, and has the keyboard

LONGEST = 64  # bytes of a datagram


def say(word: bytes, number: int) -> bytes:
    """Return a word with a number."""
    return b"%s %d" % (word, number)


def heard(message: bytes) -> tuple[bytes, int]:
    """Return the word and the number of a datagram; 0 where it has none."""
    word, _, number = message.partition(b" ")
    return word, int(number) if number.isdigit() and len(number) <= 4 else 0  # noqa: PLR2004
