"""A view of a sound installation on a well-kept machine, to be changed by one fact at a time."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from admin.doctor.finding import Finding, Grade
from admin.doctor.view import Authority, Installation, Machine, View

NOW = datetime(2026, 5, 9, 12, 0, tzinfo=UTC)
AUTHORITY = Authority(constrained=True, in_system_store=False, left=timedelta(days=700))
HARDENED = {"memory_closed": True, "core_dumps_off": True, "no_new_privileges": True}
RUNNING = {"pid": 7, "config_error": None, "hardening": HARDENED}
SOUND = Installation(
    home=Path("/srv/keyhatch"),
    key_source="passphrase",
    unmatched="deny",
    states={"hub": "ready", "old": "disabled"},
    agents=1,
    proxy=RUNNING,
    authority=AUTHORITY,
)
KEPT = Machine()


def view(**facts: Any) -> View:
    """Return the sound view with these facts of the machine or of the installation changed."""
    of_machine = {name: facts.pop(name) for name in list(facts) if hasattr(KEPT, name)}
    return View(replace(KEPT, **of_machine), replace(SOUND, **facts), NOW)


def worse(found: list[Finding]) -> list[Finding]:
    """Return what is not fine."""
    return [finding for finding in found if finding.grade is not Grade.OK]


def only(found: list[Finding]) -> Finding:
    """Return the one finding that is not fine."""
    [one] = worse(found)
    return one
