"""How an installation stands: what runs, what is open, what needs the operator."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version

from admin.operations.place import Place
from admin.operations.view import status_of
from config.errors import KeyhatchError, OperatorNeededError
from proxy.server.control_client import request


@dataclass(frozen=True, slots=True)
class Standing:
    """`connectors` counts them by status; `problem` is what is wrong with connectors.yaml."""

    version: str
    proxy: str
    listen: str | None
    vault: str
    connectors: Mapping[str, int]
    agents: int
    problem: str | None


def standing(place: Place) -> Standing:
    """Return how a home stands at this moment."""
    running = _running(place)
    counts: Counter[str] = Counter()
    agents, problem = 0, None
    try:
        registry, inventory = place.registry(), place.inventory()
        counts.update(status_of(c, inventory) for c in registry.connectors.values())
        agents = len(registry.agents)
    except KeyhatchError as error:
        problem = str(error)
    return Standing(
        version=version("keyhatch"),
        proxy="not running" if running is None else "running",
        listen=None if running is None else str(running.get("listen")),
        vault="unlocked" if _opens(place) else "locked",
        connectors=dict(counts),
        agents=agents,
        problem=problem,
    )


def _running(place: Place) -> Mapping[str, object] | None:
    try:
        return request(place.home, {"op": "status"}, timeout=2.0)
    except KeyhatchError:
        return None


def _opens(place: Place) -> bool:
    try:
        with place.vault():
            return True
    except OperatorNeededError:
        return False
