"""A policy in words."""

from collections.abc import Mapping

from config.policy import READING, Hours, Policy, Rule
from config.policy_build import DAYS


def policy_facts(policy: Policy) -> Mapping[str, object]:
    """Return what a policy narrows, by the keys of connectors.yaml."""
    return {
        "deny": [describe_rule(rule) for rule in policy.deny],
        "read_only": policy.read_only or None,
        "allow": [describe_rule(rule) for rule in policy.allow],
        "hours": [describe_hours(hours) for hours in policy.hours],
        "approve": [describe_rule(rule) for rule in policy.approve],
        "rate": [str(rate) for rate in policy.rates],
        "concurrency": policy.concurrency,
    }


def describe_policy(policy: Policy) -> str:
    """Return a policy in one line, empty where it narrows nothing."""
    words = []
    for key, value in policy_facts(policy).items():
        if value is True:
            words.append(key.replace("_", " "))
        elif value:
            words.append(f"{key} {'; '.join(value) if isinstance(value, list) else value}")
    return ", ".join(words)


def policy_lines(policy: Policy) -> list[str]:
    """Return what a policy narrows in plain words, a line each; what is allowed comes first."""
    lines = [describe_rule(rule) for rule in policy.allow]
    lines += [f"not: {describe_rule(rule)}" for rule in policy.deny]
    if policy.read_only:
        lines.append(f"reading only: {', '.join(sorted(READING))}")
    lines += [f"open at: {describe_hours(hours)}" for hours in policy.hours]
    lines += [f"waits for the operator's yes: {describe_rule(r)}" for r in policy.approve]
    lines += [f"at most {rate}" for rate in policy.rates]
    if policy.concurrency is not None:
        lines.append(f"at most {policy.concurrency} at a time")
    return lines


def describe_rule(rule: Rule) -> str:
    """Return a rule as `GET, POST on /v1/**`."""
    methods = ", ".join(sorted(rule.methods)) or "any method"
    return f"{methods} on {', '.join(rule.paths)}"


def describe_hours(hours: Hours) -> str:
    """Return a time window as `mon-fri 09:00-17:00 Europe/Berlin`."""
    times = "-".join(f"{minute // 60:02}:{minute % 60:02}" for minute in (hours.start, hours.end))
    return f"{_days(hours.days)} {times} {hours.zone.key}"


def _days(days: frozenset[int]) -> str:
    ordered = sorted(days)
    first, last = ordered[0], ordered[-1]
    if len(ordered) > 2 and ordered == list(range(first, last + 1)):  # noqa: PLR2004 - a range
        return f"{DAYS[first]}-{DAYS[last]}"
    return ",".join(DAYS[day] for day in ordered)
