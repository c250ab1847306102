"""What an attack is about: connectors with their secrets, settings, and the Internet around them."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from tests.attacks.harness.internet import Internet
from tests.attacks.harness.upstream import Upstream

HOST: Final = "api.hub.example"  # of the connector `hub`, which every world has
EVIL: Final = "evil.example"  # the attacker's own
AGENT: Final = "mallory"


@dataclass
class Declared:
    """A connector: its hosts, its secret, who answers for it, and further keys of its section."""

    slug: str
    hosts: tuple[str, ...]
    secret: str
    upstream: Upstream
    fields: dict[str, Any] = field(default_factory=dict)

    def section(self, *, dial: bool) -> dict[str, Any]:
        """Return it as connectors.yaml says it; `dial` leads to its upstream without the Internet."""
        leads = {"dial": f"127.0.0.1:{self.upstream.port}"} if dial else {}
        return {"type": "api_key", "hosts": list(self.hosts), **leads, **self.fields}


@dataclass
class World:
    """Everything around a product, before it starts.

    `addons` run before those of Keyhatch's lane, so that a row can put a fault in any hook.
    """

    folder: Path
    ca_pem: bytes
    internet: Internet = field(default_factory=Internet)
    connectors: dict[str, Declared] = field(default_factory=dict)
    settings: dict[str, Any] = field(default_factory=dict)
    agents: dict[str, Any] = field(default_factory=dict)
    addons: list[object] = field(default_factory=list)

    @property
    def ca_file(self) -> Path:
        """The certificate authorities that upstreams are verified against."""
        path = self.folder / "world-ca.pem"
        path.write_bytes(self.ca_pem)
        return path

    def text(self, *, dial: bool = False) -> str:
        """Return the connectors.yaml of this world (JSON is YAML)."""
        named = {slug: found.section(dial=dial) for slug, found in self.connectors.items()}
        agents = {AGENT: {"connectors": list(named)}, **self.agents}
        settings = {"upstream_ca": str(self.ca_file), **self.settings}
        sections = {"settings": settings, "connectors": named, "agents": agents}
        return json.dumps({"version": 1, **sections}, indent=1)
