"""The decision: what becomes of a request, and why. Pure: no I/O, no lane types, `now` is given."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from config.connector import Agent, Connector
from config.destination import DEFAULT_PORTS, Destination
from config.policy import FREE, Policy
from proxy.policy.authority import RequestHead, agree
from proxy.policy.minting import minted_by
from proxy.policy.permission import Denial, permission_of
from proxy.policy.rules import Ground
from proxy.policy.snapshot import Snapshot
from proxy.policy.unmatched import EgressGround, passage_of
from proxy.policy.usage import UNLIMITED, Quota
from proxy.problems import Problem, ProblemCode

PORTAL_HOST: Final = "keyhatch.internal"
NAME_SUFFIX: Final = ".connector.keyhatch.internal"
NAMES_TOLD: Final = 20  # of the connectors that a request may mean


@dataclass(frozen=True, slots=True)
class Caller:
    """Who is asking: an agent's name and the connectors it may use (None: every one).

    `agent` is what the registry says of it; None for `keyhatch run` without an agent. `lease`: by
    the token of a `keyhatch run`, `sandbox`: from behind its wall.
    """

    name: str
    connectors: frozenset[str] | None
    agent: Agent | None = field(default=None, compare=False, repr=False)
    lease: bool = field(default=False, compare=False)
    sandbox: bool = field(default=False, compare=False)

    def may_use(self, connector: Connector) -> bool:
        return self.connectors is None or connector.slug in self.connectors

    def grant(self, connector: Connector) -> Policy:
        """Return what its grant narrows."""
        return FREE if self.agent is None else self.agent.narrowed.get(connector.slug, FREE)


@dataclass(frozen=True, slots=True)
class Inject:
    """Send it on with the connector's credential, to this destination and no other.

    `target` is what is sent: the path that the rules were held against, and the query. `approval`
    names the rule that makes it wait for the operator's yes.
    """

    connector: Connector
    destination: Destination
    reason: str
    target: str
    quota: Quota = UNLIMITED
    approval: Ground | None = None

    @property
    def approve(self) -> bool:
        """Whether it has to be approved before it is sent."""
        return self.approval is not None


@dataclass(frozen=True, slots=True)
class Forward:
    """Send a plain-HTTP request on as it is: no connector owns its destination."""

    destination: Destination
    ground: EgressGround | None = field(default=None, compare=False)
    reason: str = "unmatched"


@dataclass(frozen=True, slots=True)
class Portal:
    """Answer it ourselves: the request is for Keyhatch."""

    reason: str = "portal"


@dataclass(frozen=True, slots=True)
class Intercept:
    """Terminate the TLS of a tunnel: its destination belongs to a connector or to Keyhatch."""

    destination: Destination
    reason: str


@dataclass(frozen=True, slots=True)
class Tunnel:
    """Carry a tunnel's bytes unseen."""

    destination: Destination
    ground: EgressGround | None = field(default=None, compare=False)
    reason: str = "unmatched"


@dataclass(frozen=True, slots=True)
class Refuse:
    """Answer with a problem; nothing is forwarded. `ground` is the rule that decided, if one did."""

    problem: Problem
    ground: Ground | EgressGround | None = field(default=None, compare=False)

    @property
    def reason(self) -> str:
        return self.problem.code.value


type Decision = Inject | Forward | Portal | Refuse
type TunnelDecision = Intercept | Tunnel | Refuse


def decide(head: RequestHead, caller: Caller, snapshot: Snapshot, now: datetime) -> Decision:
    """Return what becomes of a request head from a caller under a snapshot, at a moment (UTC)."""
    agreed = agree(head)
    if isinstance(agreed, Problem):
        return Refuse(agreed)
    if _is_reserved(agreed.host) and agreed.port != DEFAULT_PORTS[agreed.scheme]:
        return _refuse(ProblemCode.EGRESS_DENIED, "this port is not open to agents")
    if agreed.host == PORTAL_HOST:
        return Portal()
    if agreed.host.endswith(NAME_SUFFIX):
        found = _by_name(head, agreed.host.removesuffix(NAME_SUFFIX), caller, snapshot)
    else:
        owners = snapshot.owners_of(agreed)
        if not owners:
            return _unowned(head, agreed, caller, snapshot)
        found = _by_owner(head, agreed, owners, caller)
    if isinstance(found, Refuse):
        return found
    return _permitted(head, found, caller, snapshot, now)


