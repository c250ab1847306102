"""From what the audit log has of hosts that no connector owns to rules that could be written."""

import ipaddress
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from config.catalog import Catalog
from config.connector import ConnectorType, Registry
from config.destination import DEFAULT_PORTS, canonical_host, is_ip_literal
from config.errors import UsageError
from config.render import render_inline
from proxy.policy.egress import refusal_of, refused_port
from proxy.policy.names import refused_name
from proxy.policy.snapshot import Snapshot, build_snapshot

SETTINGS: Final = ""
"""Stands for the settings, where a request came from no agent that is declared."""
_DEFAULTS: Final = frozenset(DEFAULT_PORTS.values())
_VAR: Final = re.compile(r"\\\{([a-z_0-9]+)\\\}")


@dataclass(slots=True)
class Seen:
    """What one agent asked of one host: how often it was let through or refused, and when last."""

    tunnelled: int = 0
    refused: int = 0
    last: str = ""

    def add(self, record: Mapping[str, Any]) -> None:
        if record.get("decision") == "refuse":
            self.refused += 1
        else:
            self.tunnelled += 1
        self.last = max(self.last, str(record.get("time")))


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A host, who asked for it, and the provider in the catalog that it belongs to."""

    host: str
    by: dict[str, Seen] = field(default_factory=dict)
    provider: str | None = None
    type: ConnectorType | None = None

    @property
    def command(self) -> str | None:
        """The command that adds the provider's connector."""
        if self.provider is None or self.type is None:
            return None
        kind = self.type.value.replace("_", "-")
        return f"keyhatch connector add {self.provider} --type {kind} --provider {self.provider}"

    @property
    def count(self) -> int:
        return sum(seen.tunnelled + seen.refused for seen in self.by.values())


def suggest(
    records: Iterable[Mapping[str, Any]], registry: Registry, catalog: Catalog
) -> list[Suggestion]:
    """Return the hosts that were tunnelled or refused as unmatched, the most asked for first.

    Left out: what a connector owns by now, what no agent may ever reach, and names that the log
    does not tell whole.
    """
    providers = tuple(_providers(catalog))
    snapshot = build_snapshot(registry, 1)
    found: dict[str, Suggestion] = {}
    for record in records:
        host = _host(record, snapshot)
        if host is None:
            continue
        if host not in found:
            found[host] = Suggestion(host, {}, *_provider(host, providers))
        agent = record.get("agent")
        key = agent if isinstance(agent, str) and agent in registry.agents else SETTINGS
        found[host].by.setdefault(key, Seen()).add(record)
    return sorted(found.values(), key=lambda s: (-s.count, s.host))


def as_yaml(suggestions: Iterable[Suggestion], agents: Iterable[str]) -> list[str]:
    """Return the lines to put into connectors.yaml: a list of hosts for each agent."""
    lines: list[str] = []
    hosts = [s for s in suggestions if s.provider is None]
    names = [SETTINGS, *sorted(agents)]
    for name in names:
        listed = [(s.host, s.by[name]) for s in hosts if name in s.by]
        if not listed:
            continue
        indent = "  " if name == SETTINGS else "    "
        if name == SETTINGS:
            lines.append("settings:")
        else:
            lines += [] if "agents:" in lines else ["agents:"]
            lines.append(f"  {render_inline(name)}:")
        lines += [f"{indent}unmatched: deny", f"{indent}egress:", f"{indent}  allow:"]
        lines += [f"{indent}    - {render_inline(h)}  # {_told(seen)}" for h, seen in listed]
    return lines


def _told(seen: Seen) -> str:
    counts = ((seen.tunnelled, "let through"), (seen.refused, "refused"))
    words = [f"{count} {what}" for count, what in counts if count]
    return f"{', '.join(words)}, last {seen.last[:10]}"


def is_unmatched(record: Mapping[str, Any]) -> bool:
    """Tell whether a record is about a host that was let through or refused for having no owner.

    A host that was refused by a `deny` list, or for its address, is not one to propose.
    """
    if record.get("event") != "outcome":
        return False
    if record.get("decision") in ("tunnel", "forward"):
        return record.get("reason") == "unmatched"
    return str(record.get("rule")).endswith("unmatched: deny")


def _host(record: Mapping[str, Any], snapshot: Snapshot) -> str | None:
    """Return HOST or HOST:PORT of a record about a host that a rule could be for."""
    name, port = record.get("host"), record.get("port")
    try:
        host = canonical_host(str(name))
    except UsageError:
        return None
    if host != name or not isinstance(port, int) or refused_port(port):
        return None
    if _is_closed(host) or snapshot.is_owned(host, port):
        return None
    return host if port in _DEFAULTS else f"{host}:{port}"


def _is_closed(host: str) -> bool:
    if is_ip_literal(host):
        return refusal_of(ipaddress.ip_address(host)) is not None
    return refused_name(host)


type _Known = tuple[re.Pattern[str], str, ConnectorType]


def _providers(catalog: Catalog) -> Iterator[_Known]:
    for id_ in catalog.ids():
        for kind, form in catalog.provider(id_).forms.items():
            for host in form.hosts:
                pattern = _VAR.sub("[^.]+", re.escape(host.removeprefix("*.")))
                below = "[^.]+\\." if host.startswith("*.") else ""
                yield re.compile(below + pattern), id_, kind


def _provider(host: str, providers: Iterable[_Known]) -> tuple[str | None, ConnectorType | None]:
    return next(
        ((id_, kind) for known, id_, kind in providers if known.fullmatch(host)), (None, None)
    )
