"""connectors.yaml to a registry, or to the one error that stands first."""

import errno
import gc
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from config.agent_listen import parse_agent_listen, parse_loopback, require_own_listeners
from config.audit import build_rotation
from config.build import build_connector
from config.catalog import Catalog, load_catalog
from config.connector import Agent, Connector, Registry, Settings
from config.document import Document
from config.duration import parse_duration
from config.errors import ConfigError, KeyhatchError, OperatorNeededError
from config.files import read_private
from config.home import Home
from config.hosts import parse_dial
from config.limits import build_limits
from config.listen import TcpListen
from config.marks import decode_text, parse_yaml
from config.models import AgentSection, FileSection, SettingsSection
from config.place import Place
from config.policy import Policy
from config.policy_build import build_egress, build_policy
from config.sandbox import build_sandbox
from config.shape import read_section
from config.slug import is_slug
from config.suggest import did_you_mean

LONGEST_APPROVAL: Final = timedelta(hours=1)  # a body is held for so long


def load_registry(text: str, *, source: str, catalog: Catalog) -> Registry:
    """Return what a connectors.yaml declares; `source` is its path, for errors and relative paths.

    Raises ConfigError at the first place that is wrong. Nothing but the catalog is read.
    """
    with _without_collecting():
        return registry_of(parse_yaml(text, source=source), catalog)


def read_registry(home: Home) -> Registry:
    """Return the registry of a home. Raises ConfigError, or KeyhatchError if it cannot be read."""
    return RegistryReader(home).read()


@dataclass(frozen=True, slots=True)
class Known:
    """What a file said, as plain values, and the registry that it made."""

    value: Any
    registry: Registry

    def entry(self, section: str, slug: str) -> Mapping[str, Any]:
        """Return what the file says of a connector or agent."""
        return (self.value.get(section) or {}).get(slug) or {}

    def connector(self, slug: str, value: Any) -> Connector | None:
        """Return the connector of a slug, if the file said just the same of it."""
        known = (self.value.get("connectors") or {}).get(slug, self)
        return self.registry.connectors[slug] if known == value else None

    def agent(self, slug: str, value: Any) -> Agent | None:
        """Return the agent of a slug, if the file said just the same of it."""
        known = (self.value.get("agents") or {}).get(slug, self)
        return self.registry.agents[slug] if known == value else None


class RegistryReader:
    """Reads a home's registry again and again; what has not changed is checked, but not built anew.

    May be shared between threads.
    """

    def __init__(self, home: Home) -> None:
        self._home = home
        self._last: tuple[str, Known] | None = None

    def read(self) -> Registry:
        """Return the registry as it is now. Raises like `read_registry`."""
        return self.read_known().registry

    def read_known(self) -> Known:
        """Return the registry as it is now, with the values that made it."""
        text, source = read_text(self._home), str(self._home.connectors)
        last = self._last
        if last is not None and text == last[0]:
            return last[1]
        with _without_collecting():
            document = parse_yaml(text, source=source)
            registry = registry_of(document, load_catalog(), last and last[1])
        known = Known(document.value, registry)
        self._last = (text, known)
        return known


@contextmanager
def _without_collecting() -> Iterator[None]:
    """Let the search for garbage wait: all of a million new objects stays, and it took half the time."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()


def read_text(home: Home) -> str:
    """Return the text of a home's connectors.yaml. Raises like `read_registry`."""
    path = home.connectors
    try:
        content = read_private(path)
    except FileNotFoundError:
        raise OperatorNeededError(
            f"{home.root} is not initialised", hint="run `keyhatch init` first"
        ) from None
    except OSError as error:
        link = "; it is a symbolic link" if error.errno == errno.ELOOP else ""
        raise KeyhatchError(f"cannot read {path}: {error.strerror}{link}") from error
    return decode_text(content, source=str(path))


def registry_of(document: Document, catalog: Catalog, known: Known | None = None) -> Registry:
    """Return what a parsed file declares. Raises like `load_registry`.

    Of `known`, which the same catalog made, those parts are taken that are said just so again.
    """
    section, top = read_section(FileSection, document), Place(document)
    known = known or Known({}, Registry())
    values, at = document.value.get("connectors") or {}, top.at("connectors")
    connectors = {
        slug: known.connector(slug, values[slug])
        or build_connector(slug, connector, at.at(slug), catalog)
        for slug, connector in section.connectors.items()
    }
    _require_own_ids(connectors, at)
    _require_one_dial(connectors, at)
    agents = dict(_agents(section, document, connectors, known))
    settings = _settings(section.settings, top.at("settings"))
    require_own_listeners(settings, agents.values(), top.at("agents"))
    return Registry(
        settings,
        MappingProxyType(connectors),
        MappingProxyType(agents),
    )