def decide_tunnel(destination: Destination, caller: Caller, snapshot: Snapshot) -> TunnelDecision:
    """Return what becomes of a CONNECT request; `destination` is its target, scheme https."""
    host = destination.host
    if _is_reserved(host):
        if destination.port != DEFAULT_PORTS["https"]:
            return _refuse(ProblemCode.EGRESS_DENIED, "this port is not open to agents")
        return Intercept(destination, reason="portal")
    if not snapshot.is_owned(host, destination.port):
        return _unowned_tunnel(destination, caller, snapshot)
    encrypted = snapshot.owners_of(destination)
    if not encrypted:
        return _refuse(
            ProblemCode.DESTINATION_MISMATCH,
            "this connector speaks plain http, not TLS",
            hint=f"call http://{Destination('http', host, destination.port).authority}/",
        )
    usable = _usable(encrypted, caller)
    if isinstance(usable, Problem):
        return Refuse(usable)
    return Intercept(destination, reason="connector")


def _unowned_tunnel(destination: Destination, caller: Caller, snapshot: Snapshot) -> TunnelDecision:
    passage = passage_of(destination, caller.agent, snapshot.registry.settings)
    if passage.problem:
        return Refuse(passage.problem, passage.ground)
    return Tunnel(destination, passage.ground)


def _is_reserved(host: str) -> bool:
    """Tell whether a host is Keyhatch's own name, or a connector called by its name."""
    return host == PORTAL_HOST or host.endswith(NAME_SUFFIX)


def _unowned(head: RequestHead, asked: Destination, caller: Caller, snapshot: Snapshot) -> Decision:
    if head.names:
        return _refuse(
            ProblemCode.DESTINATION_MISMATCH, "the named connector does not own this destination"
        )
    if head.tunnel:
        # A tunnel is only opened up for an owned host: its connector has gone since.
        return _refuse(ProblemCode.CONNECTOR_NOT_GRANTED, "no connector owns this host any more")
    if snapshot.is_owned(asked.host, asked.port):
        # Carried on as unmatched, it would reach the connector's `dial` without any grant.
        return _refuse(
            ProblemCode.DESTINATION_MISMATCH, "a connector owns this host under another scheme"
        )
    passage = passage_of(asked, caller.agent, snapshot.registry.settings)
    if passage.problem:
        return Refuse(passage.problem, passage.ground)
    return Forward(asked, passage.ground)


@dataclass(frozen=True, slots=True)
class _Chosen:
    """The one connector that a request means, and where it goes."""

    connector: Connector
    destination: Destination
    reason: str


def _by_name(head: RequestHead, slug: str, caller: Caller, snapshot: Snapshot) -> _Chosen | Refuse:
    if head.names and head.names != (slug,):
        return _refuse(
            ProblemCode.DESTINATION_MISMATCH, "the host and Keyhatch-Connector name two connectors"
        )
    connector = snapshot.registry.connectors.get(slug)
    if connector is None:
        return Refuse(_not_granted())
    usable = _usable({slug: connector}, caller)
    if isinstance(usable, Problem):
        return Refuse(usable)
    if connector.base is None:
        return _refuse(
            ProblemCode.AMBIGUOUS_CONNECTOR,
            "this connector owns many hosts and has no base address",
            connector=slug,
            hint="call the host itself",
        )
    base = Destination(connector.base.scheme, connector.base.host, connector.base.port)
    return _Chosen(connector, base, "by-name")


