"""What leads an operator through a consent: told by whoever gets tokens, shown by each face its way."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Visit:
    """An address to open in a browser.

    `redirect_uri` is where that is sent afterwards when nobody listens there, so that its address
    has to be pasted; empty where it comes back by itself.
    """

    url: str
    redirect_uri: str = ""


@dataclass(frozen=True, slots=True)
class EnterCode:
    """A code to enter at an address, on any machine; `complete_url` has it already, or is empty."""

    user_code: str
    verification_url: str
    complete_url: str
    expires_at: datetime


class Guide(Protocol):
    """One operator's way through; all but `begin` may never be called."""

    def begin(self) -> None:
        """Is called first by each task that it takes; that one can be cancelled to end it all."""

    def show(self, step: Visit | EnterCode) -> None:
        """Show the operator what to do next."""

    async def pasted(self) -> str | None:
        """Return the next address that was pasted; None when there will be no more."""

    def misfit(self) -> None:
        """Say that the last pasted address was not the one of this consent."""
