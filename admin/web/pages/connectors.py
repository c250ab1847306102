"""The Connectors tab: what there is, searched, and the dialog that makes one."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from admin.operations.listing import Row, rows
from admin.web.last_good import LastGood, shown_place
from admin.web.pages.moments import instant
from admin.web.pages.rendering import Renderer, renderer_of
from admin.web.pages.uses import Uses, uses_of
from admin.web.pages.words import TYPES, status_words
from config.catalog import Form, Provider, load_catalog
from config.connector import ConnectorType
from config.unset import is_unset

routes = APIRouter()


@dataclass(frozen=True, slots=True)
class Line:
    """A connector as the list shows it."""

    slug: str
    name: str
    type: str
    provider: str
    destination: str
    further: int
    label: str
    tone: str
    used: str
    renews: str


@dataclass(frozen=True, slots=True)
class Asked:
    """A public value that a provider cannot do without, as the dialog asks for it."""

    name: str
    label: str
    example: str


@dataclass(frozen=True, slots=True)
class Offer:
    """A provider as the dialog offers it for one type of connector."""

    id: str
    name: str
    type: str
    hosts: str
    asked: tuple[Asked, ...]


@routes.get("/settings/connectors")
def show_connectors(
    request: Request,
    place: Annotated[LastGood, Depends(shown_place)],
    renderer: Annotated[Renderer, Depends(renderer_of)],
    uses: Annotated[Uses, Depends(uses_of)],
    q: str = "",
) -> Response:
    """Show the connectors whose name, provider or destination has the words of `q`."""
    found = rows(place, q, uses=uses)
    return renderer.page(
        request,
        "connectors.html",
        "connectors",
        rows=[line_of(row) for row in found],
        total=len(place.registry().connectors),
        q=q,
        offers=offers(),
    )


def line_of(row: Row) -> Line:
    """Return what the list shows of a connector."""
    label, tone = status_words(row.status)
    destination = row.destinations[0].removeprefix("https://")
    return Line(
        slug=row.slug,
        name=row.name,
        type=TYPES[ConnectorType(row.type)],
        provider=row.provider or "",
        destination="" if is_unset(destination) else destination,
        further=len(row.destinations) - 1,
        label=label,
        tone=tone,
        used=instant(row.last_used),
        renews=instant(row.next_refresh),
    )


def offers() -> list[Offer]:
    """Return what the catalog offers, by name; a provider once for each type that it has."""
    catalog = load_catalog()
    providers = sorted(map(catalog.provider, catalog.ids()), key=lambda p: p.name.casefold())
    return [
        _offer(provider, kind, form)
        for provider in providers
        for kind, form in provider.forms.items()
        if kind is not ConnectorType.INTERCOM
    ]


def _offer(provider: Provider, kind: ConnectorType, form: Form) -> Offer:
    asked = (
        Asked(name, f"{var.label[:1].upper()}{var.label[1:]}", var.example)
        for name, var in form.vars.items()
        if not var.default
    )
    return Offer(provider.id, provider.name, kind.value, ", ".join(form.hosts), tuple(asked))
