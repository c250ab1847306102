"""The service's log events as OpenTelemetry's log records, beside the lines on standard error."""

import time
from collections.abc import Callable, MutableMapping
from typing import Any, Final

from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.context import Context
from opentelemetry.sdk._logs import LoggerProvider

SCOPE: Final = "keyhatch"
_SEVERITIES: Final = {
    "info": SeverityNumber.INFO,
    "warning": SeverityNumber.WARN,
    "error": SeverityNumber.ERROR,
    "critical": SeverityNumber.FATAL,
}
_OWN: Final = {"event", "level", "timestamp"}  # told in fields of the record


class LogTee:
    """A processor of structlog: passes each event on as it is, and exports what it says.

    Values are those that the line on standard error has; anything but a plain one is left out.
    """

    def __init__(self, provider: LoggerProvider, now: Callable[[], int] = time.time_ns) -> None:
        self._logger = provider.get_logger(SCOPE)
        self._now = now

    def __call__(
        self, _logger: object, method: str, event: MutableMapping[str, Any]
    ) -> MutableMapping[str, Any]:
        level = str(event.get("level", method))
        attributes = {
            name: value
            for name, value in event.items()
            if name not in _OWN and isinstance(value, str | int | float | bool)
        }
        self._logger.emit(
            LogRecord(
                timestamp=self._now(),
                context=Context(),
                severity_text=level,
                severity_number=_SEVERITIES.get(level, SeverityNumber.INFO),
                body=str(event.get("event", "")),
                attributes=attributes,
            )
        )
        return event
