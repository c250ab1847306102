"""The environment of an agent: where the proxy is, and which certificates to trust."""

from collections.abc import Mapping

from certs.bundle import client_environment
from config.home import Home
from proxy.secret import Secret

# Loopback is the machine that the agent runs on: the proxy refuses it, so it is called directly.
NO_PROXY = "localhost,127.0.0.1,::1"
_PROXY_NAMES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")


def agent_environment(
    environ: Mapping[str, str], home: Home, listen: str, user: str, token: Secret
) -> dict[str, str]:
    """Return the variables that a command is started with.

    Keyhatch's own variables are left out: they say where the vault and its key are.
    """
    kept = {name: value for name, value in environ.items() if not name.startswith("KEYHATCH_")}
    address = f"http://{user}:{token.reveal()}@{reachable(listen)}"
    for name in _PROXY_NAMES:
        kept[name] = kept[name.lower()] = address
    kept["NO_PROXY"] = kept["no_proxy"] = NO_PROXY
    # Node reads the proxy variables only when told to (22.21 and 24.5 on).
    kept["NODE_USE_ENV_PROXY"] = "1"
    return kept | client_environment(home)


def reachable(listen: str) -> str:
    """Return where a program of this machine finds a proxy that listens there.

    A proxy that listens on every address is called at loopback.
    """
    host, _, port = listen.rpartition(":")
    return {"0.0.0.0": "127.0.0.1", "[::]": "[::1]"}.get(host, host) + f":{port}"  # noqa: S104
