import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]

CODE = """
import structlog
from admin.process.service_log import configure_service_log
from proxy.secret import Secret
configure_service_log()
log = structlog.get_logger()
log.debug("too fine")
log.info("taken up", connectors=2, secret=Secret("-".join(["canary", "51e0"])))
def carry(canary):
    local = canary
    return 1 / 0
try:
    carry("-".join(["canary", "51e0"]))
except ZeroDivisionError:
    log.exception("fault")
"""


def test_events_go_to_standard_error_without_values_of_variables() -> None:
    """G32: a trace that prints locals would print what was being carried."""
    done = subprocess.run(
        [sys.executable, "-c", CODE], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout == ""
    assert "taken up" in done.stderr
    assert "connectors=2" in done.stderr
    assert "ZeroDivisionError" in done.stderr
    assert "too fine" not in done.stderr
    assert "canary-51e0" not in done.stderr
    assert "\x1b" not in done.stderr, "colours are for terminals"
