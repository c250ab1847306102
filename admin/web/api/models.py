"""What the API tells: the shape of each answer. No field of it can hold a secret but `token`."""

from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field


class Told(BaseModel):
    """Something that is told; nothing else is in it."""

    model_config = ConfigDict(extra="forbid", from_attributes=True)


class Given(BaseModel):
    """A body that is sent; nothing else may be in it, and nothing is converted."""

    model_config = ConfigDict(extra="forbid", strict=True, hide_input_in_errors=True)


class FieldProblem(Told):
    field: Annotated[str, Field(description="as `hosts.0`; empty: the whole body")]
    message: str
    hint: str = ""


class Problem(Told):
    """RFC 9457."""

    type: str
    title: str
    status: int
    code: str
    detail: str
    hint: str = ""
    fields: list[FieldProblem] = []


class Slot(Told):
    """A secret of a connector: whether it is stored, never what it is."""

    name: str
    label: Annotated[str, Field(description="the provider's own word for it")]
    is_set: bool
    changed_at: datetime | None
    fits: Annotated[bool, Field(description="false: stored for other destinations; see confirm")]


class Credentials(Told):
    credentials: list[Slot]


class ConnectorRow(Told):
    slug: str
    name: str
    type: str
    provider: str | None
    destinations: list[str]
    status: str
    is_enabled: bool
    last_used: datetime | None
    next_refresh: datetime | None


class Connectors(Told):
    connectors: list[ConnectorRow]


class Connection(Told):
    """Who is connected; times are of the access token."""

    account: Annotated[str, Field(description="empty where the provider does not tell")]
    scopes: list[str]
    obtained_at: datetime
    expires_at: datetime | None
    renews: bool


class Refresh(Told):
    """How the tokens are doing; `last_error` is one of our own sentences."""

    last_success: datetime | None
    next_refresh: datetime | None
    retry_at: datetime | None
    last_error: str
    last_error_at: datetime | None


class OAuth(Told):
    grant: str
    client_id: str
    scopes: list[str]
    issuer: str
    authorization_url: str
    token_url: str
    redirect: Annotated[str | None, Field(description="to register with the provider")]
    connection: Connection | None
    refresh: Refresh | None


class Connector(Told):
    """A connector; `definition` is its entry in connectors.yaml, the rest what that means."""

    slug: str
    id: str
    name: str
    type: str
    provider: str | None
    destinations: list[str]
    placement: list[str]
    test_path: str | None
    is_enabled: bool
    status: str
    missing: Annotated[list[str], Field(description="keys that are yet to be filled in")]
    credentials: list[Slot]
    agents: Annotated[list[str], Field(description="those that may use it")]
    last_used: datetime | None
    oauth: OAuth | None
    definition: dict[str, Any]


class TestResult(Told):
    """What the service said; `status` null: it could not be asked."""

    works: bool
    host: str | None
    path: str | None
    status: int | None
    said: str
    hint: str


class Flow(Told):
    """A connect that is under way, or how it ended."""

    id: str
    connector: str
    way: str
    phase: Annotated[str, Field(description="starting, waiting, connected, failed or cancelled")]
    authorization_url: Annotated[str | None, Field(description="to open in a browser")]
    redirect_uri: Annotated[str | None, Field(description="where the address to paste begins")]
    user_code: str | None
    verification_url: str | None
    complete_url: str | None
    expires_at: datetime | None
    misfits: Annotated[int, Field(description="pasted addresses that were of another consent")]
    account: str
    scopes: list[str]
    not_granted: list[str]
    tested: str
    error: str
    hint: str


class Disconnected(Told):
    said: Annotated[str, Field(description="what became of it at the provider; empty: not asked")]


class Grant(Told):
    connector: str
    policy: Annotated[dict[str, Any], Field(description="keys that narrow it")]
    words: str


class Token(Told):
    id: str
    agent: str
    created_at: datetime
    expires_at: datetime | None
    last_used: datetime | None
    connectors: Annotated[list[str] | None, Field(description="null: all that its agent may use")]


class Agent(Told):
    slug: str
    grants: list[Grant]
    tokens: list[Token]
    expires_at: datetime | None
    last_used: datetime | None
    listen: str
    unmatched: str | None


class Agents(Told):
    agents: list[Agent]


class IssuedToken(Told):
    """A new token of an agent. It is told this once."""

    agent: str
    id: str
    token: str
    expires_at: datetime | None


class Tokens(Told):
    tokens: list[Token]


class Ended(Told):
    ended: int


class Waiting(Told):
    """A request that waits for a yes. An agent wrote most of it: escape it where it is shown."""

    id: str
    age: float
    left: float
    agent: str
    connector: str
    method: str
    url: str
    bytes: int
    digest: str


class WaitingWhole(Waiting):
    fields: list[str]
    preview: str
    preview_is_whole: bool


class Approvals(Told):
    version: int
    pending: list[Waiting]


class Records(Told):
    """Records of the audit log (docs/audit.md), and cursors: where to go on."""

    records: list[dict[str, Any]]
    older: Annotated[str | None, Field(description="`before` of the next page; null: the end")]
    newer: Annotated[str, Field(description="`after` of what is to come")]


class Tally(Told):
    requests: int
    refused: int
    statuses: Annotated[dict[str, int], Field(description="by class: 2xx, 4xx, 5xx, none")]
    ms: Annotated[dict[str, float | None], Field(description="latencies: p50, p95, p99")]


class Bucket(Tally):
    begin: datetime


class Stats(Told):
    since: datetime
    until: datetime
    is_cut: Annotated[bool, Field(description="the oldest part was left out for its size")]
    total: Tally
    unfinished: int
    phases_ms: dict[str, dict[str, float | None]]
    buckets: list[Bucket]
    connectors: dict[str, Tally]
    agents: dict[str, Tally]
    codes: dict[str, int]


class Var(Told):
    name: str
    label: str
    example: str
    default: str
    pattern: str
    choices: list[str]


class SecretLabel(Told):
    slot: str
    label: str


class Form(Told):
    """What a connector of one type to a provider needs."""

    type: str
    hosts: list[str]
    placement: list[str]
    secrets: list[SecretLabel]
    vars: list[Var]
    scopes: list[str]
    test_path: str
    note: str
    confidence: str


class ProviderRow(Told):
    id: str
    name: str
    types: list[str]
    vars: list[str]


class Providers(Told):
    providers: list[ProviderRow]


class Provider(Told):
    id: str
    name: str
    forms: list[Form]


class Status(Told):
    version: str
    proxy: Annotated[str, Field(description="running or not running")]
    listen: str | None
    vault: Annotated[str, Field(description="unlocked or locked")]
    connectors: Annotated[dict[str, int], Field(description="how many, by status")]
    agents: int
    problem: Annotated[str | None, Field(description="what is wrong with connectors.yaml")]


class ApiToken(Told):
    name: str
    created: str


class ApiTokens(Told):
    tokens: list[ApiToken]


class NewApiToken(Told):
    """A new token of a program. It is told this once."""

    name: str
    token: str
