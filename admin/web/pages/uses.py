"""When connectors were last used, for pages."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated

from fastapi import Depends

from admin.web.place import WebPlace, place_of

type Uses = Mapping[str, datetime]


def uses_of(place: Annotated[WebPlace, Depends(place_of)]) -> Uses:
    """Return the last uses by slug; a dependency of the routes."""
    return place.uses.look(place)
