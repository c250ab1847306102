"""What the service needs of a lane; the lanes themselves live outside of `proxy`."""

from typing import Protocol


class Lane(Protocol):
    """An adapter that listens, moves bytes and asks the engine."""

    async def start(self, host: str, port: int) -> tuple[str, int]:
        """Listen and return the address that was bound. Raises OSError."""

    async def stop(self, grace: float) -> None:
        """Stop listening, let what is under way end for `grace` seconds, close the rest."""
