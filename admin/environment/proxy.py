"""The environment of an agent: where the proxy is, and which certificates to trust."""

from collections.abc import Mapping
from pathlib import Path

from certs.bundle import client_variables
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
    return kept | agent_variables(proxy_url(listen, user, token), home.ca)


def proxy_url(listen: str, user: str, token: Secret | None) -> str:
    """Return the address of the proxy with an agent's token, or without where none is needed."""
    who = "" if token is None else f"{user}:{token.reveal()}@"
    return f"http://{who}{reachable(listen)}"


def agent_variables(url: str, folder: Path) -> dict[str, str]:
    """Return what tells programs where the proxy is and, by files in a folder, whom to trust."""
    made: dict[str, str] = {}
    for name in _PROXY_NAMES:
        made[name] = made[name.lower()] = url
    made["NO_PROXY"] = made["no_proxy"] = NO_PROXY
    # Node reads the proxy variables only when told to (22.21 and 24.5 on).
    made["NODE_USE_ENV_PROXY"] = "1"
    return made | client_variables(folder)


def reachable(listen: str) -> str:
    """Return where a program of this machine finds a proxy that listens there.

    A proxy that listens on every address is called at loopback.
    """
    host, _, port = listen.rpartition(":")
    return {"0.0.0.0": "127.0.0.1", "[::]": "[::1]"}.get(host, host) + f":{port}"  # noqa: S104
