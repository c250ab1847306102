"""Audit records: what was decided about one request, and what came of it. Never a secret.

A request is one `outcome` line. One that leaves with a credential also has an `intent` line,
written before its first byte leaves; both carry the same `id`.
"""

import json
from datetime import datetime
from typing import Literal, NamedTuple

type DecisionWord = Literal["inject", "forward", "tunnel", "portal", "refuse"]


class Subject(NamedTuple):
    """What a record is about. `path` is without its query, which may hold anything."""

    id: str
    agent: str | None
    connector: str | None
    decision: DecisionWord
    reason: str
    method: str
    host: str
    port: int
    path: str


class Result(NamedTuple):
    """What came of it. Bytes are of bodies (of the raw stream for tunnels), `ms` is wall time.

    `status` is None when no response was sent; `code` is the problem's code, or None.
    """

    status: int | None
    code: str | None
    bytes_in: int
    bytes_out: int
    ms: float


def intent_line(time: datetime, subject: Subject) -> bytes:
    """Return the line for a request that is about to leave with a credential."""
    return _line({"time": _stamp(time), "event": "intent", **subject._asdict()})


def outcome_line(time: datetime, subject: Subject, result: Result) -> bytes:
    """Return the line for a request that has ended."""
    return _line(
        {"time": _stamp(time), "event": "outcome", **subject._asdict(), **result._asdict()}
    )


def _stamp(time: datetime) -> str:
    return time.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _line(record: dict[str, object]) -> bytes:
    # DEL is the one control character that JSON lets stand as it is.
    return json.dumps(record, separators=(",", ":")).replace("\x7f", "\\u007f").encode() + b"\n"
