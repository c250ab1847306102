"""What the control socket answers about requests that wait for the operator's yes."""

import asyncio
from typing import Any, Final

from config.errors import UsageError
from proxy.policy.approvals import Approvals, Pending

DESK_OPS: Final = ("approvals", "approval", "answer")  # an op may be any JSON: no set
LONGEST_WAIT: Final = 30.0  # seconds that one question for changes may take
URL_SHOWN: Final = 1000  # characters in a list
PREVIEW: Final = 4096  # bytes of a body
OPERATOR: Final = "operator via cli"
LONGEST_NAME: Final = 128

type Message = dict[str, Any]


async def answer_desk(approvals: Approvals, message: Message) -> Message:
    """Return the reply to `approvals`, `approval` or `answer`.

    `approvals` with `after`, the version of an earlier reply, and `wait`, in seconds, waits for a
    change. `answer` with `by` names who answers, where it was not at the command line. Raises UsageError, NotFoundError, ConflictError.
    """
    match message:
        case {"op": "approvals"}:
            await _wait_for_change(approvals, message.get("after"), message.get("wait", 0))
            rows = [_row(found, approvals.now()) for found in approvals.pending()]
            return {"version": approvals.version, "pending": rows}
        case {"op": "approval", "id": str(number)}:
            return _whole(approvals.find(number), approvals.now())
        case {"op": "answer", "id": str(number), "yes": bool(yes)}:
            reason, by = message.get("reason", ""), message.get("by") or OPERATOR
            if isinstance(reason, str) and isinstance(by, str) and len(by) <= LONGEST_NAME:
                now = approvals.now()
                return _row(approvals.answer(number, yes=yes, by=by, reason=reason), now)
    raise unknown_request()


def unknown_request() -> UsageError:
    """Return the error for a question that this proxy has no answer to."""
    return UsageError("the running proxy does not know this request", hint="restart the proxy")


async def _wait_for_change(approvals: Approvals, after: object, wait: object) -> None:
    if not isinstance(wait, int | float) or approvals.version != after:
        return
    changed = asyncio.Event()
    forget = approvals.watch(changed.set)
    try:
        async with asyncio.timeout(min(float(wait), LONGEST_WAIT)):
            await changed.wait()
    except TimeoutError:
        return
    finally:
        forget()


def _row(found: Pending, now: float) -> Message:
    """Return what a list shows. All of it is an agent's to write, so it is escaped when printed."""
    request = found.request
    whole = len(request.url) <= URL_SHOWN
    return {
        "id": found.id,
        "age": round(max(0.0, now - found.asked), 1),
        "left": round(max(0.0, found.deadline - now), 1),
        "agent": request.agent,
        "connector": request.connector,
        "method": request.method,
        "url": request.url if whole else request.url[:URL_SHOWN] + "…",
        "bytes": len(request.body),
        "digest": found.digest,
    }


def _whole(found: Pending, now: float) -> Message:
    request = found.request
    fields = [f"{_text(name)}: {_text(value)}" for name, value in request.fields]
    return {
        **_row(found, now),
        "url": request.url,
        "fields": fields,
        "preview": _text(request.body[:PREVIEW]),
        "preview_is_whole": len(request.body) <= PREVIEW,
    }


def _text(octets: bytes) -> str:
    return octets.decode("utf-8", "backslashreplace")
