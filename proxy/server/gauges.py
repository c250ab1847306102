"""Where the gauges of a running proxy are read."""

import time
from datetime import datetime
from functools import cache
from importlib.metadata import version
from typing import Final

from proxy.oauth.refresher import Refresher
from proxy.server.lane import Lane
from proxy.server.reload import Reloader
from proxy.telemetry.gauges import Gauges

PROGRAM: Final = "keyhatch"


class GaugeSource:
    """Reads how things stand; everything is at hand, nothing waits."""

    def __init__(
        self, reloader: Reloader, refresher: Refresher, lane: Lane, started: datetime
    ) -> None:
        self._reloader = reloader
        self._refresher = refresher
        self._lane = lane
        self._started = started.timestamp()

    def read(self) -> Gauges:
        registry = self._reloader.engine.snapshot.registry
        now = time.time()
        expiries = self._refresher.expiries(registry.connectors.values())
        return Gauges(
            version=_version(),
            load=self._lane.load(),
            started=self._started,
            taken_up=self._reloader.taken_up,
            config_in_effect=self._reloader.error is None,
            connectors=len(registry.connectors),
            agents=len(registry.agents),
            expiries={slug: at.timestamp() - now for slug, at in expiries.items()},
        )


@cache
def _version() -> str:
    return version(PROGRAM)
