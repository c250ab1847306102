"""The refresher of a running proxy, put together from the rooms that it stands on."""

import os
import random
import socket
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from config.connector import Connector
from config.home import Home
from proxy.oauth.driver_interface import TokenEndpoint
from proxy.oauth.endpoints import Endpoints
from proxy.oauth.keeper import KeptRotation
from proxy.oauth.lease import Leases
from proxy.oauth.refresher import Refresher
from proxy.oauth.renewal import GrantRenewal
from proxy.oauth.resolver import Resolver
from proxy.oauth.rotation import Rotation
from proxy.oauth.store import TokenStore
from proxy.telemetry.observer import Observers
from proxy.vault.vault import Vault

_chance = random.SystemRandom().random


def build_refresher(
    home: Home,
    vault: Vault,
    roots: Callable[[], Path],
    now: Callable[[], datetime],
    keeper: socket.socket | None = None,
    *,
    observers: Observers | None = None,
) -> Refresher:
    """Return what keeps a home's access tokens fresh; `keeper` is the channel to who renews them.

    `roots` is asked for each call: a reload may have written another file.
    """
    local = build_rotation(home, vault, roots, now)
    rotation = local if keeper is None else KeptRotation(local, keeper)
    return Refresher(_store(vault, now), rotation, now=now, observers=observers)


def build_rotation(
    home: Home, vault: Vault, roots: Callable[[], Path], now: Callable[[], datetime]
) -> Rotation:
    """Return what renews the tokens of a home's connectors, in the process that it is made in."""

    def endpoint(connector: Connector) -> TokenEndpoint:
        return Endpoints(roots()).authorization(connector)

    renewal = GrantRenewal(
        endpoint, vault, now=now, random=os.urandom, resolve=Resolver(endpoint, now)
    )
    leases = Leases(home.run)
    return Rotation(_store(vault, now), renewal, leases, now=now, random=_chance)


def _store(vault: Vault, now: Callable[[], datetime]) -> TokenStore:
    return TokenStore(vault, now=now, random=_chance)
