"""Registries for decisions: connectors by what they own, agents by what they may use."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, Literal

from config.connector import Agent, Connector, HeaderPlacement, Registry, Settings
from config.destination import Destination, DestinationPattern, Scheme
from config.template import Template
from proxy.policy.authority import RequestHead, TunnelHead
from proxy.policy.decision import Caller, Decision
from proxy.policy.decision import decide as decide_at
from proxy.policy.snapshot import Snapshot, build_snapshot
from tests.support.connectors import a_connector

BEARER = HeaderPlacement("authorization", Template("Bearer {secret}"))
EVERYONE = Caller("tester", None)
NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)  # a Wednesday


def decide(head: RequestHead, caller: Caller, snapshot: Snapshot) -> Decision:
    """Return what is decided at noon, for what does not depend on the time."""
    return decide_at(head, caller, snapshot, NOON)


def owning(slug: str, *patterns: str, scheme: Scheme = "https", **overrides: Any) -> Connector:
    """Return a connector that owns `host:port` or `*.suffix:port` patterns."""
    found = []
    for pattern in patterns:
        host, _, port = pattern.removeprefix("*.").rpartition(":")
        wildcard = pattern.startswith("*.")
        found.append(DestinationPattern(scheme, host, int(port), wildcard))
    named = {"slug": slug, "id": slug, "name": slug, "destinations": tuple(found)}
    return a_connector(BEARER, **(named | overrides))


def registry_of(
    connectors: Iterable[Connector],
    *,
    agents: Mapping[str, Iterable[str]] | None = None,
    unmatched: Literal["tunnel", "deny"] = "tunnel",
) -> Registry:
    """Return a registry of these connectors and agents."""
    return Registry(
        Settings(unmatched=unmatched),
        MappingProxyType({c.slug: c for c in connectors}),
        MappingProxyType({s: Agent(s, frozenset(g)) for s, g in (agents or {}).items()}),
    )


def snapshot_of(
    *connectors: Connector,
    agents: Mapping[str, Iterable[str]] | None = None,
    unmatched: Literal["tunnel", "deny"] = "tunnel",
    number: int = 1,
) -> Snapshot:
    """Return the snapshot of such a registry."""
    return build_snapshot(registry_of(connectors, agents=agents, unmatched=unmatched), number)


def plain(host: str, path: str = "/", method: str = "GET", *names: str) -> RequestHead:
    """Return an absolute-form request over plain HTTP that agrees with itself."""
    return RequestHead(method, path, host, (host,), "http", None, names)


def tunnelled(host: str, path: str = "/", method: str = "GET", *names: str) -> RequestHead:
    """Return a request within a tunnel to port 443 that agrees with itself."""
    through = TunnelHead(Destination("https", host, 443), host)
    return RequestHead(method, path, None, (host,), "https", through, names)
