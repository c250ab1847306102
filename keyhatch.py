"""The launcher: puts Keyhatch's own packages first on the import path, then starts the CLI."""

import os
import sys
from pathlib import Path


def main() -> None:
    """Run the command line; installed, the packages are nested so that they shadow no one else's."""
    here = Path(__file__).resolve().parent
    nested = here / "keyhatch_app"
    sys.path.insert(0, str(nested if nested.is_dir() else here))
    if os.environ.get("PYTHONPATH"):  # a stranger's click would come before ours
        from admin.process.isolation import isolate  # noqa: PLC0415 - only importable once the path is set

        isolate(os.environ, sys.argv[1:], keep_environment=True)
    from admin.cli import run  # noqa: PLC0415 - the same

    run()


if __name__ == "__main__":
    main()
