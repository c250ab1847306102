"""Which requests wait for the operator's yes, and what becomes of each: state, without any I/O.

A request first takes a seat, which bounds how many bodies are held, then asks. The first answer
counts; every request that asked is settled exactly once.
"""

import secrets
from collections import Counter, OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from config.errors import ConflictError, NotFoundError, UsageError
from proxy.policy.held import HeldRequest

MAX_OF_AGENT: Final = 20  # seats; one body of at most a MiB each
MAX_SEATS: Final = 100
MAX_REASON: Final = 200  # characters
REMEMBERED: Final = 1000  # settled requests of which it is known what became of them
_ID_LETTERS: Final = "abcdefghjkmnpqrstuvwxyz23456789"
_ID_LENGTH: Final = 5


class Answer(StrEnum):
    """What became of a request that asked."""

    YES = "yes"
    NO = "no"
    TIMED_OUT = "timed-out"
    WITHDRAWN = "withdrawn"  # its agent hung up
    STOPPED = "stopped"  # the proxy ends


@dataclass(frozen=True, slots=True)
class Verdict:
    """The answer, who gave it (None: no one), after how many seconds, and why, for the agent."""

    answer: Answer
    by: str | None
    waited: float
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Pending:
    """A request that waits. `asked` and `deadline` are of the monotonic clock."""

    id: str
    request: HeldRequest
    digest: str
    asked: float
    deadline: float
    settled: Callable[[Verdict], None] = field(repr=False, compare=False)


class Approvals:
    """All that waits; `version` grows with every change of it."""

    def __init__(
        self, monotonic: Callable[[], float], new_id: Callable[[], str] | None = None
    ) -> None:
        self._monotonic = monotonic
        self._new_id = new_id or _random_id
        self._pending: dict[str, Pending] = {}
        self._settled: OrderedDict[str, Answer] = OrderedDict()
        self._seats: Counter[str] = Counter()
        self._watchers: list[Callable[[], None]] = []
        self._closed = False
        self.version = 0

    def seat(self, agent: str) -> "Seat | None":
        """Return a place for a request of an agent, or None where it or all have too many."""
        if self._seats[agent] >= MAX_OF_AGENT or self._seats.total() >= MAX_SEATS:
            return None
        self._seats[agent] += 1
        return Seat(self, agent)

    def pending(self) -> tuple[Pending, ...]:
        """Return what waits, the longest waiting first."""
        self._lapse_overdue()
        return tuple(self._pending.values())

    def find(self, number: str) -> Pending:
        """Return one that waits. Raises NotFoundError, ConflictError when it was answered."""
        self._lapse_overdue()
        found = self._pending.get(number)
        if found is None:
            raise self._unknown(number)
        return found

    def answer(self, number: str, *, yes: bool, by: str, reason: str = "") -> Pending:
        """Answer one that waits. Raises NotFoundError, ConflictError, UsageError for a reason.

        The reason is shown to the agent, so it has to be a short line.
        """
        if len(reason) > MAX_REASON or not reason.isprintable():
            raise UsageError(
                f"the reason is not one line of at most {MAX_REASON} characters",
                hint="the agent is shown it: write it without line breaks",
            )
        found = self.find(number)
        self._settle(found, Answer.YES if yes else Answer.NO, by, reason)
        return found

    def now(self) -> float:
        """Return the clock's time that `asked` and `deadline` are of."""
        return self._monotonic()

    def watch(self, changed: Callable[[], None]) -> Callable[[], None]:
        """Have a function called at each change; returns what ends that."""
        self._watchers.append(changed)
        return lambda: self._watchers.remove(changed)

    def close(self) -> None:
        """Refuse all that waits, and all that will: the proxy ends."""
        self._closed = True
        for found in list(self._pending.values()):
            self._settle(found, Answer.STOPPED)
        self._changed()

    def _ask(self, request: HeldRequest, timeout: float, settled: Callable[[Verdict], None]) -> str:
        number = self._new_id()
        while number in self._pending or number in self._settled:
            number = self._new_id()
        now = self._monotonic()
        found = Pending(number, request, request.digest(), now, now + timeout, settled)
        self._pending[number] = found
        if self._closed:
            self._settle(found, Answer.STOPPED)
        else:
            self._changed()
        return number

    def _end(self, number: str, answer: Answer) -> None:
        found = self._pending.get(number)
        if found is not None:
            self._settle(found, answer)

    def _leave(self, agent: str) -> None:
        self._seats[agent] -= 1
        if not self._seats[agent]:
            del self._seats[agent]

    def _lapse_overdue(self) -> None:
        now = self._monotonic()
        for found in [one for one in self._pending.values() if one.deadline <= now]:
            self._settle(found, Answer.TIMED_OUT)

    def _settle(
        self, found: Pending, answer: Answer, by: str | None = None, reason: str = ""
    ) -> None:
        del self._pending[found.id]
        self._settled[found.id] = answer
        if len(self._settled) > REMEMBERED:
            self._settled.popitem(last=False)
        found.settled(Verdict(answer, by, self._monotonic() - found.asked, reason))
        self._changed()

    def _changed(self) -> None:
        self.version += 1
        for changed in list(self._watchers):
            changed()

    def _unknown(self, number: str) -> NotFoundError | ConflictError:
        answer = self._settled.get(number)
        if answer in {Answer.YES, Answer.NO}:
            return ConflictError(
                f"request {number} was already answered with {answer}",
                hint="`keyhatch logs` shows what came of it",
            )
        words = {
            Answer.TIMED_OUT: "was not answered in time",
            Answer.WITHDRAWN: "is gone: its agent hung up",
            Answer.STOPPED: "is gone: the proxy was stopped",
        }
        if answer is not None:
            return NotFoundError(f"request {number} {words[answer]}", hint=_LIST_HINT)
        return NotFoundError(f"no request {number!r} waits for an answer", hint=_LIST_HINT)


class Seat:
    """One request's place among those that are held; it is left once, however often it is said."""

    __slots__ = ("_agent", "_approvals", "_left", "_number")

    def __init__(self, approvals: Approvals, agent: str) -> None:
        self._approvals = approvals
        self._agent = agent
        self._number: str | None = None
        self._left = False

    def ask(self, request: HeldRequest, timeout: float, settled: Callable[[Verdict], None]) -> None:
        """Ask for a yes within so many seconds; `settled` is called exactly once."""
        if self._left:
            settled(Verdict(Answer.WITHDRAWN, None, 0.0))
            return
        self._number = self._approvals._ask(request, timeout, settled)  # noqa: SLF001 - one family

    def lapse(self) -> None:
        """Settle it, if it still waits: the time is up."""
        if self._number is not None:
            self._approvals._end(self._number, Answer.TIMED_OUT)  # noqa: SLF001

    def leave(self) -> None:
        """Give the place back; what still waits on it is withdrawn, and cannot be approved."""
        if self._left:
            return
        self._left = True
        if self._number is not None:
            self._approvals._end(self._number, Answer.WITHDRAWN)  # noqa: SLF001
        self._approvals._leave(self._agent)  # noqa: SLF001


_LIST_HINT: Final = "`keyhatch approvals` lists what waits"


def _random_id() -> str:
    return "".join(secrets.choice(_ID_LETTERS) for _ in range(_ID_LENGTH))
