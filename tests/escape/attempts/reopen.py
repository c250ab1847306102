"""Open a file for reading, then that open file for writing: `reopen.py PATH`."""

import os
import sys
from pathlib import Path

if __name__ == "__main__":
    opened = os.open(sys.argv[1], os.O_RDONLY)
    with Path(f"/proc/self/fd/{opened}").open("a") as file:
        file.write(os.environ["ESCAPE_FLAG"])
    sys.exit(1)  # whether it is the file outside, others judge
