"""What the audit log costs a request: its two records, chained, signed and handed to the kernel.

`python -m bench.audit`; a folder may be named, to measure another file system.
"""

import secrets
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from proxy.audit.chain import KEY_BYTES, START, ChainKey, link
from proxy.audit.journal import Journal
from proxy.audit.record import Result, Subject, intent_members, outcome_members
from proxy.audit.template import path_template

ROUNDS: Final = 21
CALLS: Final = 2000
PATH: Final = "/crm/v3/objects/contacts/512/associations"


def main(folder: Path) -> None:
    """Print the microseconds of processor time of each part."""
    key = ChainKey(secrets.token_bytes(KEY_BYTES))
    journal = Journal(folder, key)
    result = Result(200, None, 0, 1024, 12.5, 0.05, 0.01, None, 11.9)

    def request() -> None:
        now = datetime.now(UTC)
        journal.append(now, intent_members(now, subject()))
        now = datetime.now(UTC)
        journal.append(now, outcome_members(now, subject(), result))

    now = datetime.now(UTC)
    members = outcome_members(now, subject(), result)
    rows: dict[str, Callable[[], object]] = {
        "path template": lambda: path_template(PATH),
        "an outcome's text": lambda: outcome_members(now, subject(), result),
        "chain and MAC": lambda: link(START, members, key),
        "one append": lambda: journal.append(now, members),
        "a request: both records": request,
    }
    for name, call in rows.items():
        print(f"{name:<26} {microseconds(call):6.1f} µs")
    journal.close()


def subject() -> Subject:
    """Return what the records are about."""
    return Subject(
        id="0af7651916cd43dd8448eb21",
        trace="0af7651916cd43dd8448eb211c80319c",
        agent="researcher",
        lease=False,
        connector="hubspot-api",
        decision="inject",
        reason="granted",
        method="GET",
        host="api.hubapi.com",
        port=443,
        path=path_template(PATH),
    )


def microseconds(call: Callable[[], object]) -> float:
    """Return the processor time of a call in its best round: other programs only add to it."""
    rounds = []
    for _ in range(ROUNDS):
        begun = time.thread_time()
        for _ in range(CALLS):
            call()
        rounds.append((time.thread_time() - begun) / CALLS * 1e6)
    return min(rounds)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(dir=sys.argv[1] if len(sys.argv) > 1 else None) as name:
        main(Path(name))
