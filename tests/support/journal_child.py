"""A process that writes to a journal until it is killed: `python -m tests.support.journal_child`.

It is given the folder, a name and the seconds it has from the end of its standard input on, and
prints each record's number once `append` has returned. The kernel ends it, wherever it is then:
SIGALRM, which nobody handles, gives no more warning than SIGKILL.
"""

import signal
import sys
from datetime import timedelta
from pathlib import Path

from config.audit import Rotation
from proxy.audit.journal import Journal
from tests.support.journals import KEY, NOW, a_record

ROTATION = Rotation(max_size=200_000, max_age=timedelta(days=1), keep_for=None)


def main(folder: str, name: str, seconds: str) -> None:
    """Write records of all lengths."""
    journal = Journal(Path(folder), KEY, rotation=ROTATION)
    sys.stdin.read()
    signal.setitimer(signal.ITIMER_REAL, float(seconds))
    number = 0
    while True:
        # Every eighth is longer than a page, which a kill may cut in two.
        length = number * 977 % 30_000 if number % 8 == 0 else number % 50
        journal.append(NOW, a_record(f"{name}-{number}-{'x' * length}"))
        sys.stdout.write(f"{number}\n")
        sys.stdout.flush()
        number += 1


if __name__ == "__main__":
    main(*sys.argv[1:])
