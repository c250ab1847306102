"""Connectors made, changed, renamed, switched and deleted: file and vault together, or neither."""

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import count

from admin.lookup import find_connector
from admin.operations.place import Place
from config.connector import Connector, Registry, binding_of
from config.errors import ConflictError, NotFoundError, UsageError
from config.slug import slugify
from proxy.secret import Secret

type Entry = Mapping[str, object]


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


def add(place: Place, slug: str, entry: Entry, secrets: Mapping[str, Secret]) -> Connector:
    """Write a new connector's secrets, then the file; where the file cannot be written, neither stays."""
    from config.edit import edit_file

    if not secrets:
        with edit_file(place.home) as file:
            return file.add_connector(slug, entry)
    with place.vault() as vault, ExitStack() as undo:
        with edit_file(place.home) as file:
            connector = file.add_connector(slug, entry)
            undo.callback(vault.delete, connector.id)
            for slot, secret in secrets.items():
                vault.put(connector.id, slot, binding_of(connector), secret)
        undo.pop_all()
    return connector


def own_id(registry: Registry, slug: str) -> Entry:
    """Return an `id` where the slug, the default, is still that of a connector since renamed."""
    ids = {connector.id for connector in registry.connectors.values()}
    if slug in registry.connectors or slug not in ids:
        return {}
    return {"id": next(id_ for number in count(2) if (id_ := f"{slug}-{number}") not in ids)}


def change(place: Place, wanted: Change) -> None:
    """Write the secrets and the file, or neither.

    Raises ConflictError when someone else changed the connector since it was looked at.
    """
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


def rename(place: Place, name: str, new_name: str) -> tuple[Connector, Connector]:
    """Give a connector another name; return it before and after. Its secrets and grants stay."""
    from config.edit import edit_file

    if not new_name.isprintable():
        raise UsageError("the name has a character that does not show", hint="type it anew")
    slug = slugify(new_name)
    with edit_file(place.home) as file:
        connector = find_connector(file.registry, name)
        if slug != connector.slug and slug in file.registry.connectors:
            raise ConflictError(f"connector {slug} exists already", hint="choose another name")
        return connector, file.rename_connector(connector.slug, new_name)


def switch(place: Place, name: str, *, on: bool) -> Connector:
    """Switch a connector on or off and return it; everything about it stays."""
    from config.edit import edit_file

    with edit_file(place.home) as file:
        connector = find_connector(file.registry, name)
        # On is the default: the key is taken out rather than set.
        return file.update_connector(connector.slug, {"enabled": None if on else False})


def remove(place: Place, connector: Connector) -> None:
    """Delete a connector and its secrets."""
    from config.edit import edit_file

    if not any(id_ == connector.id for id_, _ in place.inventory().slots):
        with edit_file(place.home) as file:
            file.delete_connector(connector.slug)
        return
    with place.vault() as vault, edit_file(place.home) as file:
        file.delete_connector(connector.slug)
        vault.delete(connector.id)


def require_confirmable(place: Place, connector: Connector) -> bool:
    """Tell whether there is a change to confirm. Raises NotFoundError without a secret."""
    state = place.inventory().state(connector)
    if state == "needs-credential":
        raise NotFoundError(
            f"connector {connector.slug} has no secret to confirm",
            hint=f"store it with `keyhatch connector set {connector.slug} --secret-stdin`",
        )
    return state == "changed"


def confirm(place: Place, shown: Connector) -> None:
    """Bind the secrets to what was shown. Raises ConflictError if the file has moved on meanwhile."""
    with place.vault() as vault:
        now = place.registry().connectors.get(shown.slug)
        if now is None or binding_of(now) != binding_of(shown):
            raise ConflictError(
                f"connector {shown.slug} was changed again just now",
                hint="look at it with `keyhatch connector show`, then try again",
            )
        vault.confirm(shown.id, binding_of(shown))


def _require_unmoved(registry: Registry, before: Connector) -> None:
    if registry.connectors.get(before.slug) != before:
        raise ConflictError(
            f"connector {before.slug} was changed by someone else just now",
            hint="look at it with `keyhatch connector show`, then try again",
        )
