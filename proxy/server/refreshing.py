"""The refresher of a running proxy, put together from the rooms that it stands on."""

import os
import random
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from config.connector import Connector
from config.home import Home
from proxy.oauth.driver_interface import TokenEndpoint
from proxy.oauth.endpoints import Endpoints
from proxy.oauth.lease import Leases
from proxy.oauth.refresher import Refresher
from proxy.oauth.renewal import GrantRenewal
from proxy.oauth.resolver import Resolver
from proxy.oauth.rotation import Rotation
from proxy.oauth.store import TokenStore
from proxy.vault.vault import Vault


def build_refresher(
    home: Home, vault: Vault, roots: Callable[[], Path], now: Callable[[], datetime]
) -> Refresher:
    """Return what keeps a home's access tokens fresh.

    `roots` is asked for each call: a reload may have written another file.
    """

    def endpoint(connector: Connector) -> TokenEndpoint:
        return Endpoints(roots()).authorization(connector)

    chance = random.SystemRandom().random
    store = TokenStore(vault, now=now, random=chance)
    renewal = GrantRenewal(
        endpoint, vault, now=now, random=os.urandom, resolve=Resolver(endpoint, now)
    )
    rotation = Rotation(store, renewal, Leases(home.run), now=now, random=chance)
    return Refresher(store, rotation, now=now)
