"""What the proxy would decide of a request, and by which line of connectors.yaml; nothing is sent."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from urllib.parse import SplitResult, urlsplit

from config.connector import Agent, Registry
from config.destination import parse_destination
from config.document import Document
from config.errors import UsageError
from config.paths import canonical_path
from config.policy import Policy
from config.policy_build import parse_host_pattern
from config.policy_words import describe_hours, describe_rule
from config.rules import parse_method
from proxy.policy.authority import RequestHead, TunnelHead
from proxy.policy.decision import (
    Caller,
    Decision,
    Forward,
    Inject,
    Intercept,
    Refuse,
    Tunnel,
    TunnelDecision,
    decide,
    decide_tunnel,
)
from proxy.policy.rules import Ground, fitting
from proxy.policy.snapshot import build_snapshot
from proxy.policy.unmatched import EgressGround

ANYBODY: Final = Caller("run", None)
"""`keyhatch run` without an agent: every connector, and no grant that narrows one."""

type Facts = dict[str, object]


@dataclass(frozen=True, slots=True)
class Case:
    """A request that nobody sent: by whom, what, where to, when."""

    agent: Agent | None
    connector: str | None
    method: str
    url: str
    moment: datetime


@dataclass(frozen=True, slots=True)
class _Place:
    """A line of connectors.yaml and what stands there."""

    words: str
    line: int | None


def explain(case: Case, registry: Registry, document: Document) -> Facts:
    """Return what would be decided, which rule decides, and why. Raises UsageError for a bad URL."""
    parse_method(case.method)
    parts = _split(case.url)
    scheme = "https" if parts.scheme == "https" else "http"
    asked = parse_destination(parts.netloc, "https" if scheme == "https" else "http")
    caller = _caller(case.agent)
    snapshot = build_snapshot(registry, 1)
    names = () if case.connector is None else (case.connector,)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    decision: Decision | TunnelDecision
    if asked.scheme == "https":
        decision = decide_tunnel(asked, caller, snapshot)
        if isinstance(decision, Intercept):
            through = TunnelHead(asked, asked.host)
            head = RequestHead(
                case.method, target, None, (asked.authority,), "https", through, names
            )
            decision = decide(head, caller, snapshot, case.moment)
    else:
        head = RequestHead(case.method, target, asked.authority, (), "http", None, names)
        decision = decide(head, caller, snapshot, case.moment)
    place = _ground(decision, case, registry, document)
    return {
        "decision": _word(decision),
        **_facts(decision, caller),
        "rule": place.words if place else None,
        "line": place.line if place else None,
        "agent": caller.name,
        "at": case.moment.isoformat(timespec="seconds"),
    }


def _caller(agent: Agent | None) -> Caller:
    return ANYBODY if agent is None else Caller(agent.slug, agent.connectors, agent)


def _split(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
    except ValueError:
        raise UsageError(f"{url!r} is not a URL", hint="write it like https://host/path") from None
    if parts.scheme not in ("http", "https") or not parts.netloc:
        raise UsageError(f"{url!r} is not a URL", hint="write it like https://host/path")
    if parts.fragment or not url.isprintable() or " " in url:
        raise UsageError(
            f"{url!r} is not a URL that is ever sent", hint="leave out spaces and what follows a #"
        )
    return parts


def _word(decision: Decision | TunnelDecision) -> str:
    match decision:
        case Inject(approval=approval):
            return "inject" if approval is None else "inject, after the operator's yes"
        case Refuse(problem):
            return f"refuse ({problem.http_status} {problem.code.value})"
    return type(decision).__name__.lower()


def _facts(decision: Decision | TunnelDecision, caller: Caller) -> Facts:
    match decision:
        case Inject(connector=connector, destination=destination):
            quota = decision.quota
            limits = [str(rate) for rate in quota.rates]
            limits += [f"{quota.concurrency} at a time"] if quota.concurrency else []
            return {
                "reason": _why_injected(decision, caller),
                "connector": connector.slug,
                "sent": f"{destination}{decision.target}",
                "limits": limits,
            }
        case Refuse(problem):
            return {
                "reason": problem.detail,
                "connector": problem.connector,
                "hint": problem.hint or None,
                "retry_after": problem.retry_after or None,
            }
        case Tunnel(destination=destination) | Forward(destination=destination):
            return {"reason": f"no connector owns {destination}", "connector": None}
    return {"reason": "Keyhatch answers itself", "connector": None}


def _why_injected(decision: Inject, caller: Caller) -> str:
    policies = (decision.connector.policy, caller.grant(decision.connector))
    if decision.approve:
        return "a rule asks for the operator's yes"
    if any(policy.allow for policy in policies):
        return "an allow rule fits, and nothing refuses it"
    return "the connector is granted, and nothing refuses it"


def _ground(
    decision: Decision | TunnelDecision, case: Case, registry: Registry, document: Document
) -> _Place | None:
    ground = getattr(decision, "ground", None)
    if isinstance(decision, Inject):
        ground = decision.approval or _allowing(decision, case)
    if isinstance(ground, EgressGround):
        return _of_egress(ground, case.agent, document)
    if not isinstance(ground, Ground):
        return None
    slug = _connector_of(decision)
    policy = registry.connectors[slug].policy
    steps: tuple[str | int, ...] = ("connectors", slug)
    if ground.layer == "grant" and case.agent is not None:
        policy = case.agent.narrowed[slug]
        steps = ("agents", case.agent.slug, "connectors", _grant_index(case.agent, slug, document))
    key = (*steps, ground.part) if ground.index is None else (*steps, ground.part, ground.index)
    owner = slug if ground.layer == "connector" else f"the grant of {slug}"
    return _Place(f"{_words(ground, policy)} of {owner}", document.line(key))


def _words(ground: Ground, policy: Policy) -> str:
    match ground.part:
        case "deny" | "approve" | "allow" if ground.index is not None:
            return f"{ground.part}: {describe_rule(getattr(policy, ground.part)[ground.index])}"
        case "allow":
            return "no rule of the allow list"
        case "hours":
            return f"hours: {'; '.join(map(describe_hours, policy.hours))}"
    return "read_only"


def _allowing(decision: Inject, case: Case) -> Ground | None:
    """Return the allow rule that fitted: the grant's, where it has a list, is the narrower one."""
    path = canonical_path(decision.target.partition("?")[0])
    grant = _caller(case.agent).grant(decision.connector)
    if grant.allow:
        index = fitting(grant.allow, case.method, path, widely=False)
        return Ground("grant", "allow", index)
    own = decision.connector.policy.allow
    return (
        Ground("connector", "allow", fitting(own, case.method, path, widely=False)) if own else None
    )


