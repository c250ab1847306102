"""Connectors made, changed, renamed, switched and deleted: file and vault together, or neither.

Whatever is done here is put on record; `by` is who did it, where that is not this process's user.
"""

from collections.abc import Collection, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import count
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from admin.lookup import find_connector
from admin.operations.ledger import Act, announce
from admin.operations.place import Place
from admin.operations.versions import require_current
from config.catalog import load_catalog
from config.connector import Connector, Registry, binding_of
from config.errors import ConflictError, Fault, NotFoundError, UsageError
from config.shape import require_entry
from config.slug import slugify
from config.unset import is_unset, placeholders
from proxy.secret import Secret

if TYPE_CHECKING:
    from config.edit import ConnectorsFile

type Entry = Mapping[str, object]
type Changes = Mapping[str, object]

NO_SECRETS: Final[Mapping[str, Secret]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Change:
    """A connector before and after, and what has to be written for it."""

    before: Connector
    after: Connector
    entry: Entry
    secrets: Mapping[str, Secret] = field(default_factory=dict)
    was_ready: bool = False

    @property
    def rebinds(self) -> bool:
        """Whether its stored secrets are to be bound to the new destinations.

        The operator who names new destinations here has agreed to them; one who changed the file
        has yet to be asked, so a connector that was not ready stays unconfirmed.
        """
        return self.was_ready and binding_of(self.before) != binding_of(self.after)


def create(
    place: Place,
    name: str,
    keys: Entry,
    secrets: Mapping[str, Secret] = NO_SECRETS,
    *,
    by: str = "",
) -> Connector:
    """Make a connector of a display name and the keys of connectors.yaml, `type` among them.

    What it cannot be without is marked as yet to be filled in (`config.unset`).
    """
    slug = _slug_of(name)
    entry = {"name": name, **keys, **placeholders(slug, keys.get("type"), keys)}
    require_entry("connectors", slug, entry)
    return add(place, slug, entry | own_id(place.registry(), slug), secrets, by=by)


def draft(place: Place, name: str, keys: Entry) -> Connector:
    """Return the connector that `create` would make; nothing is written."""
    from config.edit import ConnectorsFile
    from config.load import read_text

    slug = _slug_of(name)
    entry = {"name": name, **keys, **placeholders(slug, keys.get("type"), keys)}
    require_entry("connectors", slug, entry)
    home = place.home
    file = ConnectorsFile(read_text(home), source=str(home.connectors), catalog=load_catalog())
    return file.add_connector(slug, entry | own_id(file.registry, slug))


def add(
    place: Place, slug: str, entry: Entry, secrets: Mapping[str, Secret], *, by: str = ""
) -> Connector:
    """Write a new connector's secrets, then the file; where the file cannot be written, neither stays."""
    from config.edit import edit_file

    if not secrets:
        with edit_file(place.home) as file:
            connector = file.add_connector(slug, entry)
    else:
        with place.vault() as vault, ExitStack() as undo:
            with edit_file(place.home) as file:
                connector = file.add_connector(slug, entry)
                undo.callback(vault.delete, connector.id)
                for slot, secret in secrets.items():
                    vault.put(connector.id, slot, binding_of(connector), secret)
            undo.pop_all()
    announce(place, Act("connector.add", connector=slug, by=by))
    return connector


def own_id(registry: Registry, slug: str) -> dict[str, object]:
    """Return an `id` where the slug, the default, is still that of a connector since renamed."""
    ids = {connector.id for connector in registry.connectors.values()}
    if slug in registry.connectors or slug not in ids:
        return {}
    return {"id": next(id_ for number in count(2) if (id_ := f"{slug}-{number}") not in ids)}


def change(place: Place, wanted: Change, *, by: str = "") -> None:
    """Write the secrets and the file, or neither.

    Raises ConflictError when someone else changed the connector since it was looked at.
    """
    _write(place, wanted)
    announce(place, Act("connector.set", connector=wanted.after.slug, by=by))


def edit(
    place: Place, name: str, changes: Changes, *, expected: str | None = None, by: str = ""
) -> Connector:
    """Set keys of connectors.yaml of a connector and return it; None takes a key out.

    A new `name` renames it. Its secrets stay bound to where they went: who types a destination is
    asked, by `confirm`, when it is whole. Raises StaleError where the entry's tag is not `expected`.
    """
    from config.edit import edit_file

    with edit_file(place.home, place.known()) as file:
        connector = find_connector(file.registry, name)
        require_current(file, "connectors", connector.slug, expected)
        before = file.entry("connectors", connector.slug)
        wanted = _wanted(before, changes)
        merged = {k: v for k, v in {**before, **wanted}.items() if v is not None}
        require_entry("connectors", connector.slug, merged)
        after = _edited(file, connector, wanted)
    announce(place, *_acts(connector, after, wanted.keys(), by))
    return after


def rename(place: Place, name: str, new_name: str, *, by: str = "") -> tuple[Connector, Connector]:
    """Give a connector another name; return it before and after. Its secrets and grants stay."""
    from config.edit import edit_file

    with edit_file(place.home) as file:
        connector = find_connector(file.registry, name)
        after = _renamed(file, connector, new_name)
    announce(place, Act("connector.rename", connector=connector.slug, to=after.slug, by=by))
    return connector, after


def switch(place: Place, name: str, *, on: bool, by: str = "") -> Connector:
    """Switch a connector on or off and return it; everything about it stays."""
    from config.edit import edit_file

    with edit_file(place.home) as file:
        connector = find_connector(file.registry, name)
        # On is the default: the key is taken out rather than set.
        after = file.update_connector(connector.slug, {"enabled": None if on else False})
    announce(place, *_acts(connector, after, {"enabled"}, by))
    return after


def remove(
    place: Place, connector: Connector, *, expected: str | None = None, by: str = ""
) -> None:
    """Delete a connector and its secrets. Raises StaleError as `edit`.

    Raises ConflictError where its name is another's by now, or it has just been given a first secret.
    """
    from config.edit import edit_file

    with ExitStack() as stack:
        vault = stack.enter_context(place.vault()) if _is_stored(place, connector) else None
        file = stack.enter_context(edit_file(place.home))
        require_current(file, "connectors", connector.slug, expected)
        is_same = file.registry.connectors[connector.slug].id == connector.id
        if not is_same or (vault is None and _is_stored(place, connector)):
            raise _moved(connector)
        file.delete_connector(connector.slug)
        if vault is not None:
            vault.delete(connector.id)
    announce(place, Act("connector.delete", connector=connector.slug, by=by))


def require_confirmable(place: Place, connector: Connector) -> bool:
    """Tell whether there is a change to confirm. Raises NotFoundError without a secret."""
    state = place.inventory().state(connector)
    if state == "needs-credential":
        raise NotFoundError(
            f"connector {connector.slug} has no secret to confirm",
            hint=f"store it with `keyhatch connector set {connector.slug} --secret-stdin`",
        )
    return state == "changed"


def confirm(place: Place, shown: Connector, *, by: str = "") -> None:
    """Bind the secrets to what was shown. Raises ConflictError if the file has moved on meanwhile."""
    with place.vault() as vault:
        now = place.registry().connectors.get(shown.slug)
        if now is None or binding_of(now) != binding_of(shown):
            raise ConflictError(
                f"connector {shown.slug} was changed again just now",
                hint="look at it with `keyhatch connector show`, then try again",
            )
        vault.confirm(shown.id, binding_of(shown))
    announce(place, Act("connector.confirm", connector=shown.slug, by=by))


def _write(place: Place, wanted: Change) -> None:
    from config.edit import edit_file

    slug = wanted.before.slug
    if not wanted.secrets and not wanted.rebinds:
        with edit_file(place.home) as file:
            _require_unmoved(file.registry, wanted.before)
            file.update_connector(slug, wanted.entry)
        return
    with place.vault() as vault, ExitStack() as undo:
        with edit_file(place.home) as file:
            _require_unmoved(file.registry, wanted.before)
            file.update_connector(slug, wanted.entry)
            if wanted.rebinds:
                undo.callback(vault.confirm, wanted.after.id, binding_of(wanted.before))
                vault.confirm(wanted.after.id, binding_of(wanted.after))
            for slot, secret in wanted.secrets.items():
                vault.put(wanted.after.id, slot, binding_of(wanted.after), secret)
        undo.pop_all()


def _wanted(before: Entry, changes: Changes) -> dict[str, object]:
    """Return what changes; an issuer takes the place of URLs that were yet to be filled in."""
    for key in ("id", "type"):
        if key in changes and changes[key] != before.get(key):
            message = f"the {key} of a connector does not change"
            raise UsageError(
                message, hint="make another connector", faults=(Fault((key,), message),)
            )
    wanted = {key: value for key, value in changes.items() if before.get(key) != value}
    if wanted.get("issuer"):
        urls = ("authorization_url", "token_url")
        wanted |= {k: None for k in urls if k not in changes and is_unset(before.get(k))}
    return wanted


def _edited(file: "ConnectorsFile", connector: Connector, wanted: Changes) -> Connector:
    keys = {key: value for key, value in wanted.items() if key != "name"}
    after = file.update_connector(connector.slug, keys) if keys else connector
    if "name" not in wanted:
        return after
    return _renamed(file, connector, str(wanted["name"] or connector.slug))


def _renamed(file: "ConnectorsFile", connector: Connector, new_name: str) -> Connector:
    slug = _slug_of(new_name)
    if slug != connector.slug and slug in file.registry.connectors:
        raise ConflictError(f"connector {slug} exists already", hint="choose another name")
    return file.rename_connector(connector.slug, new_name)


def _slug_of(name: str) -> str:
    if not name.isprintable():
        raise UsageError("the name has a character that does not show", hint="type it anew")
    return slugify(name)


def _acts(before: Connector, after: Connector, keys: Collection[str], by: str) -> list[Act]:
    """Return what goes on record of an edit; nothing where nothing was changed."""
    changed = set(keys)
    acts = []
    if changed - {"name", "enabled"}:
        acts.append(Act("connector.set", connector=before.slug, by=by))
    if "enabled" in changed:
        action = "connector.enable" if after.enabled else "connector.disable"
        acts.append(Act(action, connector=before.slug, by=by))
    if "name" in changed:
        acts.append(Act("connector.rename", connector=before.slug, to=after.slug, by=by))
    return acts


def _is_stored(place: Place, connector: Connector) -> bool:
    return any(id_ == connector.id for id_, _ in place.inventory().slots)


def _require_unmoved(registry: Registry, before: Connector) -> None:
    if registry.connectors.get(before.slug) != before:
        raise _moved(before)


def _moved(connector: Connector) -> ConflictError:
    return ConflictError(
        f"connector {connector.slug} was changed by someone else just now",
        hint="look at it with `keyhatch connector show`, then try again",
    )
