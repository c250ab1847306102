"""A process that writes to a journal until it is killed: `python -m tests.support.journal_child`.

It is given the folder and a name, and prints each record's number once `append` has returned.
"""

import sys
from datetime import timedelta
from pathlib import Path

from config.audit import Rotation
from proxy.audit.journal import Journal
from tests.support.journals import KEY, NOW, a_record

ROTATION = Rotation(max_size=200_000, max_age=timedelta(days=1), keep_for=None)


def main(folder: str, name: str) -> None:
    """Write records of all lengths, for ever."""
    journal = Journal(Path(folder), KEY, rotation=ROTATION)
    number = 0
    while True:
        journal.append(NOW, a_record(f"{name}-{number}-{'x' * (number * 977 % 30_000)}"))
        sys.stdout.write(f"{number}\n")
        sys.stdout.flush()
        number += 1


if __name__ == "__main__":
    main(*sys.argv[1:])
