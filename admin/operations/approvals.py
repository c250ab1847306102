"""Requests that wait for the operator's yes: asked of the running proxy, which alone has them.

What an agent wrote of a request is passed on as it is: whoever shows it escapes it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from admin.operations.place import Place
from config.errors import KeyhatchError, OperatorNeededError
from proxy.server.control_client import request

type Facts = Mapping[str, Any]


class NoProxyError(OperatorNeededError):
    """No proxy runs, so that nothing can wait."""

    exit_code = KeyhatchError.exit_code


@dataclass(frozen=True, slots=True)
class Waiting:
    """What waits, the longest waiting first; `version` is another after each change.

    The facts of each are `id`, `age` and `left` in seconds, `agent`, `connector`, `method`, `url`,
    `bytes` of its body, `digest`.
    """

    version: int
    requests: tuple[Facts, ...]


def waiting(place: Place, *, after: int | None = None, wait: float = 0) -> Waiting:
    """Return what waits; with `after`, a version, once that has changed or `wait` seconds are over.

    Raises NoProxyError.
    """
    message: dict[str, Any] = {"op": "approvals"}
    if after is not None:
        message |= {"after": after, "wait": wait}
    reply = ask_proxy(place, message, timeout=5 + 2 * wait)
    return Waiting(reply["version"], tuple(reply["pending"]))


def find(place: Place, number: str) -> Facts:
    """Return a whole waiting request: also its `fields`, and its body's beginning as `preview`.

    Raises NotFoundError, ConflictError for one that was answered, NoProxyError.
    """
    return ask_proxy(place, {"op": "approval", "id": number})


def answer(place: Place, number: str, *, yes: bool, reason: str = "", by: str = "") -> Facts:
    """Let a waiting request be sent, or refuse it; return what it was.

    `reason` is shown to the agent. `by` says who answered where that is not this process's user.
    Raises as `find`, and UsageError for a reason that is no short line.
    """
    message = {"op": "answer", "id": number, "yes": yes, "reason": reason, "by": by}
    return ask_proxy(place, message)


def ask_proxy(place: Place, message: dict[str, Any], timeout: float = 5.0) -> dict[str, Any]:
    """Return the running proxy's reply. Raises KeyhatchError, also where none runs."""
    place.home.require()
    reply = request(place.home, message, timeout=timeout)
    if reply is None:
        raise NoProxyError("no proxy is running", hint="start it with `keyhatch serve`")
    return reply
