"""The type that holds credential material and cannot print itself."""

import re
from typing import Final, NoReturn, SupportsIndex

from config.errors import UsageError

MIN_SECRET = 8  # shorter ones would be masked inside ordinary words, and guessed by echo
MAX_SECRET = 64 * 1024
_MASK: Final = "«secret»"
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")


class Secret:
    """Credential material; `repr`, `str`, `format` and pickle never show it.

    The one way to its value is `reveal()`; where that is called is listed in a test.
    """

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """Return the material itself. The caller places it and lets go of it."""
        return self._value

    def __repr__(self) -> str:
        return _MASK

    def __str__(self) -> str:
        return _MASK

    def __format__(self, spec: str) -> str:
        return format(_MASK, spec)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and self._value == other._value

    def __hash__(self) -> int:
        return hash((Secret, self._value))

    def __reduce_ex__(self, protocol: SupportsIndex) -> NoReturn:
        raise TypeError("a secret is not pickled")


def accept_secret(text: str, *, what: str = "secret") -> Secret:
    """Return what an operator entered as a secret, one final newline taken off.

    Raises UsageError for an empty, too short or too long secret and for CR, LF, NUL and other
    control characters or text outside ASCII: none can stand in a header field (RFC 9110, 5.5).
    """
    value = text.removesuffix("\n").removesuffix("\r")
    if not value:
        raise UsageError(
            f"the {what} is empty", hint="paste it at the prompt or pipe it with --secret-stdin"
        )
    if len(value) < MIN_SECRET:
        raise UsageError(
            f"the {what} is shorter than {MIN_SECRET} characters",
            hint="a value this short cannot be masked in responses",
        )
    if len(value) > MAX_SECRET:
        raise UsageError(f"the {what} is longer than {MAX_SECRET} characters")
    if not value.isascii() or not value.isprintable():
        raise UsageError(
            f"the {what} has a line break or another character that no header can carry",
            hint="check the file or clipboard that it came from",
        )
    return Secret(value)


def require_storable(secret: Secret, *, document: bool) -> None:
    """Raise UsageError for a secret that could be neither placed nor masked, whoever stores it.

    `document`: it is a key file or a token set, which has lines and is never placed as it is.
    """
    value = secret._value  # noqa: SLF001 - looked at, not given away
    if len(value) < MIN_SECRET:
        raise UsageError(
            f"a secret of less than {MIN_SECRET} characters is not stored",
            hint="a value this short cannot be masked in responses",
        )
    if not document and _CONTROL.search(value):
        raise UsageError(
            "a secret with a line break or control character is not stored",
            hint="no header can carry it; check where it came from",
        )
