"""Audit records as lines for people."""

from collections.abc import Callable
from dataclasses import dataclass

from admin.audit.log import Record
from admin.terminal.output import as_text, cell_width

type Painter = Callable[[str, str], str]

AGENT_CELLS = 10
CONNECTOR_CELLS = 14
_COLOURS = {"2": "green", "3": "cyan", "4": "yellow", "5": "red"}
_WHOLE_TIME = 19
_OF_REQUESTS = ("intent", "outcome")
_BEFORE_TARGET = AGENT_CELLS + CONNECTOR_CELLS + 19  # the status, the time it took, the gaps


def plain(text: str, _colour: str) -> str:
    """Return a text without a colour."""
    return text


@dataclass(slots=True)
class Rows:
    """Makes lines of records, at most `width` cells wide; None: as wide as they are.

    With a width the day stands on a line of its own, once; without one, in each line, because
    what reads a pipe looks at single lines.
    """

    width: int | None = None
    paint: Painter = plain
    _day: str = ""

    def of(self, record: Record) -> list[str]:
        """Return the lines that show a record."""
        time = as_text(record.get("time"))[:_WHOLE_TIME]
        if self.width is None:
            return [f"{time.replace('T', ' ')}  {self._rest(record)}"]
        day, _, clock = time.partition("T")
        lines = [] if day == self._day else [self.paint(f"{day} UTC", "bright_black")]
        self._day = day
        return [*lines, f"{clock:<8}  {self._rest(record)}"]

    def _rest(self, record: Record) -> str:
        agent = _cell(as_text(record.get("agent")), AGENT_CELLS)
        connector = _cell(as_text(record.get("connector")), CONNECTOR_CELLS)
        if record.get("event") not in _OF_REQUESTS:
            told = f"{agent}  {connector}  {_told_event(record)}"
            return _cut(told, self._room())
        status = as_text(record.get("status"))[:3]
        target = _cut(_target(record, short=self.width is not None), self._room(_BEFORE_TARGET))
        colour = _COLOURS.get(status[:1], "red")
        shown = self.paint(f"{status:>3}", colour)
        return f"{agent}  {connector}  {shown}  {_cut(_milliseconds(record.get('ms')), 8):>8}  {target}"

    def _room(self, taken: int = 0) -> int | None:
        """Return the cells that are left beside the time and so many others."""
        return None if self.width is None else max(self.width - 10 - taken, 1)


def _target(record: Record, *, short: bool) -> str:
    """Return what was asked for, and what kept it from being answered by the service.

    Short, a connector's host is left out: its name stands beside it.
    """
    code = record.get("code") or (
        record.get("reason") if record.get("decision") == "refuse" else None
    )
    why = f"{as_text(code)}: " if code else ""
    method = as_text(record.get("method"))
    host = "" if short and record.get("connector") else _host(record)
    address = as_text(f"{host}{record.get('path') or ''}")
    through = "  (sandbox)" if record.get("sandbox") is True else ""
    return f"{why}{method} {address}{through}"


def _host(record: Record) -> str:
    host, port = record.get("host"), record.get("port")
    return f"{host}" if port in (80, 443) else f"{host}:{port}"


def _told_event(record: Record) -> str:
    if record.get("event") == "admin":
        more = f" → {as_text(record['to'])}" if record.get("to") else ""
        return f"{as_text(record.get('action'))}{more} by {as_text(record.get('by'))}"
    return as_text(record.get("event"))


def _milliseconds(value: object) -> str:
    if not isinstance(value, int | float):
        return "-"
    if value < 10:  # noqa: PLR2004
        return f"{value:.1f} ms"
    return f"{value:.0f} ms" if value < 10_000 else f"{value / 1000:.0f} s"  # noqa: PLR2004


def _cell(text: str, width: int) -> str:
    cut = _cut(text, width)
    return cut + " " * (width - cell_width(cut))


def _cut(text: str, width: int | None) -> str:
    """Return a text with its end, or what is too much of it, as an ellipsis."""
    if width is None or cell_width(text) <= width:
        return text
    while cell_width(text) > width - 1:
        text = text[:-1]
    return text + "…"
