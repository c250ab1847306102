"""From a template and what it shows to a page: escaped, with the frame that all pages share."""

import re
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from fastapi import Request
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.responses import HTMLResponse

from admin.web.assets import Assets
from admin.web.place import WebPlace
from admin.web.standing import mark_of, proxy_state, sentence, standing_of
from config.errors import KeyhatchError, NotFoundError

FOLDER: Final = Path(__file__).parents[1] / "templates"
SETTINGS: Final = "/settings/"
TABS: Final = ("connectors", "agents", "activity", "approvals")
HUES: Final = 8  # colours of initials in the style sheet


class Renderer:
    """Draws pages. Every value is escaped; a name that a template does not know is an error."""

    def __init__(self, place: WebPlace, assets: Assets) -> None:
        self._place = place
        self._templates = Environment(
            loader=FileSystemLoader(FOLDER),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._templates.globals["asset"] = assets.url
        self._templates.filters["hue"] = hue_of
        self._templates.filters["initial"] = initial_of
        self._templates.filters["pieces"] = pieces_of

    def load(self) -> None:
        """Read every template: that takes longer than to fill one in."""
        for name in self._templates.list_templates():
            self._templates.get_template(name)

    def look(self, request: Request) -> None:
        """Note how things stand, before a route reads what it shows.

        A change that comes in between then differs from the mark that the page is given, and shows.
        """
        state = request.scope["state"]
        if "mark" not in state:
            proxy = proxy_state(self._place)
            state["mark"] = mark_of(self._place, proxy)
            state["standing"] = standing_of(self._place, proxy)

    def page(
        self, request: Request, template: str, tab: str, *, status: int = 200, **shown: object
    ) -> HTMLResponse:
        """Return a page of one tab; `shown` is what its template needs, and holds no secret."""
        self.look(request)
        frame: Mapping[str, object] = {
            "tab": tab,
            "csrf": request.scope["state"]["session"].csrf,
            "mark": request.scope["state"]["mark"],
            "standing": request.scope["state"]["standing"],
        }
        text = self._templates.get_template(template).render({**frame, **shown})
        return HTMLResponse(text, status)

    def trouble(self, request: Request, error: KeyhatchError, status: int) -> HTMLResponse:
        """Return the page that stands for one which an error kept from being drawn."""
        tab = request.url.path.removeprefix(SETTINGS).partition("/")[0]
        missing = isinstance(error, NotFoundError)
        return self.page(
            request,
            "trouble.html",
            tab if tab in TABS else "",
            status=status,
            title="Not found" if missing else "This cannot be shown now",
            what=sentence(str(error)),
            hint=sentence(error.hint),
            onward=f"{SETTINGS}{tab if tab in TABS and missing else TABS[0]}",
            onward_label="Back to the list" if missing else "To the connectors",
        )


def renderer_of(request: Request) -> Renderer:
    """Return what draws the app's pages; a dependency of its routes."""
    renderer = request.app.state.renderer
    assert isinstance(renderer, Renderer)  # noqa: S101 - set where the app is made
    renderer.look(request)
    return renderer


def hue_of(text: str) -> int:
    """Return the number of the colour that stands for a name, always the same one."""
    return zlib.crc32(text.encode()) % HUES


def pieces_of(word: str) -> list[str]:
    """Return a word of a command cut where a line may be broken: after = and @, as in addresses."""
    return re.split(r"(?<=[=@])", word)


def initial_of(name: str) -> str:
    """Return what stands for a name in a small square."""
    return next((letter.upper() for letter in name if letter.isalnum()), "?")
