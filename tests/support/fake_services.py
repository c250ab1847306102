"""Several hosts of one made-up or real service, answered on one loopback port by a table."""

import json
import re
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

from tests.support.scripted import ScriptedOrigin


@dataclass(frozen=True)
class Seen:
    """One request as a host got it; `fields` have names in lower case."""

    line: str
    fields: Mapping[str, str]
    body: str

    @property
    def target(self) -> str:
        """The method, host and path, such as `POST api.example.com/token`."""
        method, path, _ = self.line.split()
        return f"{method} {self.fields['host']}{path}"


type Answer = tuple[int, Any]
type Rule = Answer | Callable[[Seen], Answer]


class FakeServices:
    """A TLS server for these hosts. `rules` by `METHOD host/path`; anything else is a 404."""

    def __init__(self, hosts: tuple[str, ...], rules: Mapping[str, Rule]) -> None:
        self.seen: list[Seen] = []
        self.rules = dict(rules)
        self.origin = ScriptedOrigin(self._answer, hosts=hosts)

    @property
    def dial(self) -> str:
        return self.origin.dial

    @property
    def ca_pem(self) -> bytes:
        return self.origin.ca_pem

    @property
    def targets(self) -> list[str]:
        return [seen.target for seen in self.seen]

    def __enter__(self) -> Self:
        self.origin.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.origin.__exit__(kind, error, trace)

    def _answer(self, stream: socket.socket, head: bytes) -> None:
        line, *rest = head.decode("latin-1").rstrip("\r\n").split("\r\n")
        fields = {
            name.lower(): value.strip()
            for name, _, value in (field.partition(":") for field in rest)
        }
        seen = Seen(line, fields, _body(stream, head))
        self.seen.append(seen)
        rule = self.rules.get(seen.target, (404, {}))
        status, document = rule(seen) if callable(rule) else rule
        body = document if isinstance(document, bytes) else json.dumps(document).encode()
        kind = b"text/html" if isinstance(document, bytes) else b"application/json"
        stream.sendall(
            b"HTTP/1.1 %d X\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n%s"
            % (status, kind, len(body), body)
        )


def _body(stream: socket.socket, head: bytes) -> str:
    length = re.search(rb"content-length: (\d+)", head.lower())
    missing, body = int(length[1]) if length else 0, b""
    while len(body) < missing:
        body += stream.recv(missing - len(body))
    return body.decode()
