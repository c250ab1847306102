"""What an agent may do with a connector: the rules on a connector, and those on a grant.

Both have the same form, and a request has to pass both. In which order the parts are looked at
is `proxy.policy.rules`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo  # 10 ms, and few files have hours

type Unmatched = Literal["tunnel", "deny"]

EVERY_PATH: Final = ("/**",)
READING: Final = frozenset({"GET", "HEAD", "OPTIONS"})
"""What `read_only` leaves: the safe methods (RFC 9110, 9.2.1) that are ever sent."""

DAY: Final = 24 * 60  # minutes


@dataclass(frozen=True, slots=True)
class Rule:
    """Requests of a kind: any of `methods` (empty: all) on any of `paths` (globs)."""

    methods: frozenset[str]
    paths: tuple[str, ...] = EVERY_PATH

    @property
    def names_paths(self) -> bool:
        return self.paths != EVERY_PATH


@dataclass(frozen=True, slots=True)
class Rate:
    """At the most `number` requests in any `seconds` on end."""

    number: int
    seconds: int

    def __str__(self) -> str:
        return f"{self.number}/{RATE_UNITS[self.seconds]}"


RATE_UNITS: Final = {1: "second", 60: "minute", 3600: "hour"}


@dataclass(frozen=True, slots=True)
class Hours:
    """A weekly window in local time: from `start` to `end`, in minutes of the day.

    `days` are those on which it opens, Monday being 0. Where `end` is not after `start`, it closes
    on the day after.
    """

    days: frozenset[int]
    start: int
    end: int
    zone: "ZoneInfo"


@dataclass(frozen=True, slots=True)
class Policy:
    """What is narrowed; without anything, nothing is.

    `rates` and `concurrency` are for one agent and one connector; `hours` empty: always.
    """

    deny: tuple[Rule, ...] = ()
    read_only: bool = False
    allow: tuple[Rule, ...] = ()
    hours: tuple[Hours, ...] = ()
    approve: tuple[Rule, ...] = ()
    rates: tuple[Rate, ...] = ()
    concurrency: int | None = None

    names_paths: bool = field(init=False)
    """Whether a path decides anything: it then has to be one that every server reads alike."""

    def __post_init__(self) -> None:
        rules = (*self.deny, *self.allow, *self.approve)
        object.__setattr__(self, "names_paths", any(rule.names_paths for rule in rules))


class HostPattern(NamedTuple):
    """A host, or with `wildcard` every host below it; `port` None is any that is open at all."""

    host: str
    port: int | None = None
    wildcard: bool = False

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        port = "" if self.port is None else f":{self.port}"
        return f"{'*.' if self.wildcard else ''}{host}{port}"


@dataclass(frozen=True, slots=True)
class Egress:
    """Hosts that no connector owns, and that are let through or refused by name."""

    allow: frozenset[HostPattern] = frozenset()
    deny: frozenset[HostPattern] = frozenset()


FREE: Final = Policy()
NO_EGRESS: Final = Egress()
NO_GRANTS: Final[Mapping[str, Policy]] = MappingProxyType({})
