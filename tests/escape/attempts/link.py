"""Link a file of the operator's into the shared folder and read it there: `link.py hard|symbolic PATH`."""

import sys
import uuid
from pathlib import Path


def main(kind: str, target: str) -> int:
    here = Path(f"link-{uuid.uuid4().hex}")
    try:
        if kind == "hard":
            here.hardlink_to(target)
        else:
            here.symlink_to(target)
        sys.stdout.buffer.write(here.read_bytes())
    finally:
        here.unlink(missing_ok=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
