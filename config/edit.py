"""connectors.yaml edited in place: what is not changed keeps every character, comments included."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property

from config.catalog import Catalog, load_catalog
from config.connector import Connector, Registry
from config.draft import Draft, Entry
from config.errors import ConfigError, ConflictError, NotFoundError, UsageError
from config.files import exclusive_lock, write_private
from config.home import Home
from config.load import Known, read_text, registry_of
from config.marks import parse_yaml
from config.models import FileSection
from config.shape import read_section
from config.slug import slugify
from config.suggest import did_you_mean

LOCK_NAME = ".connectors.lock"


@contextmanager
def edit_file(home: Home, known: Known | None = None) -> Iterator["ConnectorsFile"]:
    """Hold the file's lock and yield its editor; what it made of the file is written at the end.

    Of `known`, an earlier reading, those parts are taken that the file still says: it spares time.
    Written whole or, where the block raises, not at all. Raises like `read_registry` and
    `write_private`.
    """
    with exclusive_lock(home.root / LOCK_NAME):
        text = read_text(home)
        source = str(home.connectors)
        file = ConnectorsFile(text, source=source, catalog=load_catalog(), known=known)
        yield file
        if file.text != text:
            write_private(home.connectors, file.text.encode())


class ConnectorsFile:
    """One state of connectors.yaml being changed.

    Opening it raises ConfigError for a text of another shape. Each change is checked at once: it raises NotFoundError, ConflictError or UsageError and
    leaves the text as it was, or `text` is a valid file that differs in just what was asked for.
    """

    def __init__(
        self, text: str, *, source: str, catalog: Catalog, known: Known | None = None
    ) -> None:
        self._before = self._document = parse_yaml(text, source=source)
        self._catalog = catalog
        self._known = known
        read_section(FileSection, self._document)

    @property
    def text(self) -> str:
        return self._document.source.text

    @cached_property
    def registry(self) -> Registry:
        """What the file declared before any change. Raises ConfigError if it was not valid."""
        registry = registry_of(self._before, self._catalog, self._known)
        self._known = Known(self._before.value, registry)
        return registry

    def entry(self, section: str, slug: str) -> Entry:
        """Return what the file says of a connector or agent, as plain values."""
        self._require(section, slug)
        return self._section(section)[slug] or {}

    def add_connector(self, slug: str, entry: Entry) -> Connector:
        """Add a connector behind the others and return it.

        Raises ConflictError also where a renamed connector still has its id: the two would share
        their secrets.
        """
        self._require_free("connectors", slug)
        self._require_free_id(str(entry.get("id", slug)))
        return self._change(lambda draft: draft.add("connectors", slug, entry)).connectors[slug]

    def update_connector(self, slug: str, entry: Entry) -> Connector:
        """Set keys of a connector and return it; None takes a key out."""
        self._require("connectors", slug)
        changed = self._change(lambda draft: draft.update(("connectors", slug), entry))
        return changed.connectors[slug]

    def rename_connector(self, slug: str, new_name: str) -> Connector:
        """Give a connector a name, and the key that goes with it, and return it.

        Its id stays, so that its secrets do; the agents that may use it still may.
        """
        self._require("connectors", slug)
        new_slug = slugify(new_name)
        if new_slug == slug:
            return self.update_connector(slug, {"name": new_name})
        self._require_free("connectors", new_slug)
        id_ = self._section("connectors")[slug].get("id", slug)

        def rename(draft: Draft) -> None:
            draft.update(("connectors", slug), {"name": new_name, "id": id_})
            draft.rename(slug, new_slug)

        return self._change(rename).connectors[new_slug]

    def delete_connector(self, slug: str) -> None:
        """Take a connector out, and out of the agents' lists."""
        self._require("connectors", slug)

        def delete(draft: Draft) -> None:
            draft.forget(slug)
            draft.remove("connectors", slug)

        self._change(delete)

    def add_agent(self, slug: str, connectors: Sequence[str] = (), *, listen: str = "") -> None:
        """Add an agent that may use some connectors, with a listener of its own or without."""
        self._require_free("agents", slug)
        self._require("connectors", *connectors)
        entry: Entry = {"connectors": list(dict.fromkeys(connectors))}
        if listen:
            entry = {**entry, "listen": listen}
        self._change(lambda draft: draft.add("agents", slug, entry))

    def set_agent_connectors(self, slug: str, connectors: Sequence[str]) -> None:
        """Set which connectors an agent may use."""
        self._require("agents", slug)
        self._require("connectors", *connectors)
        self._change(lambda draft: draft.set_connectors(slug, connectors))

    def narrow_grant(self, slug: str, connector: str, policy: Entry) -> None:
        """Set keys of the policy under which an agent may use a connector; None takes one out.

        An agent that was not granted the connector is granted it.
        """
        self._require("agents", slug)
        self._require("connectors", connector)
        self._change(lambda draft: draft.narrow(slug, connector, policy))

    def update_agent(self, slug: str, entry: Entry) -> None:
        """Set keys of an agent; None takes a key out."""
        self._require("agents", slug)
        self._change(lambda draft: draft.update(("agents", slug), entry))

    def delete_agent(self, slug: str) -> None:
        """Take an agent out."""
        self._require("agents", slug)
        self._change(lambda draft: draft.remove("agents", slug))

    def _change(self, change: Callable[[Draft], None]) -> Registry:
        draft = Draft(self._document)
        change(draft)
        document = draft.finish()
        try:
            registry = registry_of(document, self._catalog, self._known)
        except ConfigError as error:
            _ = self.registry  # an error that was there before keeps its place in the file
            raise _without_place(error) from error
        self._document = document
        return registry

    def _section(self, name: str) -> dict[str, dict[str, str]]:
        return self._document.value.get(name) or {}

    def _require(self, section: str, *slugs: str) -> None:
        known = self._section(section)
        for slug in slugs:
            if slug not in known:
                what = section.removesuffix("s")
                hint = did_you_mean(slug, known, what=section)
                raise NotFoundError(f"no {what} is named {slug!r}", hint=hint)

    def _require_free(self, section: str, slug: str) -> None:
        if slug in self._section(section):
            what = section.removesuffix("s")
            raise ConflictError(f"{what} {slug!r} exists already", hint="choose another name")

    def _require_free_id(self, id_: str) -> None:
        for slug, entry in self._section("connectors").items():
            if entry.get("id", slug) == id_:
                raise ConflictError(
                    f"connector {slug!r} has the id {id_!r}", hint="write another `id`"
                )


def initial_text() -> str:
    """Return the file that `keyhatch init` writes."""
    return _INITIAL


def _without_place(error: ConfigError) -> UsageError:
    """Return the error without its place: the text that it points into is not written."""
    place = f"{error.source}:{error.line}:{error.column}: "
    return UsageError(str(error).removeprefix(place), hint=error.hint, faults=error.faults)


_INITIAL = """\
# yaml-language-server: $schema=./connectors.schema.json
version: 1
settings:
  listen: 127.0.0.1:8321
  unmatched: tunnel  # or deny: refuse hosts that no connector owns

# One entry per account that agents may call through. No secrets here: they are in the vault.
# `keyhatch catalog list` shows the services that need no more than `type` and `provider`.
connectors:

# Who may call, and through which connectors.
agents:
"""
