"""Requests that would make a credential of their own: refused, for it works without the proxy."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final
from urllib.parse import unquote

from config.catalog.minting import COMMON, Service
from config.catalog.minting_services import SERVICES
from config.connector import Connector
from config.hygiene import Hygiene
from config.policy import Rule
from proxy.policy.readings import readings_of
from proxy.policy.rules import allowed

_CHANGES_NOTHING: Final = frozenset({"GET", "HEAD", "OPTIONS", "DELETE"})
_OVERRIDE: Final = re.compile(r"(?:^|[&;])_method=", re.IGNORECASE)  # Rails, Laravel
_SEGMENT: Final = r"[^/]*"
_ANY_SEGMENTS: Final = r"(?:/[^/]+)*"


@dataclass(frozen=True, slots=True)
class _Paths:
    """Globs, compiled together and each by itself with what is made there."""

    any: re.Pattern[str]
    each: tuple[tuple[re.Pattern[str], str], ...]

    def made_at(self, readings: Iterable[str]) -> str:
        """Return what is made at one of these paths; empty: nothing."""
        for path in readings:
            if self.any.search(path):
                return next((made for pattern, made in self.each if pattern.search(path)), "")
        return ""


@dataclass(frozen=True, slots=True)
class _Rules:
    """One host's: for every method, for those that change something, for POST."""

    shows: _Paths | None
    creates: _Paths | None
    posts: _Paths | None

    def for_method(self, method: str, *, overridden: bool) -> tuple[_Paths, ...]:
        changes = overridden or method not in _CHANGES_NOTHING
        posts = overridden or method == "POST"
        candidates = (
            self.shows,
            self.creates if changes else None,
            self.posts if posts else None,
        )
        return tuple(paths for paths in candidates if paths is not None)


def minted_by(connector: Connector, host: str, method: str, target: str) -> str:
    """Return what credential a request would make at a host; empty: none that is known.

    `target` is origin-form. Nothing is returned where the connector allows it.
    """
    path, _, query = target.partition("?")
    overridden = bool(query) and _OVERRIDE.search(unquote(query)) is not None
    hosts = (host, *connector.hygiene.known_as)
    relevant = [p for h in hosts for p in _rules_of(h).for_method(method, overridden=overridden)]
    if not relevant or allows_minting(connector.hygiene, method, path):
        return ""
    readings = readings_of(path)
    if readings is None:
        return "a credential, by one of the many ways in which its path can be read"
    return next((made for paths in relevant if (made := paths.made_at(readings))), "")


def allows_minting(hygiene: Hygiene, method: str, path: str) -> bool:
    """Tell whether the operator lets credentials be made at a path, which must be plain."""
    if not hygiene.minting:
        return False
    return allowed((Rule(frozenset(), hygiene.minting),), method, path)


def passes_tokens(hygiene: Hygiene, method: str, target: str) -> bool:
    """Tell whether the tokens in an answer are the agent's to see."""
    return hygiene.token_fields or allows_minting(hygiene, method, target.partition("?")[0])


def known_minting(hosts: Iterable[str]) -> Mapping[str, str]:
    """Return what makes credentials at these hosts by name: `METHOD /path` → what is made."""
    services = [service for host in hosts for service in _services_of(host)]
    writes = {f"POST {path}": made for each in services for path, made in each.creates.items()}
    return {f"ANY {p}": made for each in services for p, made in each.shows.items()} | writes


@lru_cache(maxsize=1024)
def _rules_of(host: str) -> _Rules:
    services = _services_of(host)
    return _Rules(
        shows=_compiled({p: made for each in services for p, made in each.shows.items()}),
        creates=_compiled({p: made for each in services for p, made in each.creates.items()}),
        posts=_COMMON if not services else None,
    )


def _services_of(host: str) -> tuple[Service, ...]:
    return tuple(service for pattern, service in _BY_HOST if pattern.fullmatch(host))


def _compiled(paths: Mapping[str, str]) -> _Paths | None:
    if not paths:
        return None
    each = tuple((re.compile(_expression(glob)), made) for glob, made in paths.items())
    return _Paths(re.compile("|".join(pattern.pattern for pattern, _ in each)), each)


def _expression(glob: str) -> str:
    """Return the expression that finds a glob at the end of a path; there is one `**` at most."""
    start, rest = ("", glob.removeprefix("/**")) if glob.startswith("/**/") else ("^", glob)
    parts = [
        _ANY_SEGMENTS if segment == "**" else "/" + re.escape(segment).replace(r"\*", _SEGMENT)
        for segment in rest.lower().removeprefix("/").split("/")
    ]
    return f"{start}{''.join(parts)}$"


def _host_expression(glob: str) -> re.Pattern[str]:
    return re.compile(re.escape(glob).replace(r"\*", r".+"))


_BY_HOST: Final = tuple(
    (_host_expression(host), service) for service in SERVICES for host in service.hosts
)
_COMMON: Final = _compiled(COMMON)
