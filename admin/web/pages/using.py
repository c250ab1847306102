"""How a connector is used, ready to be pasted: into a terminal, and into words to an agent."""

import shlex
from dataclasses import dataclass

from admin.environment.proxy import reachable
from config.connector import Connector, Registry
from config.destination import DestinationPattern
from config.policy_words import policy_lines
from config.unset import is_unset


@dataclass(frozen=True, slots=True)
class Use:
    """Lines for a terminal, and the sentence for an agent."""

    command: str
    by_proxy: str
    sentence: str


def use_of(connector: Connector, registry: Registry, agents: list[str]) -> Use | None:
    """Return how a connector is used; None while it goes nowhere."""
    if any(is_unset(pattern.host) for pattern in connector.destinations):
        return None
    pattern = connector.base or connector.destinations[0]
    url = f"http://{_called(pattern)}{connector.test_path or '/'}"
    choice = _choice(connector, registry)
    header = f" -H {shlex.quote(choice)}" if choice else ""
    settings = registry.settings
    listen = reachable(f"{settings.listen_host}:{settings.listen_port}")
    agent = agents[0] if len(agents) == 1 else "AGENT"
    return Use(
        command=f"keyhatch run --connector {connector.slug} -- curl {shlex.quote(url)}",
        by_proxy=f"http_proxy=http://{agent}:TOKEN@{listen} curl{header} {shlex.quote(url)}",
        sentence=_sentence(connector, _called(pattern), choice),
    )


def _called(pattern: DestinationPattern) -> str:
    """Return what stands in a plain http URL: port 80 stands for that of https."""
    host = str(pattern).partition("://")[2].replace("*", "SUBDOMAIN")
    return host.removesuffix(":443").removesuffix(":80")


def _choice(connector: Connector, registry: Registry) -> str:
    """Return the header that names the connector, where its hosts are also another's."""
    own = set(connector.destinations)
    others = (c for c in registry.connectors.values() if c.slug != connector.slug)
    shared = any(own.intersection(other.destinations) for other in others)
    return f"Keyhatch-Connector: {connector.slug}" if shared else ""


def _sentence(connector: Connector, host: str, choice: str) -> str:
    way = f"send requests to http://{host} through the proxy that HTTP_PROXY names"
    words = [
        f"To use {connector.name}, {way}, without any key or token.",
        "The proxy adds the credential and sends them on encrypted.",
    ]
    if choice:
        words.append(f"Send the header {choice} with them.")
    rules = policy_lines(connector.policy)
    if rules:
        words.append(f"What is allowed: {'; '.join(rules)}.")
    words.append("Where a request is refused, the JSON of the answer says why.")
    return " ".join(words)
