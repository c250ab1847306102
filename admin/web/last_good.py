"""A home for pages that only show it: a broken connectors.yaml does not blank what it said before."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime
from typing import TYPE_CHECKING

from fastapi import Request

from admin.web.place import WebPlace
from config.errors import ConfigError
from config.home import Home
from config.load import Known
from proxy.vault.inventory import Inventory

if TYPE_CHECKING:
    from config.connector import Registry
    from proxy.vault.vault import Vault


class LastGood:
    """A `Place` whose file is the last one that was sound; the banners of the page say so.

    Nothing is written by way of it: a change is made to the file as it is, and refused.
    """

    def __init__(self, place: WebPlace) -> None:
        self._place = place
        self._seen: Known | None = None

    @property
    def home(self) -> Home:
        return self._place.home

    @property
    def now(self) -> Callable[[], datetime]:
        return self._place.now

    def registry(self) -> "Registry":
        """Return what connectors.yaml says, or said last. Raises ConfigError if it never was sound."""
        return self.known().registry

    def known(self) -> Known:
        """Return the same, with the plain values that it says it in."""
        try:
            self._seen = self._place.known()
        except ConfigError:
            if self._seen is None:
                raise
        return self._seen

    def inventory(self) -> Inventory:
        return self._place.inventory()

    def vault(self) -> AbstractContextManager["Vault"]:
        return self._place.vault()


def shown_place(request: Request) -> LastGood:
    """Return the home as pages show it; a dependency of their routes."""
    place = request.app.state.shown
    assert isinstance(place, LastGood)  # noqa: S101 - set where the app is made
    return place
