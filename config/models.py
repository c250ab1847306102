"""The sections of connectors.yaml as a person may write them.

Only shapes are declared here: keys, types, choices. What a text means (a host, a template, a
wildcard) is read by the modules that own it, which can point at the place.
"""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Annotated, Literal

from config.oauth_models import ClientSection, EndpointSection, Texts
from config.section import NOTHING, Choice, May, Section


class HeaderSection(Section):
    header: Annotated[str, "name of the header field that carries the credential"]
    template: Annotated[str, "its value, such as Bearer {secret}"] = "{secret}"


class QuerySection(Section):
    query: Annotated[str, "name of the query parameter that carries the credential"]
    template: Annotated[str, "its value"] = "{secret}"


class BasicSection(Section):
    basic: Annotated[str, "user:password of Authorization: Basic, such as api:{secret}"]


class PathSection(Section):
    path: Annotated[str, "the first path segment, such as /bot{secret}"]


# By the key that tells a placement's kind.
PLACEMENTS: dict[str, type[Section]] = {
    "header": HeaderSection,
    "query": QuerySection,
    "basic": BasicSection,
    "path": PathSection,
}


def _placement_kind(value: object) -> str | None:
    if not isinstance(value, dict):
        return None
    return next((_tag(kind) for kind in PLACEMENTS if kind in value), None)


def _tag(kind: str) -> str:
    """Return a name that is no key: it stands in the paths of errors, between those that are."""
    return f"placement by {kind}"


PlacementSection = Annotated[
    HeaderSection | QuerySection | BasicSection | PathSection,
    Choice(_placement_kind, {_tag(kind): section for kind, section in PLACEMENTS.items()}),
]


class RuleSection(Section):
    methods: Annotated[Texts, "HTTP methods in upper case; left out: all"] = ()
    paths: Annotated[Texts, "path globs such as /v1/**; left out: all"] = ()


class HoursSection(Section):
    time: Annotated[str, "from and to, such as 09:00-17:00; 22:00-06:00 ends on the next day"]
    zone: Annotated[str, "IANA time zone, such as Europe/Berlin or UTC"]
    days: Annotated[Texts, May.STAND_ALONE, "days such as mon or mon-fri; left out: all"] = ()


def _text_or(section: type[Section]) -> Choice:
    """Return the choice of a text that stands for a mapping in short; the tags are no keys."""
    tags = ("in short", "in full")
    return Choice(
        lambda value: tags[isinstance(value, dict)], dict(zip(tags, (str, section), strict=True))
    )


AnyRule = Annotated[str | RuleSection, _text_or(RuleSection)]


class PolicySection(Section):
    """What a connector and a grant may both say."""

    allow: Annotated[Sequence[RuleSection], "what agents may do; left out: everything"] = ()
    deny: Annotated[Sequence[RuleSection], "what they may not; looked at before allow"] = ()
    read_only: Annotated[bool, "on: GET, HEAD and OPTIONS alone"] = False
    rate: Annotated[
        Texts, May.STAND_ALONE, "requests of each agent, such as 60/minute; /second, /hour"
    ] = ()
    concurrency: Annotated[int | None, "requests of each agent that are under way at a time"] = None
    hours: Annotated[
        Sequence[HoursSection], May.STAND_ALONE, "when agents may; left out: always"
    ] = ()
    approve: Annotated[
        Sequence[AnyRule], May.STAND_ALONE, "methods or rules that wait for the operator's yes"
    ] = ()


class StripSection(Section):
    headers: Annotated[Texts, "header fields that are dropped"] = ()
    query: Annotated[Texts, "query parameters that are dropped"] = ()


class KeepSection(Section):
    headers: Annotated[Texts, "header fields that pass though they look like credentials"] = ()
    query: Annotated[Texts, "query parameters that pass though they look like credentials"] = ()


class ConnectorSection(PolicySection):
    """What every type of connector may say; `type` is each type's own."""

    name: Annotated[str, "display name; left out: the key"] = ""
    id: Annotated[str, "what the vault knows it by; written at a rename"] = ""
    enabled: Annotated[bool, "off: every request to it is refused"] = True
    provider: Annotated[str, "catalog entry that fills in the rest"] = ""
    vars: Annotated[Mapping[str, str], "public values that templates use"] = NOTHING
    hosts: Annotated[Texts, "HOST, HOST:PORT or *.SUFFIX that the credential may go to"] = ()
    scheme: Literal["https", "http"] = "https"
    dial: Annotated[str, "ADDRESS:PORT to connect to instead of asking DNS"] = ""
    placement: Annotated[
        Sequence[PlacementSection], May.STAND_ALONE, "where the credential goes"
    ] = ()
    headers: Annotated[Mapping[str, str], "sent when the agent sends none"] = NOTHING
    strip: Annotated[StripSection, "other places where the service takes a credential"] = (
        StripSection()
    )
    keep: Annotated[KeepSection, "credentials of the agent's own that pass"] = KeepSection()
    cookies: Annotated[
        Literal["drop", "keep"], "keep: cookies pass both ways, and agents hold the session"
    ] = "drop"
    allow_minting: Annotated[
        Texts, May.STAND_ALONE, "path globs at which agents may make new credentials"
    ] = ()
    token_fields: Annotated[Literal["mask", "keep"], "keep: tokens in answers pass"] = "mask"  # noqa: S105
    scrub: Annotated[bool, "off: responses are not searched for the credential"] = True
    env: Annotated[
        Mapping[str, Annotated[str, May.BE_BLANK]],
        "variables that programs under `run` get instead of a credential",
    ] = NOTHING
    test_path: Annotated[str, "path that `keyhatch connector test` gets"] = ""


