"""The oracle: after an attack, no canary is where it has no business, in no disguise."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from tests.attacks.harness.canary import find, new_canary

type Read = Callable[[], Iterable[tuple[str, bytes]]]


class LeakError(AssertionError):
    """A canary was found; says where and in which form, not what it is."""


@dataclass
class Oracle:
    """Every canary that was planted, and every place that is searched for it.

    A place is read when it is judged: a function that yields what there is, each with its name.
    """

    canaries: list[str] = field(default_factory=list)
    _places: list[tuple[Read, frozenset[str]]] = field(default_factory=list)

    def plant(self) -> str:
        """Return a new secret that is looked for from now on."""
        self.canaries.append(new_canary())
        return self.canaries[-1]

    def watch(self, read: Read, *, may_hold: Iterable[str] = ()) -> None:
        """Search a place, for all canaries but those that belong there."""
        self._places.append((read, frozenset(may_hold)))

    def judge(self) -> None:
        """Search everything. Raises LeakError."""
        assert self.canaries, "nothing was planted"
        for read, owned in self._places:
            for name, octets in read():
                self._search(name, octets, owned)

    def _search(self, name: str, octets: bytes, owned: frozenset[str]) -> None:
        for number, canary in enumerate(self.canaries, 1):
            form = None if canary in owned else find(octets, canary)
            if form is not None:
                raise LeakError(f"secret {number} is in {name}: {form}")
