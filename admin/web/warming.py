"""What the first page would otherwise wait for: the file, the catalog, the templates, the log."""

import threading
from contextlib import suppress

from admin.web.last_good import LastGood
from admin.web.pages.connectors import offers
from admin.web.pages.rendering import Renderer
from admin.web.place import WebPlace
from config.errors import KeyhatchError


def warm(place: WebPlace, shown: LastGood, renderer: Renderer) -> None:
    """Prepare the first page from a thread; what cannot be read is the page's own to tell."""
    threading.Thread(
        target=_prepare, args=(place, shown, renderer), name="warming", daemon=True
    ).start()


def _prepare(place: WebPlace, shown: LastGood, renderer: Renderer) -> None:
    with suppress(KeyhatchError, OSError):
        shown.known()
    offers()
    renderer.load()
    place.uses.look(place)