class ApiKeySection(ConnectorSection):
    type: Literal["api_key"]


class OAuthSection(ConnectorSection, ClientSection, EndpointSection):
    type: Literal["oauth"]


class IntercomSection(ConnectorSection, ClientSection):
    type: Literal["intercom"]
    provider: Literal["intercom"] = "intercom"
    region: Literal["us", "eu", "au"] = "us"


CONNECTORS: dict[str, type[Section]] = {
    "api_key": ApiKeySection,
    "oauth": OAuthSection,
    "intercom": IntercomSection,
}
AnyConnectorSection = Annotated[
    ApiKeySection | OAuthSection | IntercomSection, Choice("type", CONNECTORS)
]


class GrantSection(PolicySection):
    connector: Annotated[str, "key of the connector that the rest narrows"]


AnyGrant = Annotated[str | GrantSection, _text_or(GrantSection)]


class EgressSection(Section):
    allow: Annotated[Texts, May.BE_BLANK, "HOST, HOST:PORT or *.SUFFIX that may be reached"] = ()
    deny: Annotated[Texts, May.BE_BLANK, "those that may not; looked at before allow"] = ()


class SandboxWord(StrEnum):
    """What `sandbox:` may say in short."""

    REQUIRED = "required"


class SandboxSection(Section):
    required: Annotated[bool, "on: `keyhatch run` without --sandbox is refused"] = False
    profile: Annotated[
        Literal["claude-code", "codex", "script"] | None, "left out: the one that fits the command"
    ] = None
    share: Annotated[Texts, May.BE_BLANK, "PATH or PATH:ro that is open behind the wall"] = ()
    hide: Annotated[Texts, May.BE_BLANK, "paths that are left out of what is open"] = ()
    env: Annotated[Texts, May.BE_BLANK, "variables that go in besides, such as MY_*"] = ()


AnySandbox = Annotated[
    SandboxWord | SandboxSection,
    Choice(
        lambda value: "in full" if isinstance(value, dict) else "in short",
        {"in short": SandboxWord, "in full": SandboxSection},
    ),
]


class AgentSection(Section):
    connectors: Annotated[
        Sequence[AnyGrant], May.BE_BLANK, "keys of the connectors that it may use"
    ] = ()
    unmatched: Annotated[
        Literal["tunnel", "deny"] | None, "other than in the settings, for this agent"
    ] = None
    egress: Annotated[
        EgressSection, May.BE_NOTHING, "hosts that no connector owns, for this agent"
    ] = EgressSection()
    listen: Annotated[str, "ADDRESS:PORT or unix:PATH of a listener that needs no token"] = ""
    sandbox: Annotated[AnySandbox, "how `keyhatch run --sandbox` starts it; required: always"] = (
        SandboxSection()
    )


class LimitsSection(Section):
    head_bytes: Annotated[int | None, "bytes of a request's or an answer's head"] = None
    head_fields: Annotated[int | None, "header fields of a request or an answer"] = None
    connections: Annotated[int | None, "open connections of one agent"] = None
    unidentified: Annotated[int | None, "open connections without a valid token yet"] = None
    connections_total: Annotated[int | None, "open connections of all agents"] = None
    streams: Annotated[int | None, "requests at a time on one HTTP/2 connection"] = None
    head_timeout: Annotated[str, "for a first request, or one that has begun, such as 30s"] = ""
    body_timeout: Annotated[str, "silence of an agent within a request's body"] = ""
    idle_timeout: Annotated[str, "silence between requests and in tunnels, such as 10m"] = ""
    connect_timeout: Annotated[str, "each of resolving, connecting and TLS to a service"] = ""
    upstream_timeout: Annotated[str, "silence of a service before or within an answer"] = ""
    decode_ratio: Annotated[int | None, "times that an answer may grow when decoded"] = None


class AuditSection(Section):
    max_size: Annotated[str, "size at which a file is ended, such as 64MiB"] = "64MiB"
    max_age: Annotated[str, "age at which a file is ended, such as 1d"] = "1d"
    keep: Annotated[str, "what is kept: an age such as 90d, a size such as 2GiB, or forever"] = (
        "365d"
    )


class SettingsSection(Section):
    listen: Annotated[str, "ADDRESS:PORT of the proxy"] = "127.0.0.1:8321"
    unmatched: Annotated[
        Literal["tunnel", "deny"], "what becomes of hosts that no connector owns"
    ] = "tunnel"
    egress: Annotated[EgressSection, May.BE_NOTHING, "hosts that no connector owns"] = (
        EgressSection()
    )
    approval_timeout: Annotated[str, "how long a request waits for a yes, such as 2m"] = "2m"
    upstream_ca: Annotated[str, "PEM file added to the system's roots"] = ""
    name_constraints: Annotated[bool, "limit the local CA to the connectors' hosts"] = True
    audit: Annotated[AuditSection, May.BE_NOTHING, "files of the audit log"] = AuditSection()
    limits: Annotated[LimitsSection, May.BE_NOTHING, "what agents and services may take"] = (
        LimitsSection()
    )
    metrics: Annotated[str, "ADDRESS:PORT on loopback of a listener for Prometheus"] = ""


_Agent = Annotated[AgentSection, May.BE_NOTHING]


class FileSection(Section):
    """The whole of connectors.yaml."""

    version: Literal[1]
    settings: Annotated[SettingsSection, May.BE_NOTHING] = SettingsSection()
    connectors: Annotated[Mapping[str, AnyConnectorSection], May.BE_NOTHING] = NOTHING
    agents: Annotated[Mapping[str, _Agent], May.BE_NOTHING] = NOTHING
