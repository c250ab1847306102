"""What the page's server says of faults: their type, and nothing of what they were about.

uvicorn logs their text and a trace, which may hold what was sent; and a line for whatever else
it is sent that is no request, so that any program of this machine could fill the log.
"""

import logging


def quiet_server() -> None:
    """Let uvicorn log nothing but faults, each by its type. To be called again does no harm."""
    logging.getLogger("uvicorn.error").addFilter(_by_type)


def _by_type(record: logging.LogRecord) -> bool:
    if record.levelno < logging.ERROR:
        return False
    if record.exc_info:
        kind = record.exc_info[0]
        record.msg, record.args = "fault in the page: %s", (kind.__name__ if kind else "unknown",)
        record.exc_info = record.exc_text = None
    return True
