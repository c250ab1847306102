"""How things stand at one moment, for whoever asks."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Load:
    """What a lane has open: connections of agents, of them those without a valid token yet,
    tunnels, requests under way, and connections to services."""

    connections: int = 0
    unidentified: int = 0
    tunnels: int = 0
    requests: int = 0
    upstreams: int = 0


@dataclass(frozen=True, slots=True)
class Gauges:
    """What the metrics show besides the counts.

    `expiries`: by connector slug, the seconds until its access token expires, below zero where it
    has. `started` and `taken_up` are Unix times; `config_in_effect`: connectors.yaml and the vault
    were taken up as they are now.
    """

    version: str
    load: Load
    started: float
    taken_up: float
    config_in_effect: bool
    connectors: int
    agents: int
    expiries: Mapping[str, float] = field(default_factory=dict)
