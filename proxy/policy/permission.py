"""Whether a request to a connector may be sent: the connector's policy, then the grant's."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from config.connector import Connector, PathPlacement
from config.paths import CanonicalPath, canonical_path
from config.policy import FREE, Policy
from proxy.policy.authority import RequestHead
from proxy.policy.hours import opens_in
from proxy.policy.rules import WEBSOCKET, Ground, Layer, approval_of, refusal_of
from proxy.policy.usage import UNLIMITED, Quota, quota_of
from proxy.problems import Problem, ProblemCode
from proxy.wire.target import without_own_segment

# TRACE and its kin make the server send the credential back (RFC 9110, 9.3.8).
_NEVER_SENT: Final = frozenset({"CONNECT", "DEBUG", "TRACE", "TRACK"})
_DETAILS: Final = {
    "deny": "a rule of this {} denies this method on this path",
    "read_only": "this {} is for reading only",
    "allow": "no rule of this {} allows this method on this path",
    "hours": "this {} is closed at this time",
}


@dataclass(frozen=True, slots=True)
class Permission:
    """A request may be sent, with this target: what was matched is what goes out."""

    target: str
    quota: Quota = UNLIMITED
    approval: Ground | None = None


@dataclass(frozen=True, slots=True)
class Denial:
    """A request may not be sent; `ground` is None where no rule decided."""

    problem: Problem
    ground: Ground | None = None


def permission_of(
    head: RequestHead, connector: Connector, grant: Policy, now: datetime
) -> Permission | Denial:
    """Return whether a request may be sent with a connector's credential."""
    if head.method.upper() in _NEVER_SENT:
        return _denial(connector, f"{head.method} is never sent with a credential")
    own = connector.policy
    if own is FREE and grant is FREE:
        return Permission(head.target)
    path, target = None, head.target
    if own.names_paths or grant.names_paths:
        path = _canonical(head, connector)
        if path is None:
            return _denial(
                connector,
                "servers read this path in different ways, and rules for paths are in force",
            )
        _, question, query = head.target.partition("?")
        target = path.text + question + query
    method = WEBSOCKET if head.websocket else head.method
    layers: tuple[tuple[Layer, Policy], ...] = (("connector", own), ("grant", grant))
    for layer, policy in layers:
        ground = refusal_of(layer, policy, method, path, now)
        if ground is not None:
            return _denied_by(ground, policy, connector, now)
    held = [approval_of(layer, policy, method, path) for layer, policy in layers]
    approval = next((ground for ground in held if ground is not None), None)
    return Permission(target, quota_of(own, grant), approval)


def _canonical(head: RequestHead, connector: Connector) -> CanonicalPath | None:
    """Return the path that rules are about: without the segment that carries the credential.

    The agent may write that segment itself; it is overwritten, so it has no say in the match.
    """
    path = canonical_path(head.path)
    for placement in connector.placements:
        if path is not None and isinstance(placement, PathPlacement):
            path = canonical_path(without_own_segment(path.text, placement.segment.text) or "/")
    return path


def _denied_by(ground: Ground, policy: Policy, connector: Connector, now: datetime) -> Denial:
    detail = _DETAILS[ground.part].format(ground.layer)
    if ground.part != "hours":
        return _denial(connector, detail, ground)
    wait = opens_in(policy.hours, now)
    problem = Problem(ProblemCode.OUTSIDE_HOURS, detail, connector=connector.slug, retry_after=wait)
    return Denial(problem, ground)


def _denial(connector: Connector, detail: str, ground: Ground | None = None) -> Denial:
    code = ProblemCode.METHOD_OR_PATH_NOT_ALLOWED
    return Denial(Problem(code, detail, connector=connector.slug), ground)