def _connector_of(decision: Decision | TunnelDecision) -> str:
    if isinstance(decision, Inject):
        return decision.connector.slug
    assert isinstance(decision, Refuse)  # noqa: S101 - nothing else has a ground of a connector
    return decision.problem.connector or ""


def _grant_index(agent: Agent, slug: str, document: Document) -> int:
    grants = document.value["agents"][agent.slug]["connectors"]
    return next(
        index
        for index, grant in enumerate(grants)
        if isinstance(grant, dict) and grant["connector"] == slug
    )


def _of_egress(ground: EgressGround, agent: Agent | None, document: Document) -> _Place:
    steps: tuple[str | int, ...] = ("settings",)
    owner = "the settings"
    if ground.of_agent and agent is not None:
        steps, owner = ("agents", agent.slug), f"agent {agent.slug}"
    if ground.pattern is None:
        written = "unmatched" in (document.at(steps) or {})
        line = document.line((*steps, "unmatched")) if written else None
        return _Place(f"{ground.part} of {owner}{'' if written else ' (the default)'}", line)
    listed = document.at((*steps, "egress", ground.part))
    index = next(i for i, text in enumerate(listed) if parse_host_pattern(text) == ground.pattern)
    line = document.line((*steps, "egress", ground.part, index))
    return _Place(f"egress {ground.part}: {ground.pattern} of {owner}", line)
