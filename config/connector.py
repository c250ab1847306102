"""What the engine works with: connectors, agents and settings, resolved, frozen, without secrets."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType

from config.audit import DEFAULT_ROTATION, Rotation
from config.destination import DestinationPattern, Scheme
from config.hygiene import STRICT, Hygiene
from config.limits import DEFAULT_LIMITS, Limits
from config.listen import Listen, TcpListen
from config.oauth import OAuthClient
from config.policy import FREE, NO_EGRESS, NO_GRANTS, Egress, Policy, Unmatched
from config.sandbox import NO_SANDBOX, Sandbox
from config.template import Template


class ConnectorType(StrEnum):
    """The three kinds that a person chooses from."""

    API_KEY = "api_key"
    OAUTH = "oauth"
    INTERCOM = "intercom"


@dataclass(frozen=True, slots=True)
class HeaderPlacement:
    """The credential is the value of one header field; `name` is in lower case."""

    name: str
    template: Template


@dataclass(frozen=True, slots=True)
class QueryPlacement:
    """The credential is one query parameter."""

    name: str
    template: Template


@dataclass(frozen=True, slots=True)
class BasicPlacement:
    """The credential is `Authorization: Basic` (RFC 7617)."""

    username: Template
    password: Template


@dataclass(frozen=True, slots=True)
class PathPlacement:
    """The credential is the first path segment, such as `/bot{secret}`."""

    segment: Template


type Placement = HeaderPlacement | QueryPlacement | BasicPlacement | PathPlacement


@dataclass(frozen=True, slots=True)
class DialAddress:
    """Where to connect instead of asking DNS; SNI and verification stay on the host."""

    address: str
    port: int


@dataclass(frozen=True, slots=True)
class Connector:
    """One connector with its provider's facts merged in; holds no secret.

    `slug` is its key in the file and may change; `id` never does. `slots` are the secrets that an
    operator enters, `placement_slots` what the placements are rendered from: the same, but for
    OAuth, whose placements need an access token. `token_dial` is where the token endpoint is
    dialled instead of asking DNS. `headers` are sent when the agent sends none of that name. `strip_headers`
    (lower case) and `strip_query` name other ways in which the service takes a credential: what
    an agent sends there is dropped. `env` are variables that agents get instead of a credential.
    """

    slug: str
    id: str
    name: str
    type: ConnectorType
    destinations: tuple[DestinationPattern, ...]
    placements: tuple[Placement, ...]
    provider: str | None = None
    dial: DialAddress | None = None
    headers: tuple[tuple[str, str], ...] = ()
    strip_headers: frozenset[str] = frozenset()
    strip_query: frozenset[str] = frozenset()
    policy: Policy = FREE
    enabled: bool = True
    scrub: bool = True
    hygiene: Hygiene = STRICT
    test_path: str | None = None
    oauth: OAuthClient | None = None
    token_dial: DialAddress | None = None
    env: tuple[tuple[str, str], ...] = ()
    placement_slots: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        templates = [t for placement in self.placements for t in templates_of(placement)]
        names = dict.fromkeys(slot for template in templates for slot in template.slots)
        object.__setattr__(self, "placement_slots", tuple(names))

    @property
    def slots(self) -> tuple[str, ...]:
        """The secrets that an operator enters."""
        return self.oauth.slots if self.oauth else self.placement_slots

    @property
    def token_urls(self) -> tuple[str, ...]:
        """Where a client secret or refresh token may be sent; none without OAuth."""
        return self.oauth.secret_urls if self.oauth else ()

    @property
    def base(self) -> DestinationPattern | None:
        """The destination that the connector's name alone stands for: its first exact one."""
        return next((d for d in self.destinations if not d.wildcard), None)

    @property
    def scheme(self) -> Scheme:
        return self.destinations[0].scheme


@dataclass(frozen=True, slots=True)
class Agent:
    """An identity and the slugs of the connectors that it was granted.

    `narrowed` has the policies of those grants that have one. `unmatched` None: as in the settings.
    `listen` is where it needs no token: a listener that stands for it alone. `sandbox` is how
    `keyhatch run` starts it.
    """

    slug: str
    connectors: frozenset[str]
    narrowed: Mapping[str, Policy] = NO_GRANTS
    unmatched: Unmatched | None = None
    egress: Egress = NO_EGRESS
    listen: Listen | None = None
    sandbox: Sandbox = NO_SANDBOX


@dataclass(frozen=True, slots=True)
class Settings:
    """The `settings` section; every limit of invariant 13 has its place here."""

    listen_host: str = "127.0.0.1"
    listen_port: int = 8321
    unmatched: Unmatched = "tunnel"
    egress: Egress = NO_EGRESS
    approval_timeout: float = 120  # seconds
    upstream_ca: Path | None = None
    name_constraints: bool = True
    limits: Limits = DEFAULT_LIMITS
    audit: Rotation = DEFAULT_ROTATION
    metrics: TcpListen | None = None


@dataclass(frozen=True, slots=True)
class Registry:
    """One immutable state of connectors.yaml; connectors and agents by slug."""

    settings: Settings = Settings()
    connectors: Mapping[str, Connector] = MappingProxyType({})
    agents: Mapping[str, Agent] = MappingProxyType({})


def binding_of(connector: Connector) -> bytes:
    """Return the digest of where a connector's secrets may go (32 bytes, SHA-256).

    It is part of each secret's associated data: change a destination, `dial` or a token URL and
    the secret does not open until the operator confirms. The same goes for the scopes of tokens
    that come without anyone's consent.
    """
    dial = connector.dial and f"{connector.dial.address}:{connector.dial.port}"
    where = {
        "destinations": sorted(str(pattern) for pattern in connector.destinations),
        "dial": dial,
        "token_urls": sorted(connector.token_urls),
        **_more_of(connector),
    }
    return hashlib.sha256(json.dumps(where, sort_keys=True).encode()).digest()


def _more_of(connector: Connector) -> dict[str, object]:
    """Return what only some connectors have; the binding of the others stays as it was."""
    more: dict[str, object] = {}
    if connector.token_dial:
        more["token_dial"] = f"{connector.token_dial.address}:{connector.token_dial.port}"
    if connector.oauth and (named := connector.oauth.quirks.host_from):
        more["host_from"] = [named.field, *sorted(str(pattern) for pattern in named.hosts)]
    if connector.oauth and not connector.oauth.grant.connects:
        # Nobody consents to these tokens: more scopes in the file would be more rights at once.
        more["scopes"] = sorted(connector.oauth.scopes)
    return more


def templates_of(placement: Placement) -> tuple[Template, ...]:
    """Return the templates whose slots a placement fills."""
    match placement:
        case HeaderPlacement(template=template) | QueryPlacement(template=template):
            return (template,)
        case BasicPlacement(username=username, password=password):
            return (username, password)
        case PathPlacement(segment=segment):
            return (segment,)
