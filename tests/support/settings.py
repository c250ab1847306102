"""Settings of a connectors.yaml, changed as an operator would in an editor."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML


def declare_settings(connectors: Path, **settings: str) -> None:
    """Set entries of the `settings` section, everything else as it was."""
    with _edited(connectors) as document:
        document["settings"] = {**(document.get("settings") or {}), **settings}


def declare_connector(connectors: Path, slug: str, **keys: object) -> None:
    """Set entries of one connector, everything else as it was."""
    with _edited(connectors) as document:
        document["connectors"][slug].update(keys)


def declare_agent(connectors: Path, slug: str, **keys: object) -> None:
    """Set entries of one agent, everything else as it was."""
    with _edited(connectors) as document:
        document["agents"][slug] = {**(document["agents"][slug] or {}), **keys}


@contextmanager
def _edited(connectors: Path) -> Iterator[Any]:
    yaml = YAML()
    document = yaml.load(connectors)
    yield document
    with connectors.open("w") as file:  # the file is kept: its mode is right
        yaml.dump(document, file)
