"""The launcher: puts Keyhatch's own packages first on the import path, then starts the CLI."""

import sys
from pathlib import Path


def main() -> None:
    """Run the command line; installed, the packages are nested so that they shadow no one else's."""
    here = Path(__file__).resolve().parent
    nested = here / "keyhatch_app"
    sys.path.insert(0, str(nested if nested.is_dir() else here))
    from admin.cli import run  # noqa: PLC0415 - only importable once the path is set

    run()


if __name__ == "__main__":
    main()
