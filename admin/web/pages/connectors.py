"""The Connectors tab: what there is, searched, and the dialog that makes one."""

from dataclasses import dataclass
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from admin.connector_view import status_of
from admin.web.last_good import LastGood, shown_place
from admin.web.pages.rendering import Renderer, renderer_of
from config.catalog import Provider, load_catalog
from config.connector import Connector, ConnectorType
from proxy.vault.inventory import Inventory

routes = APIRouter()
TYPES: Final = {
    ConnectorType.API_KEY: "API Key",
    ConnectorType.OAUTH: "OAuth",
    ConnectorType.INTERCOM: "Intercom",
}
TONES: Final = {"ready": "good", "disabled": "quiet", "changed": "alert"}


@dataclass(frozen=True, slots=True)
class Row:
    """A connector as the list shows it."""

    slug: str
    name: str
    type: str
    provider: str
    destination: str
    further: int
    status: str
    tone: str
    used: str
    expires: str


@routes.get("/settings/connectors")
def show_connectors(
    request: Request,
    place: Annotated[LastGood, Depends(shown_place)],
    renderer: Annotated[Renderer, Depends(renderer_of)],
    q: str = "",
) -> Response:
    """Show the connectors whose name, provider or destination has the words of `q`."""
    inventory = place.inventory()
    connectors = place.registry().connectors.values()
    rows = [row_of(connector, inventory) for connector in connectors if matches(connector, q)]
    return renderer.page(
        request,
        "connectors.html",
        "connectors",
        rows=rows,
        total=len(connectors),
        q=q,
        providers=providers(),
    )


def providers() -> list[Provider]:
    """Return the catalog, by name."""
    catalog = load_catalog()
    return sorted((catalog.provider(id_) for id_ in catalog.ids()), key=lambda p: p.name.casefold())


def row_of(connector: Connector, inventory: Inventory) -> Row:
    """Return what the list shows of a connector."""
    status = status_of(connector, inventory)
    refresh = inventory.refreshes.get(connector.id)
    expires = refresh.next_refresh if refresh else None
    return Row(
        slug=connector.slug,
        name=connector.name,
        type=TYPES[connector.type],
        provider=connector.provider or "",
        destination=str(connector.destinations[0]).removesuffix(":443"),
        further=len(connector.destinations) - 1,
        status=status,
        tone=TONES.get(status, "warn"),
        used="",
        expires="" if expires is None else f"{expires:%Y-%m-%dT%H:%M:%SZ}",
    )


def matches(connector: Connector, query: str) -> bool:
    """Tell whether every word of a query is in the connector's name, provider or destinations."""
    text = " ".join(
        [
            connector.name,
            connector.slug,
            connector.provider or "",
            *map(str, connector.destinations),
        ]
    ).casefold()
    return all(word in text for word in query.casefold().split())
