"""Settings of a connectors.yaml, changed as an operator would in an editor."""

from pathlib import Path

from ruamel.yaml import YAML


def declare_settings(connectors: Path, **settings: str) -> None:
    """Set entries of the `settings` section, everything else as it was."""
    yaml = YAML()
    document = yaml.load(connectors)
    document["settings"] = {**(document.get("settings") or {}), **settings}
    with connectors.open("w") as file:  # the file is kept: its mode is right
        yaml.dump(document, file)
