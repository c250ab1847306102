"""Secrets that are planted outside of the wall, by the name of the place where each lies."""

import base64
import secrets
from typing import Final

MARK: Final = "kh-canary-"  # what programs that search everywhere look for


class Canaries:
    """Each name has a random secret of its own from the first time that it is asked for."""

    def __init__(self) -> None:
        self._octets: dict[str, bytes] = {}

    def __getitem__(self, name: str) -> str:
        """Return the secret of a name."""
        return self._octets.setdefault(name, (MARK + secrets.token_hex(10)).encode()).decode()

    def add(self, name: str, octets: bytes) -> None:
        """Take what somebody else has made for a secret."""
        assert len(octets) >= 8, name
        self._octets[name] = octets

    def names(self) -> set[str]:
        return set(self._octets)

    def found(self, output: bytes) -> set[str]:
        """Return the names of those that are in some output: as they are, or as base64."""
        return {
            name
            for name, octets in self._octets.items()
            if octets in output or base64.b64encode(octets) in output
        }
