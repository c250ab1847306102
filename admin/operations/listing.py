"""Connectors as a face shows them: rows to search, and everything about one but its secrets."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Final

from admin.lookup import agents_with, find_connector
from admin.operations.credentials import Slot, slots_of
from admin.operations.place import Place
from admin.operations.versions import tag_of
from admin.operations.view import status_of
from config.connector import Connector
from config.unset import missing_of
from proxy.vault.refresh_state import RefreshState

NO_USES: Final[Mapping[str, datetime]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Row:
    """One connector of a list; `next_refresh` is when its access token is renewed."""

    slug: str
    name: str
    type: str
    provider: str | None
    destinations: tuple[str, ...]
    status: str
    is_enabled: bool
    last_used: datetime | None
    next_refresh: datetime | None


@dataclass(frozen=True, slots=True)
class Details:
    """One connector: what the file says (`entry`, of which `tag` is the version) and what that means.

    `missing` are keys that are yet to be filled in; `agents` those that depend on it.
    """

    connector: Connector
    entry: Mapping[str, object]
    tag: str
    status: str
    missing: tuple[str, ...]
    slots: tuple[Slot, ...]
    agents: tuple[str, ...]
    refresh: RefreshState | None
    last_used: datetime | None


def rows(
    place: Place,
    search: str = "",
    statuses: Iterable[str] = (),
    uses: Mapping[str, datetime] = NO_USES,
) -> tuple[Row, ...]:
    """Return the connectors that fit, in the order of the file.

    Every word of `search` is in the name, slug, provider or destinations; any status fits an empty
    `statuses`.
    """
    inventory, words, wanted = place.inventory(), search.casefold().split(), frozenset(statuses)
    found = []
    for slug, connector in place.registry().connectors.items():
        if not _fits(connector, words):
            continue
        status = status_of(connector, inventory)
        if wanted and status not in wanted:
            continue
        refresh = inventory.refreshes.get(connector.id)
        found.append(
            Row(
                slug=slug,
                name=connector.name,
                type=connector.type.value,
                provider=connector.provider,
                destinations=tuple(map(str, connector.destinations)),
                status=status,
                is_enabled=connector.enabled,
                last_used=uses.get(slug),
                next_refresh=refresh.next_refresh if refresh else None,
            )
        )
    return tuple(found)


def details(place: Place, name: str, uses: Mapping[str, datetime] = NO_USES) -> Details:
    """Return one connector. Raises NotFoundError."""
    known, inventory = place.known(), place.inventory()
    connector = find_connector(known.registry, name)
    entry = known.entry("connectors", connector.slug)
    return Details(
        connector=connector,
        entry=entry,
        tag=tag_of(entry),
        status=status_of(connector, inventory),
        missing=missing_of(connector),
        slots=slots_of(connector, inventory),
        agents=tuple(agents_with(known.registry, connector)),
        refresh=inventory.refreshes.get(connector.id),
        last_used=uses.get(connector.slug),
    )


def _fits(connector: Connector, words: list[str]) -> bool:
    if not words:
        return True
    texts = [connector.name, connector.slug, connector.provider or ""]
    text = " ".join([*texts, *map(str, connector.destinations)]).casefold()
    return all(word in text for word in words)
