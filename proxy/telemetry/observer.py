"""The seam to whatever counts or traces: told of what happened, asked for nothing.

What is told is what the audit log has, or is in the configuration: never a secret, a query, a
header or a body. An observer is called on the event loop and returns at once.
"""

from enum import StrEnum
from typing import Final, Protocol

from proxy.audit.record import Result, Subject


class Renewal(StrEnum):
    """What came of an attempt to renew a connector's access token."""

    RENEWED = "renewed"
    FAILED = "failed"
    NEEDS_OPERATOR = "needs_operator"


class Observer(Protocol):
    """Who wants to know what happens. Calls must not raise."""

    def ended(self, subject: Subject, result: Result) -> None:
        """A request or a tunnel has ended; told once for each."""

    def renewed(self, connector: str, renewal: Renewal) -> None:
        """A refresh of a connector, by its slug, has ended."""

    def unrecorded(self) -> None:
        """A record could not be written to the audit log."""


class NoObserver:
    """Nobody wants to know."""

    __slots__ = ()

    def ended(self, subject: Subject, result: Result) -> None:
        pass

    def renewed(self, connector: str, renewal: Renewal) -> None:
        pass

    def unrecorded(self) -> None:
        pass


NOBODY: Final[Observer] = NoObserver()


class Observers:
    """Passes on what it is told to all who want to know; there is always one, it may be nobody.

    `only` is that one where it is enough to tell one: the way of every request is the shortest.
    """

    __slots__ = ("_all", "only")

    def __init__(self) -> None:
        self._all: tuple[Observer, ...] = ()
        self.only: Observer = NOBODY

    def add(self, observer: Observer) -> None:
        self._set((*self._all, observer))

    def remove(self, observer: Observer) -> None:
        self._set(tuple(other for other in self._all if other is not observer))

    def _set(self, observers: tuple[Observer, ...]) -> None:
        self._all = observers
        match observers:
            case ():
                self.only = NOBODY
            case (observer,):
                self.only = observer
            case _:
                self.only = _Several(observers)


class _Several:
    __slots__ = ("_all",)

    def __init__(self, observers: tuple[Observer, ...]) -> None:
        self._all = observers

    def ended(self, subject: Subject, result: Result) -> None:
        for observer in self._all:
            observer.ended(subject, result)

    def renewed(self, connector: str, renewal: Renewal) -> None:
        for observer in self._all:
            observer.renewed(connector, renewal)

    def unrecorded(self) -> None:
        for observer in self._all:
            observer.unrecorded()