def _agents(
    section: FileSection, document: Document, connectors: Mapping[str, Connector], known: Known
) -> Iterator[tuple[str, Agent]]:
    values, at = document.value.get("agents") or {}, Place(document).at("agents")
    for slug, agent in section.agents.items():
        found = known.agent(slug, values[slug])
        if found is not None and found.connectors <= connectors.keys():
            yield slug, found
        else:
            yield slug, _agent(slug, agent, connectors, at.at(slug))


def _settings(section: SettingsSection, place: Place) -> Settings:
    listen = place.at("listen").read(parse_dial, section.listen)
    folder = _folder(place)
    return Settings(
        listen_host=listen.address,
        listen_port=listen.port,
        unmatched=section.unmatched,
        egress=build_egress(section.egress, place.at("egress")),
        approval_timeout=_approval_timeout(section, place),
        upstream_ca=folder / section.upstream_ca if section.upstream_ca else None,
        name_constraints=section.name_constraints,
        audit=build_rotation(section.audit, place.at("audit")),
        limits=build_limits(section.limits, place.at("limits")),
        metrics=_metrics(section, place.at("metrics"), TcpListen(listen.address, listen.port)),
    )


def _metrics(section: SettingsSection, place: Place, proxy: TcpListen) -> TcpListen | None:
    if not section.metrics:
        return None
    listen = place.read(parse_loopback, section.metrics)
    if listen == proxy:
        raise place.error(
            f"the proxy itself listens at {listen}", hint="choose another port, such as 9464"
        )
    return listen


def _approval_timeout(section: SettingsSection, place: Place) -> float:
    at = place.at("approval_timeout")
    length = at.read(parse_duration, section.approval_timeout)
    if length > LONGEST_APPROVAL:
        raise at.error("approval_timeout is at most 1h", hint="the default is 2m")
    return length.total_seconds()


def _agent(
    slug: str, section: AgentSection, connectors: Mapping[str, Connector], place: Place
) -> Agent:
    if not is_slug(slug):
        hint = "use lower-case letters, digits and single hyphens, at most 63"
        raise place.key.error(f"{slug!r} cannot be a key", hint=hint)
    granted: set[str] = set()
    narrowed: dict[str, Policy] = {}
    for index, grant in enumerate(section.connectors):
        name = grant if isinstance(grant, str) else grant.connector
        at = place.at("connectors", index)
        if name not in connectors:
            raise at.at("connector").error(
                f"agent {slug!r} names an unknown connector {name!r}",
                hint=did_you_mean(name, connectors, what="connectors") or "declare it first",
            )
        if not isinstance(grant, str):
            if name in granted:
                raise _granted_twice(slug, name, at)
            narrowed[name] = build_policy(grant, at)
        elif name in narrowed:
            raise _granted_twice(slug, name, at)
        granted.add(name)
    listen = None
    if section.listen:
        listen = place.at("listen").read(parse_agent_listen, section.listen, _folder(place))
    return Agent(
        slug,
        frozenset(granted),
        listen=listen,
        narrowed=MappingProxyType(narrowed),
        unmatched=section.unmatched,
        egress=build_egress(section.egress, place.at("egress")),
        sandbox=build_sandbox(section.sandbox, place.at("sandbox")),
    )


def _granted_twice(agent: str, connector: str, place: Place) -> ConfigError:
    return place.at("connector").error(
        f"agent {agent!r} is granted {connector!r} twice", hint="which of the two counts? keep one"
    )


def _folder(place: Place) -> Path:
    """Return where relative paths of the file start."""
    return Path(place.document.source.name).parent


def _require_own_ids(connectors: Mapping[str, Connector], place: Place) -> None:
    owners: dict[str, str] = {}
    for slug, connector in connectors.items():
        other = owners.setdefault(connector.id, slug)
        if other != slug:
            raise place.at(slug, "id").key.error(
                f"connectors {other!r} and {slug!r} have the same id {connector.id!r}",
                hint=f"give the newer of the two another `id`, such as {connector.id}-2",
            )


def _require_one_dial(connectors: Mapping[str, Connector], place: Place) -> None:
    # Whatever the scheme: an address is dialled for a host and port.
    owners: dict[tuple[str, int, bool], Connector] = {}
    for slug, connector in connectors.items():
        for pattern in connector.destinations:
            place_owned = (pattern.host, pattern.port, pattern.wildcard)
            other = owners.setdefault(place_owned, connector)
            if other.dial != connector.dial:
                raise place.at(slug, "dial").key.error(
                    f"connectors {other.slug!r} and {slug!r} own {pattern} with different `dial`",
                    hint="give both the same `dial`, or leave it out of both",
                )
