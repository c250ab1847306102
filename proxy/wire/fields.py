"""Header fields as an immutable sequence of name and value, and the few things done with them.

Names are matched without regard to case. What is *removed* is matched without regard to `-` and
`_` either: CGI, WSGI and PHP upstreams see `X_Api_Key` and `X-Api-Key` as one variable, so the one
spelling must not survive where the other is overwritten.
"""

from collections.abc import Collection, Iterator

type Fields = tuple[tuple[bytes, bytes], ...]


def folded(name: bytes) -> bytes:
    """Return the form in which names are removed: lower case, hyphens only."""
    return name.lower().replace(b"_", b"-")


def get_all(fields: Fields, name: bytes) -> tuple[bytes, ...]:
    """Return every value of a field, in order; `name` in lower case."""
    return tuple(value for found, value in fields if found.lower() == name)


def has(fields: Fields, name: bytes) -> bool:
    """Tell whether a field is present; `name` in lower case."""
    return any(found.lower() == name for found, _ in fields)


def without(fields: Fields, names: Collection[bytes]) -> Fields:
    """Return the fields whose folded name is not among `names` (which are folded)."""
    return tuple(field for field in fields if folded(field[0]) not in names)


def with_field(fields: Fields, name: bytes, value: bytes) -> Fields:
    """Return the fields with exactly one of that name, at the end."""
    return (*without(fields, (folded(name),)), (name, value))


def members(values: Collection[bytes]) -> Iterator[bytes]:
    """Yield the members of a comma-separated list field in lower case (RFC 9110, 5.6.1)."""
    for value in values:
        for member in value.split(b","):
            if stripped := member.strip(b" \t"):
                yield stripped.lower()
