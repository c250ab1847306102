"""What becomes of exceptions that nobody caught: their type is told, and nothing else of them.

Python prints their text and a trace, and the object that could not be deleted. Any of those may
hold what was being carried.
"""

import asyncio
import sys
import threading
from types import TracebackType
from typing import Any

import structlog

log = structlog.get_logger()


def report_faults_by_type() -> None:
    """Replace the hooks of this process through which Python prints exceptions."""
    sys.excepthook = _uncaught
    sys.unraisablehook = lambda fault: _report(fault.exc_type)
    threading.excepthook = lambda fault: _report(fault.exc_type)


def log_loop_fault(_loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Log a fault that an event loop was left with."""
    fault: BaseException | None = context.get("exception")
    _report(None if fault is None else type(fault))


def _uncaught(
    kind: type[BaseException], _fault: BaseException, _trace: TracebackType | None
) -> None:
    _report(kind)


def _report(kind: type[BaseException] | None) -> None:
    log.error("fault in the background", fault="unknown" if kind is None else kind.__name__)