def _by_owner(
    head: RequestHead, asked: Destination, owners: Mapping[str, Connector], caller: Caller
) -> _Chosen | Refuse:
    if head.names:
        named = owners.get(head.names[0]) if len(head.names) == 1 else None
        owners = {named.slug: named} if named else {}
    usable = _usable(owners, caller)
    if isinstance(usable, Problem):
        return Refuse(usable)
    if len(usable) > 1:
        slugs = sorted(c.slug for c in usable)
        names = ", ".join(slugs[:NAMES_TOLD]) + (", …" if len(slugs) > NAMES_TOLD else "")
        return _refuse(
            ProblemCode.AMBIGUOUS_CONNECTOR,
            f"several connectors own {asked.host}: {names}",
            hint=f"send the header Keyhatch-Connector with one of: {names}",
        )
    connector = usable[0]
    return _Chosen(connector, _upstream(asked, connector), "owned")


def _upstream(asked: Destination, connector: Connector) -> Destination:
    """The destination under the connector's scheme; port 80 of a plain request stands for 443."""
    if asked.scheme == connector.scheme:
        return asked
    port = 443 if asked.port == 80 else asked.port  # noqa: PLR2004 - the default ports
    return Destination("https", asked.host, port)


def _permitted(
    head: RequestHead, chosen: _Chosen, caller: Caller, snapshot: Snapshot, now: datetime
) -> Decision:
    connector = chosen.connector
    permission = permission_of(head, connector, caller.grant(connector), now)
    if isinstance(permission, Denial):
        return Refuse(permission.problem, permission.ground)
    minting = _minting(head.method, permission.target, chosen, snapshot)
    return minting or Inject(
        connector,
        chosen.destination,
        chosen.reason,
        permission.target,
        permission.quota,
        permission.approval,
    )


def _minting(method: str, target: str, chosen: _Chosen, snapshot: Snapshot) -> Refuse | None:
    """Refuse what would make a credential that is the agent's own."""
    connector, where = chosen.connector, chosen.destination
    if snapshot.is_token_endpoint(where.host, where.port, target.partition("?")[0]):
        return _refuse(
            ProblemCode.TOKEN_MINTING_REFUSED,
            "this is a token endpoint, which no agent calls with a credential",
            connector=connector.slug,
            hint="Keyhatch gets and renews access tokens by itself; call the API",
        )
    made = minted_by(connector, where.host, method, target)
    if not made:
        return None
    return _refuse(
        ProblemCode.TOKEN_MINTING_REFUSED,
        f"this request would make {made}, which works without the proxy",
        connector=connector.slug,
        hint=f"the operator may list its path under `allow_minting` of {connector.slug}",
    )


def _usable(owners: Mapping[str, Connector], caller: Caller) -> list[Connector] | Problem:
    granted = _granted(owners, caller.connectors)
    if not granted:
        return _not_granted()
    enabled = [c for c in granted if c.enabled]
    if not enabled:
        slug = granted[0].slug
        return Problem(
            ProblemCode.CONNECTOR_DISABLED,
            f"the connector {slug} is switched off",
            connector=slug,
            hint=f"the operator runs `keyhatch connector enable {slug}`",
        )
    return enabled


def _granted(owners: Mapping[str, Connector], slugs: frozenset[str] | None) -> Sequence[Connector]:
    """Return the owners that a caller may use; the cost is that of the shorter list."""
    if slugs is None:
        return tuple(owners.values())
    if len(owners) <= len(slugs):
        return [connector for slug, connector in owners.items() if slug in slugs]
    return [owners[slug] for slug in sorted(slugs) if slug in owners]


def _not_granted() -> Problem:
    return Problem(
        ProblemCode.CONNECTOR_NOT_GRANTED,
        "this agent was granted no connector for this destination",
    )


def _refuse(
    code: ProblemCode, detail: str, *, connector: str | None = None, hint: str = ""
) -> Refuse:
    return Refuse(Problem(code, detail, connector=connector, hint=hint))
