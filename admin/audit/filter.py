"""Which records of the audit log a person wants to see."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime

from admin.audit.log import Record, time_of
from config.duration import parse_duration
from config.errors import UsageError

_STATUS = re.compile(r"[1-5](?:xx|[0-9]{2})")
_READ = (
    "agent", "connector", "method", "host", "path", "status", "code", "reason", "rule", "action", "to",
    "by", "trace",
)  # fmt: skip
_HINT = "a time such as 2026-05-09 or 2026-05-09T14:30, in UTC, or how long ago, such as 10m or 2h"


@dataclass(frozen=True, slots=True)
class Picked:
    """What is wanted of a record; what is None or empty does not matter.

    `statuses` are numbers, classes such as `4xx`, or `none` for requests that got no answer. Every
    word of `text` is somewhere in what people read of a record.
    `sandbox` tells whether they came through the wall of `keyhatch run --sandbox`, or not.
    """

    agent: str | None = None
    connector: str | None = None
    statuses: tuple[str, ...] = ()
    codes: tuple[str, ...] = ()
    decisions: tuple[str, ...] = ()
    sandbox: bool | None = None
    since: datetime | None = None
    until: datetime | None = None
    methods: tuple[str, ...] = ()
    text: str = ""

    def wants(self, record: Record) -> bool:
        """Tell whether a record is wanted."""
        if self.agent is not None and record.get("agent") != self.agent:
            return False
        if self.connector is not None and record.get("connector") != self.connector:
            return False
        if not (self._fits_decision(record) and self._fits_status(record)):
            return False
        return self._fits_text(record) and self._fits_time(record)

    def _fits_decision(self, record: Record) -> bool:
        if self.codes and record.get("code") not in self.codes:
            return False
        if self.sandbox is not None and (record.get("sandbox") is True) != self.sandbox:
            return False
        if self.methods and record.get("method") not in self.methods:
            return False
        return not self.decisions or record.get("decision") in self.decisions

    def _fits_text(self, record: Record) -> bool:
        words = self.text.casefold().split()
        if not words:
            return True
        found = " ".join(str(record[key]) for key in _READ if record.get(key)).casefold()
        return all(word in found for word in words)

    def _fits_status(self, record: Record) -> bool:
        if not self.statuses:
            return True
        status = record.get("status", "")
        shown = "none" if status is None else str(status)
        return any(shown == s or (s.endswith("xx") and shown[:1] == s[0]) for s in self.statuses)

    def _fits_time(self, record: Record) -> bool:
        if self.since is None and self.until is None:
            return True
        time = time_of(record)
        if time is None:
            return False
        if self.since is not None and time < self.since:
            return False
        return self.until is None or time < self.until


def parse_moment(text: str, now: datetime) -> datetime:
    """Return a moment that was named as a time (UTC, unless it says otherwise) or as an age."""
    if re.fullmatch(r"[0-9]+[a-z]", text):
        try:
            return now - parse_duration(text)
        except UsageError as error:
            raise UsageError(str(error), hint=_HINT) from None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(f"{text!r} is not a moment", hint=_HINT) from None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment


def parse_status(text: str) -> str:
    """Return a status to look for. Raises UsageError."""
    if text != "none" and not _STATUS.fullmatch(text):
        raise UsageError(
            f"{text!r} is not a status", hint="a number such as 403, a class such as 5xx, or none"
        )
    return text
