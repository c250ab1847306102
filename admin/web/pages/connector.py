"""The configuration page of one connector: everything about it but its secrets."""

import json
from dataclasses import dataclass
from typing import Annotated, Final
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Request
from starlette.responses import RedirectResponse, Response

from admin.lookup import agents_with
from admin.operations.connections import connected
from admin.operations.credentials import Slot, slots_of
from admin.operations.place import Place
from admin.operations.versions import tag_of
from admin.operations.view import status_of
from admin.web.last_good import LastGood, shown_place
from admin.web.pages.connection import Connection, connection_of
from admin.web.pages.connector_fields import (
    Group,
    account_fields,
    destination_fields,
    form_of,
    hygiene_fields,
    request_fields,
    rule_fields,
)
from admin.web.pages.fields import Entry, Field
from admin.web.pages.moments import instant
from admin.web.pages.oauth_fields import (
    application_fields,
    endpoint_fields,
    further_fields,
    scope_fields,
)
from admin.web.pages.rendering import Renderer, renderer_of
from admin.web.pages.uses import Uses, uses_of
from admin.web.pages.using import Use, use_of
from admin.web.pages.words import TYPES, status_words
from config.catalog import load_catalog
from config.connector import Connector, Registry
from config.errors import NotFoundError
from config.load import Known
from config.oauth import PRIVATE_KEY
from config.policy_words import policy_lines
from config.unset import missing_of

routes = APIRouter()

# As the services' own pages write them.
_LABELS: Final = {"Secret": "API key", "Client secret": "Client Secret"}


@dataclass(frozen=True, slots=True)
class SecretField:
    """One secret: whether it is stored, and since when. Never the secret."""

    slot: str
    label: str
    is_set: bool
    changed: str
    fits: bool
    is_file: bool


@dataclass(frozen=True, slots=True)
class View:
    """What the page shows. `entry` is what connectors.yaml says, as JSON; `tag` its digest."""

    slug: str
    id: str
    name: str
    type: str
    kind: str
    provider: str
    hue: str
    provider_note: str
    status: str
    label: str
    tone: str
    enabled: bool
    missing: tuple[str, ...]
    tag: str
    entry: str
    secrets: tuple[SecretField, ...]
    account: tuple[Field, ...]
    application: tuple[Field, ...]
    scopes: tuple[Field, ...]
    endpoints: tuple[Field, ...]
    destinations: tuple[Field, ...]
    destinations_first: bool
    advanced: tuple[Group, ...]
    connection: Connection | None
    goes_to: tuple[str, ...]
    rules: tuple[str, ...]
    agents: tuple[str, ...]
    use: Use | None
    used: str
    test_path: str


@routes.get("/settings/connectors/{slug}")
def show_connector(
    request: Request,
    slug: str,
    *,
    place: Annotated[LastGood, Depends(shown_place)],
    renderer: Annotated[Renderer, Depends(renderer_of)],
    uses: Annotated[Uses, Depends(uses_of)],
    id: str = "",  # noqa: A002 - a parameter's name in addresses
) -> Response:
    """Show one connector. Answers 404 for a slug that there is not.

    With an `id`, one that was renamed meanwhile is found again: the answer leads there.
    """
    known = place.known()
    connector = known.registry.connectors.get(slug)
    if id and (connector is None or connector.id != id):
        connector = _by_id(known.registry, id)
        return RedirectResponse(
            f"/settings/connectors/{connector.slug}?{urlencode({'id': id})}", 303
        )
    if connector is None:
        raise _no_such()
    view = view_of(place, connector, known, uses)
    return renderer.page(request, "connector.html", "connectors", c=view)


def _by_id(registry: Registry, id_: str) -> Connector:
    for connector in registry.connectors.values():
        if connector.id == id_:
            return connector
    raise _no_such()


def _no_such() -> NotFoundError:
    return NotFoundError("there is no such connector", hint="it may have been renamed or deleted")


def view_of(place: Place, connector: Connector, known: Known, uses: Uses) -> View:
    """Return what the page shows of a connector."""
    inventory = place.inventory()
    entry: Entry = known.entry("connectors", connector.slug)
    status = status_of(connector, inventory)
    label, tone = status_words(status)
    form = form_of(connector)
    agents = agents_with(known.registry, connector)
    return View(
        slug=connector.slug,
        id=connector.id,
        name=connector.name,
        type=TYPES[connector.type],
        kind=connector.type.value,
        provider=load_catalog().provider(connector.provider).name if connector.provider else "",
        hue=connector.provider or connector.slug,
        provider_note=form.note if form else "",
        status=status,
        label=label,
        tone=tone,
        enabled=connector.enabled,
        missing=missing_of(connector),
        tag=tag_of(entry),
        entry=json.dumps(entry, separators=(",", ":")),
        secrets=tuple(map(_secret, slots_of(connector, inventory))),
        account=account_fields(connector, entry),
        application=application_fields(connector, entry),
        scopes=scope_fields(connector),
        endpoints=endpoint_fields(connector),
        destinations=destination_fields(connector, entry),
        destinations_first=connector.provider is None,
        advanced=_advanced(connector, entry),
        connection=connection_of(connector, inventory, connected(place, connector)),
        goes_to=(*map(str, connector.destinations), *connector.token_urls),
        rules=tuple(policy_lines(connector.policy)),
        agents=tuple(agents),
        use=use_of(connector, known.registry, agents),
        used=instant(uses.get(connector.slug)),
        test_path=connector.test_path or "",
    )


def _secret(slot: Slot) -> SecretField:
    label = f"{slot.label[:1].upper()}{slot.label[1:]}"
    return SecretField(
        slot=slot.name,
        label=_LABELS.get(label, label),
        is_set=slot.is_set,
        changed=instant(slot.changed_at),
        fits=slot.fits,
        is_file=slot.name == PRIVATE_KEY,
    )


def _advanced(connector: Connector, entry: Entry) -> tuple[Group, ...]:
    groups = [
        Group("Requests", request_fields(connector, entry)),
        Group(
            "What agents may do",
            rule_fields(entry),
            "Agents may be narrowed further, each for itself, where they are granted it.",
        ),
        Group("What passes", hygiene_fields(entry)),
    ]
    if connector.oauth is not None:
        groups.insert(0, Group("Tokens", further_fields(connector, entry)))
    return tuple(groups)
