"""Upstreams that give away what they were given: the parts of which their answers are made."""

import zlib
from collections.abc import Callable

from tests.attacks.harness.arena import Arena
from tests.attacks.harness.canary import find
from tests.attacks.harness.h2_upstream import Fields
from tests.attacks.harness.upstream import Behaviour, script

SECOND = "h2.hub.example"  # of the connectors whose upstream speaks HTTP/2


def credential(head: bytes) -> bytes:
    """Return the secret in a request's head."""
    [line] = [n for n in head.split(b"\r\n") if n.lower().startswith(b"authorization: bearer ")]
    return line.split(b" ", 2)[2]


def reflecting(make: Callable[[bytes], bytes]) -> Behaviour:
    """Return an upstream that sends what is made of the credential that it was given."""
    return script(lambda visit, head: visit.send(make(credential(head))))


def whole(body: bytes, *fields: bytes, status: bytes = b"200 OK") -> bytes:
    """Return an answer with its length."""
    lines = [b"HTTP/1.1 " + status, b"Content-Length: %d" % len(body), *fields]
    return b"\r\n".join([*lines, b"", b""]) + body


def masked(arena: Arena) -> bytes:
    return b"*" * len(arena.hub.secret)


def of_h2(fields: Fields) -> str:
    """Return the secret in a request's fields."""
    return dict(fields)["authorization"].removeprefix("Bearer ")


def in_chunks(pieces: list[bytes], *fields: bytes) -> bytes:
    head = b"\r\n".join([b"HTTP/1.1 200 OK", b"Transfer-Encoding: chunked", *fields, b"", b""])
    return head + b"".join(b"%x\r\n%s\r\n" % (len(n), n) for n in [*pieces, b""])


def cut(octets: bytes, size: int) -> list[bytes]:
    return [octets[at : at + size] for at in range(0, len(octets), size)]


def raw_deflate(octets: bytes) -> bytes:
    return zlib.compress(octets, wbits=-15)


def faulty(arena: Arena, hook: str) -> object:
    """Return an addon that raises in one hook, with the secret in its words."""

    def fault(_self: object, *_arguments: object) -> None:
        raise RuntimeError(f"a fault that knows {arena.hub.secret}")

    return type("Faulty", (), {hook: fault})()


MARK = "nobody-else-writes-this-0001"


def told(arena: Arena) -> bytes:
    """Return all that the product wrote and shows; what it printed can be read but once."""
    octets = b"\n".join(octets for _name, octets in arena.product.told())
    assert [find(octets, canary) for canary in arena.oracle.canaries] == [None] * len(
        arena.oracle.canaries
    )
    return octets
