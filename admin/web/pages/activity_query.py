"""What of the log a person asked to see: the filters of the Activity tab, as its address has them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Final, NamedTuple, Self
from urllib.parse import urlencode

from admin.audit.filter import Picked, parse_moment
from config.errors import UsageError

PATH: Final = "/settings/activity"
DAY: Final = "1d"
REQUESTS: Final = "requests"


class Span(NamedTuple):
    """How far back is looked, and into how many parts that is cut, so that each is a round time."""

    words: str
    length: timedelta
    slots: int


class Outcome(NamedTuple):
    """How a request ended: `statuses` and `decisions` as in `Picked`."""

    words: str
    statuses: tuple[str, ...] = ()
    decisions: tuple[str, ...] = ()


SPANS: Final[Mapping[str, Span]] = MappingProxyType(
    {
        "15m": Span("last 15 minutes", timedelta(minutes=15), 45),
        "1h": Span("last hour", timedelta(hours=1), 60),
        DAY: Span("last 24 hours", timedelta(days=1), 48),
        "7d": Span("last 7 days", timedelta(days=7), 56),
        "30d": Span("last 30 days", timedelta(days=30), 60),
    }
)
_PASSED: Final = ("inject", "forward", "tunnel", "portal")
OUTCOMES: Final[Mapping[str, Outcome]] = MappingProxyType(
    {
        "ok": Outcome("answered well", ("1xx", "2xx", "3xx"), _PASSED),
        "declined": Outcome("answered with 4xx", ("4xx",), _PASSED),
        "refused": Outcome("refused by Keyhatch", (), ("refuse",)),
        "failed": Outcome("5xx or no answer", ("5xx", "none"), _PASSED),
    }
)
SHOWN: Final[Mapping[str, tuple[str, tuple[str, ...]]]] = MappingProxyType(
    {
        REQUESTS: ("requests", ("outcome",)),
        "acts": ("what the operator did", ("admin",)),
        "all": ("both", ("outcome", "admin")),
    }
)
WALLS: Final[Mapping[str, tuple[str, bool]]] = MappingProxyType(
    {"yes": ("from behind it", True), "no": ("not from behind it", False)}
)
METHODS: Final = (
    "GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "CONNECT", "WEBSOCKET",
)  # fmt: skip

_NAMES: Final = (
    "connector", "agent", "outcome", "method", "q", "span", "since", "until", "show", "sandbox",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Query:
    """The filters as they were typed; `faults` tells what could not be understood, by field."""

    connector: str = ""
    agent: str = ""
    outcome: str = ""
    method: str = ""
    q: str = ""
    span: str = DAY
    since: str = ""
    until: str = ""
    show: str = REQUESTS
    sandbox: str = ""
    faults: Mapping[str, str] = field(default_factory=dict, compare=False)

    @classmethod
    def read(cls, asked: Mapping[str, str], now: datetime) -> Self:
        """Return the filters of an address; a choice that does not exist is as if not made."""
        given = {name: asked[name].strip() for name in _NAMES if asked.get(name, "").strip()}
        for name, known in (
            ("span", SPANS),
            ("outcome", OUTCOMES),
            ("show", SHOWN),
            ("sandbox", WALLS),
        ):
            if given.get(name) not in known:
                given.pop(name, None)
        faults = {}
        for name in {"since", "until"} & given.keys():
            try:
                parse_moment(given[name], now)
            except UsageError as error:
                faults[name] = f"{error}: {error.hint}"
        return cls(**given, faults=faults)

    @property
    def events(self) -> tuple[str, ...]:
        """The kinds of records that are shown."""
        return SHOWN[self.show][1]

    @property
    def slots(self) -> int:
        return SPANS[self.span].slots

    def bounds(self, now: datetime) -> tuple[datetime, datetime]:
        """Return from when to when is looked."""
        end = self._moment("until", now) or now
        return self._moment("since", now) or end - SPANS[self.span].length, end

    def picked(self, now: datetime) -> Picked:
        """Return what is wanted of a record. Without an `until`, also what is yet to come."""
        ended = OUTCOMES.get(self.outcome, Outcome(""))
        return Picked(
            agent=self.agent or None,
            connector=self.connector or None,
            statuses=ended.statuses,
            decisions=ended.decisions,
            since=self.bounds(now)[0],
            until=self._moment("until", now),
            methods=(self.method,) if self.method else (),
            text=self.q,
            sandbox=WALLS[self.sandbox][1] if self.sandbox else None,
        )

    def address(self, **changes: str) -> str:
        """Return the address of the same filters but for some; `before` turns to an older page."""
        before = changes.pop("before", "")
        plain = Query()
        said = {name: changes.get(name, getattr(self, name)) for name in _NAMES}
        said = {name: text for name, text in said.items() if text != getattr(plain, name)}
        told = urlencode(said | ({"before": before} if before else {}))
        return f"{PATH}?{told}" if told else PATH

    def _moment(self, name: str, now: datetime) -> datetime | None:
        text = getattr(self, name)
        return parse_moment(text, now) if text and name not in self.faults else None
