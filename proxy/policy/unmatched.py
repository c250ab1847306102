"""Hosts that no connector owns: refused by name, let through by name, or as a default says.

Decided by the name alone, so that nobody asks DNS for a name that is refused (invariant 12). First
match: the agent's `deny`, the settings' `deny`, the agent's `allow`, the settings' `allow`, then the
agent's `unmatched`, or the settings'. What is let through still has to be open to agents at all.
"""

import ipaddress
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from config.connector import Agent, Settings
from config.destination import Destination, is_ip_literal
from config.policy import NO_EGRESS, HostPattern
from proxy.policy.egress import WEB_PORTS, refusal_of, refused_port
from proxy.policy.names import refused_name
from proxy.problems import Problem, ProblemCode


@dataclass(frozen=True, slots=True)
class EgressGround:
    """What decided: a host of a list, or the default; the agent's own, or the settings'."""

    of_agent: bool
    part: str
    pattern: HostPattern | None = None

    def __str__(self) -> str:
        """Return it as the audit log has it: `agent egress deny *.ads.example`."""
        owner = "agent" if self.of_agent else "settings"
        return (
            f"{owner} {self.part if self.pattern is None else f'egress {self.part} {self.pattern}'}"
        )


@dataclass(frozen=True, slots=True)
class Passage:
    """Whether a destination may be reached (None: yes), and what decided; None: it never may."""

    problem: Problem | None
    ground: EgressGround | None


def passage_of(destination: Destination, agent: Agent | None, settings: Settings) -> Passage:
    """Return whether a destination that no connector owns may be reached."""
    ground = _ground(destination, agent, settings)
    closed = _closed(destination, ground)
    if ground.part == "deny":
        return Passage(_egress("this host is on a list of denied hosts"), ground)
    if ground.part == "unmatched: deny":
        return Passage(
            _egress("no connector owns this host, and unmatched hosts are denied"), ground
        )
    return Passage(closed, None if closed else ground)


def _ground(destination: Destination, agent: Agent | None, settings: Settings) -> EgressGround:
    own = NO_EGRESS if agent is None else agent.egress
    lists = (
        (True, "deny", own.deny),
        (False, "deny", settings.egress.deny),
        (True, "allow", own.allow),
        (False, "allow", settings.egress.allow),
    )
    for of_agent, part, patterns in lists:
        if patterns and (pattern := _named(patterns, destination)):
            return EgressGround(of_agent, part, pattern)
    if agent is not None and agent.unmatched is not None:
        return EgressGround(True, f"unmatched: {agent.unmatched}")
    return EgressGround(False, f"unmatched: {settings.unmatched}")


def _named(patterns: AbstractSet[HostPattern], destination: Destination) -> HostPattern | None:
    """Return the pattern that names a host, at a cost that does not grow with their number."""
    host, port = destination.host, destination.port
    for wanted in (HostPattern(host, port), HostPattern(host)):
        if wanted in patterns:
            return wanted
    labels = host.split(".")
    for start in range(1, len(labels)):
        suffix = ".".join(labels[start:])
        for wanted in (HostPattern(suffix, port, True), HostPattern(suffix, None, True)):
            if wanted in patterns:
                return wanted
    return None


def _closed(destination: Destination, ground: EgressGround) -> Problem | None:
    """Why no agent may reach a destination, whatever the lists say of its host.

    A port other than the web's is open where a list allows that very port.
    """
    named = ground.part == "allow" and ground.pattern is not None and ground.pattern.port
    if refused_port(destination.port) or destination.port not in {*WEB_PORTS, named}:
        return _egress("this port is not open to agents")
    if is_ip_literal(destination.host):
        reason = refusal_of(ipaddress.ip_address(destination.host))
        return _egress("this address is not open to agents") if reason else None
    if refused_name(destination.host):
        return _egress("this name is not open to agents")
    return None


def _egress(detail: str) -> Problem:
    return Problem(ProblemCode.EGRESS_DENIED, detail)
