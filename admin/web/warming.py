"""What the first page would otherwise wait for: the file read, the catalog, the templates."""

import threading
from contextlib import suppress

from admin.web.last_good import LastGood
from admin.web.pages.connectors import offers
from admin.web.pages.rendering import Renderer
from config.errors import KeyhatchError


def warm(place: LastGood, renderer: Renderer) -> None:
    """Prepare the first page from a thread; what cannot be read is the page's own to tell."""
    threading.Thread(target=_prepare, args=(place, renderer), name="warming", daemon=True).start()


def _prepare(place: LastGood, renderer: Renderer) -> None:
    with suppress(KeyhatchError, OSError):
        place.known()
    offers()
    renderer.load()
