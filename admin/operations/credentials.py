"""The secrets of a connector: stored, replaced, cleared; never given back."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from admin.lookup import find_connector
from admin.operations import connectors
from admin.operations.connectors import Change
from admin.operations.ledger import Act, announce
from admin.operations.place import Place
from config.catalog import load_catalog
from config.connector import Connector, binding_of, templates_of
from config.errors import Fault, NotFoundError, OperatorNeededError, UsageError
from config.oauth import CLIENT_SECRET, PRIVATE_KEY
from proxy.secret import Secret, accept_secret
from proxy.vault.inventory import Inventory

MAX_KEY: Final = 64 * 1024  # bytes; an RSA key of 16384 bits takes 13 KiB


@dataclass(frozen=True, slots=True)
class Slot:
    """One secret that a connector needs, and whether it is stored.

    `fits`: it was stored for where the connector goes now; another is not sent until it is
    confirmed or replaced.
    """

    name: str
    label: str
    is_set: bool
    changed_at: datetime | None = None
    fits: bool = True


def slots_of(connector: Connector, inventory: Inventory) -> tuple[Slot, ...]:
    """Return the secrets that an operator enters for a connector."""
    stored, binding, labels = (
        inventory.of(connector.id),
        binding_of(connector),
        labels_of(connector),
    )
    found = []
    for name in connector.slots:
        slot = stored.get(name)
        label = labels.get(name, name.replace("_", " "))
        if slot is None:
            found.append(Slot(name, label, is_set=False))
        else:
            fits = slot.binding == binding
            found.append(Slot(name, label, is_set=True, changed_at=slot.updated_at, fits=fits))
    return tuple(found)


def states(place: Place, name: str) -> tuple[Slot, ...]:
    """Return the secrets of a named connector, as `slots_of`."""
    return slots_of(find_connector(place.registry(), name), place.inventory())


def labels_of(connector: Connector) -> Mapping[str, str]:
    """Return the provider's own words for the connector's secrets, by slot."""
    usual = {CLIENT_SECRET: "client secret"} if connector.oauth else {}
    if connector.provider is None:
        return usual
    return {**usual, **load_catalog().provider(connector.provider).form(connector.type).secrets}


def accept(connector: Connector, texts: Mapping[str, str]) -> dict[str, Secret]:
    """Return what was entered as secrets, by slot; no text of it is part of an error.

    Raises NotFoundError for a slot that the connector does not have, UsageError with the slots as
    faults.
    """
    accepted, faults = {}, []
    for slot, text in texts.items():
        require_slot(connector, slot)
        try:
            accepted[slot] = accept_text(connector, slot, text)
        except (UsageError, OperatorNeededError) as error:  # a private key that is none
            faults.append(Fault(("secrets", slot), str(error), error.hint))
    if faults:
        raise UsageError(faults[0].message, hint=faults[0].hint, faults=tuple(faults))
    return accepted


def create(
    place: Place, name: str, keys: Mapping[str, object], texts: Mapping[str, str], *, by: str = ""
) -> Connector:
    """Make a connector, as `connectors.create`, with its secrets or some of them."""
    if not texts:
        return connectors.create(place, name, keys, by=by)
    secrets = accept(connectors.draft(place, name, keys), texts)
    return connectors.create(place, name, keys, secrets, by=by)


def put(place: Place, name: str, texts: Mapping[str, str], *, by: str = "") -> tuple[Slot, ...]:
    """Store secrets for where the connector goes now, in place of what was there; on disk on return."""
    connector = find_connector(place.registry(), name)
    wanted = Change(connector, connector, {}, accept(connector, texts))
    connectors.change(place, wanted, by=by)
    return slots_of(connector, place.inventory())


def clear(place: Place, name: str, slot: str, *, by: str = "") -> tuple[Slot, ...]:
    """Delete one secret. Raises NotFoundError where it is not stored."""
    connector = find_connector(place.registry(), name)
    require_slot(connector, slot)
    if slot not in place.inventory().of(connector.id):
        raise NotFoundError(f"connector {connector.slug} has no {slot.replace('_', ' ')} stored")
    with place.vault() as vault:
        vault.delete(connector.id, slot)
    announce(place, Act("connector.clear", connector=connector.slug, by=by))
    return slots_of(connector, place.inventory())


def require_slot(connector: Connector, slot: str) -> None:
    """Raise NotFoundError for a slot that a connector does not have."""
    if slot not in connector.slots:
        raise NotFoundError(
            f"connector {connector.slug} has no slot {slot!r}",
            hint=f"it has: {', '.join(connector.slots)}",
        )


def accept_private_key(connector: Connector, text: str) -> Secret:
    """Return a private key as it stands in its file. Raises UsageError, PrivateKeyError."""
    from proxy.oauth.signing import load_signer

    if len(text.encode("utf-8", "surrogatepass")) > MAX_KEY:
        raise UsageError(f"the private key is longer than {MAX_KEY // 1024} KiB")
    key = Secret(text)
    if connector.oauth is not None:
        load_signer(key, connector.oauth.assertion.algorithm)
    return key


def accept_text(connector: Connector, slot: str, text: str) -> Secret:
    """Return what was entered for a slot as a secret. Raises UsageError, PrivateKeyError."""
    if slot == PRIVATE_KEY:
        return accept_private_key(connector, text)
    label = labels_of(connector).get(slot, slot)
    for prefix in _prefixes(connector, slot):
        if text.casefold().startswith(prefix.casefold()):
            raise UsageError(
                f"the {label} begins with {prefix.rstrip()!r}, which is put before it anyway",
                hint="leave that out",
            )
    return accept_secret(text, what=label)


def _prefixes(connector: Connector, slot: str) -> Iterator[str]:
    """Yield the schemes that are placed before a secret, such as `Bearer `."""
    for placement in connector.placements:
        for template in templates_of(placement):
            before, found, _ = template.text.partition(f"{{{slot}}}")
            if found and before.endswith((" ", "=")):
                yield before
