"""Connectors as the registry would resolve them, for tests of what is done with them."""

from typing import Any

from config.connector import Connector, ConnectorType, Placement
from config.destination import DestinationPattern


def a_connector(*placements: Placement, **overrides: Any) -> Connector:
    """Return an API-key connector to api.example.com with these placements."""
    values: dict[str, Any] = {
        "slug": "example",
        "id": "example",
        "name": "Example",
        "type": ConnectorType.API_KEY,
        "destinations": (DestinationPattern("https", "api.example.com", 443),),
        "placements": placements,
    }
    return Connector(**(values | overrides))
