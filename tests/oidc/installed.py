"""oidc-provider from npm, and the server around it."""

from pathlib import Path

from tests.support.npm import npm_folder

HERE = Path(__file__).parent
SOURCES = ("package.json", "package-lock.json", "server.mjs")


def installed() -> Path:
    """Return the folder with the server and all it imports; skips where it cannot be had."""
    return npm_folder(HERE, SOURCES, "oidc-provider")
