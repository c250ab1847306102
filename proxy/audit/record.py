"""Audit records: what was decided about one request, and what came of it. Never a secret.

Whatever leaves the proxy has an `intent` record, written before its first byte leaves, and an
`outcome` record with the same `id`; what is refused or answered by Keyhatch has an outcome only.
A record is made as JSON members; the journal adds its place in the chain.
"""

import json
from collections.abc import Mapping
from datetime import datetime
from json.encoder import encode_basestring_ascii as _quote
from typing import Final, Literal, NamedTuple

type DecisionWord = Literal["inject", "forward", "tunnel", "portal", "refuse"]

_compact: Final = json.JSONEncoder(separators=(",", ":")).encode


class Approval(NamedTuple):
    """What became of a request that waited for the operator's yes.

    `answer`: see proxy/policy/approvals.py; `by` is who gave it and how, None where no one did; `ms`
    how long it waited; `digest` that of the whole request.
    """

    answer: str
    by: str | None
    ms: float
    digest: str


class Subject(NamedTuple):
    """What a record is about; `method`, `host` and `path` as proxy/audit/template.py tells them.

    `lease`: the request came with the token of a `keyhatch run`, `sandbox`: from behind its wall. `rule` is the one that decided,
    where one did. `trace` is the W3C trace id, 32 hexadecimal digits; `parent`, which is on no
    record, the agent's span in it. `approval` is None for what needed none.
    """

    id: str
    trace: str
    agent: str | None
    lease: bool
    connector: str | None
    decision: DecisionWord
    reason: str
    method: str
    host: str
    port: int
    path: str
    rule: str | None = None
    approval: Approval | None = None
    parent: str | None = None
    sandbox: bool = False


class Result(NamedTuple):
    """What came of it. Bytes are of bodies (of the raw stream for tunnels), times are in ms.

    `status` is None when no response was sent; `code` is the problem's code, or None. `ms` is
    from the request's head to the end; the others are None where there was no such wait:
    `ms_decision` until it was decided, `ms_token` for the credential, `ms_connect` for a new
    connection with its TLS, `ms_first_byte` from the request's head to the response's. `notes` are
    words about the answer: `token-masked`, `signed-link`.
    """

    status: int | None
    code: str | None
    bytes_in: int
    bytes_out: int
    ms: float
    ms_decision: float | None = None
    ms_token: float | None = None
    ms_connect: float | None = None
    ms_first_byte: float | None = None
    notes: tuple[str, ...] = ()


def intent_members(time: datetime, subject: Subject) -> str:
    """Return the record of a request that is about to leave."""
    return f'"time":"{stamp(time)}","event":"intent",{_subject(subject)}'


def outcome_members(time: datetime, subject: Subject, result: Result) -> str:
    """Return the record of a request that has ended."""
    status = "null" if result.status is None else result.status
    return (
        f'"time":"{stamp(time)}","event":"outcome",{_subject(subject)}'
        f',"status":{status},"code":{_text(result.code)}'
        f',"bytes_in":{result.bytes_in},"bytes_out":{result.bytes_out}'
        f',"ms":{_number(result.ms)},"ms_decision":{_number(result.ms_decision)}'
        f',"ms_token":{_number(result.ms_token)},"ms_connect":{_number(result.ms_connect)}'
        f',"ms_first_byte":{_number(result.ms_first_byte)}'
        f',"notes":[{",".join(map(_text, result.notes))}]'
    )


def event_members(time: datetime, event: str, facts: Mapping[str, object]) -> str:
    """Return the record of anything else that happened: `event` is a word, facts are JSON."""
    rest = _plain(_compact(facts)[1:-1])
    return f'"time":"{stamp(time)}","event":"{event}"' + (f",{rest}" if rest else "")


def stamp(time: datetime) -> str:
    """Return a UTC time as records tell it, in milliseconds."""
    return time.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _subject(subject: Subject) -> str:
    # Written by hand: it is on the way of every request, and `json` takes four times as long.
    return (
        f'"id":{_text(subject.id)},"trace":{_text(subject.trace)}'
        f',"agent":{_text(subject.agent)},"lease":{"true" if subject.lease else "false"}'
        f',"connector":{_text(subject.connector)}'
        f',"decision":"{subject.decision}","reason":{_text(subject.reason)}'
        f',"rule":{_text(subject.rule)},"method":{_text(subject.method)}'
        f',"host":{_text(subject.host)},"port":{subject.port},"path":{_text(subject.path)}'
        f"{',"sandbox":true' if subject.sandbox else ''}"
        f"{'' if subject.approval is None else _approval(subject.approval)}"
    )


def _approval(approval: Approval) -> str:
    return (
        f',"approval":{{"answer":{_text(approval.answer)},"by":{_text(approval.by)}'
        f',"ms":{_number(approval.ms)},"digest":{_text(approval.digest)}}}'
    )


def _text(value: str | None) -> str:
    return "null" if value is None else _plain(_quote(value))


def _plain(text: str) -> str:
    # DEL is the one control character that JSON lets stand as it is.
    return text.replace("\x7f", "\\u007f") if "\x7f" in text else text


def _number(value: float | None) -> str:
    return "null" if value is None else f"{value:.2f}"
