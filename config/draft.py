"""One change to connectors.yaml in the making: the text, and what it has to mean in the end."""

import copy
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from config.document import Document, Path
from config.errors import ConfigError
from config.marks import parse_yaml
from config.render import render_entry, render_inline
from config.splice import (
    DEFAULT_STEP,
    CannotEditError,
    Edit,
    apply,
    child_column,
    insert_child,
    lay_out,
    node_at,
    remove_entry,
    set_list,
    set_value,
)

type Entry = Mapping[str, object]
type Grant = str | dict[str, Any]


class Draft:
    """Text and value change side by side; `finish` holds the one against the other.

    Every method raises CannotEditError where the file's layout is beyond it.
    """

    def __init__(self, document: Document) -> None:
        self.document = document
        self.value: dict[str, Any] = copy.deepcopy(document.value or {})

    def finish(self) -> Document:
        """Return the new document. Raises CannotEditError if it means anything but what it should."""
        if _comparable(self.document.value) != _comparable(self.value):
            raise CannotEditError
        return self.document

    def add(self, section: str, key: str, entry: Entry) -> None:
        """Put an entry behind the others of a section."""
        self._require_section(section)
        column = child_column(self.document, (section,))
        lines = render_entry(key, entry, column=column, step=self._step(section, column))
        self._splice(insert_child(self.document, (section,), lines))
        self.value[section] = {**(self.value.get(section) or {}), key: copy.deepcopy(entry)}

    def update(self, path: Path, changes: Entry) -> None:
        """Set keys of an entry; None takes one out."""
        self._require_block(path)
        present = node_at(self.document, path).keys
        edits: list[Edit] = []
        for key in present.keys() & changes.keys():
            at = (*path, key)
            value = changes[key]
            edits += (
                remove_entry(self.document, at)
                if value is None
                else set_value(self.document, at, value)
            )
        new = {k: v for k, v in changes.items() if k not in present and v is not None}
        indent = " " * child_column(self.document, path)
        lines = "".join(f"{indent}{key}: {render_inline(value)}\n" for key, value in new.items())
        self._splice([*edits, *(insert_child(self.document, path, lines) if lines else [])])
        entry = {**(self._entry(path) or {}), **changes}
        self._set_entry(path, {key: value for key, value in entry.items() if value is not None})

    def remove(self, section: str, key: str) -> None:
        """Take an entry out."""
        self._require_block((section,))
        self._splice(remove_entry(self.document, (section, key)))
        del self.value[section][key]

    def rename(self, old: str, new: str) -> None:
        """Give a connector another key, in its section and in the agents' lists."""
        key = node_at(self.document, ("connectors",)).keys[old]
        edits = [Edit(key.start, key.end, render_inline(new))]
        for slug, grants in self._agents_with(old):
            at: Path = ("agents", slug, "connectors")
            for index, grant in enumerate(grants):
                if _named(grant) != old:
                    continue
                step = () if isinstance(grant, str) else ("connector",)
                name = node_at(self.document, (*at, index, *step))
                edits.append(Edit(name.start, name.end, render_inline(new)))
                grants[index] = new if isinstance(grant, str) else {**grant, "connector": new}
        self._splice(edits)
        connectors = self.value["connectors"]
        self.value["connectors"] = {new if k == old else k: v for k, v in connectors.items()}

    def set_connectors(self, agent: str, names: Sequence[str]) -> None:
        """Change which connectors an agent has; a grant that stays keeps its place and its policy."""
        before = self.grants(agent)
        kept = [grant for grant in before if _named(grant) in names]
        known = {_named(grant) for grant in kept}
        self._set_grants(agent, [*kept, *(n for n in dict.fromkeys(names) if n not in known)])

    def narrow(self, agent: str, connector: str, changes: Entry) -> None:
        """Set keys of one grant's policy; None takes one out. It is made where there is none."""
        grants = self.grants(agent)
        index = next((i for i, grant in enumerate(grants) if _named(grant) == connector), None)
        if index is None:
            added = {"connector": connector, **changes}
            self._set_grants(agent, [*grants, {k: v for k, v in added.items() if v is not None}])
            return
        path = ("agents", agent, "connectors", index)
        grant, node = grants[index], node_at(self.document, path)
        # The first key stands behind the dash: it cannot be taken out without the item.
        if (
            isinstance(grant, dict)
            and not node.flow
            and changes.get(next(iter(grant)), 0) is not None
        ):
            self.update(path, changes)
            return
        entry = {**({"connector": grant} if isinstance(grant, str) else grant), **changes}
        entry = {key: value for key, value in entry.items() if value is not None}
        item = connector if entry.keys() == {"connector"} else entry
        self._splice([Edit(node.start, node.end, render_inline(item))])
        self.value["agents"][agent]["connectors"][index] = item

    def grants(self, agent: str) -> list[Grant]:
        """Return an agent's list, as it stands."""
        grants: list[Grant] = (self.value["agents"][agent] or {}).get("connectors", [])
        return grants

    def forget(self, connector: str) -> None:
        """Take a connector out of every agent's list."""
        for slug, grants in list(self._agents_with(connector)):
            names = [_named(grant) for grant in grants]
            self.set_connectors(slug, [name for name in names if name != connector])

    def _set_grants(self, agent: str, after: list[Grant]) -> None:
        path = ("agents", agent, "connectors")
        entry = self.value["agents"][agent] or {}
        if "connectors" not in entry:
            self.update(path[:-1], {"connectors": after})
            return
        self._splice(set_list(self.document, path, entry["connectors"], after))
        entry["connectors"] = after

    def _agents_with(self, connector: str) -> Iterable[tuple[str, list[Grant]]]:
        for slug in self.value.get("agents") or {}:
            grants = self.grants(slug)
            if connector in map(_named, grants):
                yield slug, grants

    def _entry(self, path: Path) -> Any:
        value: Any = self.value
        for step in path:
            value = value[step]
        return value

    def _set_entry(self, path: Path, entry: dict[str, Any]) -> None:
        self._entry(path[:-1])[path[-1]] = entry

    def _step(self, section: str, column: int) -> int:
        """Return how much deeper than its name an entry's keys stand: as in the others."""
        for key, node in node_at(self.document, (section,)).children.items():
            if node.keys and not node.flow:
                return child_column(self.document, (section, key)) - column
        return column or DEFAULT_STEP

    def _require_section(self, section: str) -> None:
        self._require_block(())
        if section not in self.document.root.children:
            self._splice(insert_child(self.document, (), f"{section}:\n"))
        self._require_block((section,))

    def _require_block(self, path: Path) -> None:
        """Lay out the flow mappings on the way to a value as blocks."""
        for length in range(len(path) + 1):
            node = node_at(self.document, path[:length])
            if node.flow and node.keys:
                self._splice(lay_out(self.document, path[:length]))

    def _splice(self, edits: Iterable[Edit]) -> None:
        source = self.document.source
        try:
            self.document = parse_yaml(apply(source.text, edits), source=source.name)
        except ConfigError as error:
            raise CannotEditError from error


def _named(grant: Grant) -> str:
    """Return the connector that an item of an agent's list grants."""
    return grant if isinstance(grant, str) else grant["connector"]


def _comparable(value: dict[str, Any] | None) -> dict[str, Any]:
    """Return the value with empty sections written one way: `agents:` is `agents: {}`."""
    value = value or {}
    return {key: item for key, item in value.items() if item not in (None, {})}
