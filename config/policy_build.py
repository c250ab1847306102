"""From the policy keys of a connector, a grant, an agent or the settings to what they mean."""

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from config.destination import split_authority
from config.errors import UsageError
from config.models import EgressSection, HoursSection, PolicySection, RuleSection
from config.place import Place
from config.policy import (
    DAY,
    FREE,
    NO_EGRESS,
    RATE_UNITS,
    Egress,
    HostPattern,
    Hours,
    Policy,
    Rate,
    Rule,
)
from config.rules import build_rule, parse_method
from config.suggest import did_you_mean, nearest

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

MAX_RATE: Final = 10_000  # the moments of so many requests are kept for each agent and connector
POLICY_KEYS: Final = ("deny", "read_only", "allow", "hours", "approve", "rate", "concurrency")
DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_RATE: Final = re.compile(r"([1-9][0-9]{0,5})/([a-z]+)")
_TIMES: Final = re.compile(r"([0-9]{1,2}):([0-9]{2})-([0-9]{1,2}):([0-9]{2})")
_UNITS: Final = {name: seconds for seconds, name in RATE_UNITS.items()}


def build_policy(section: PolicySection, place: Place) -> Policy:
    """Return what a connector's or a grant's section narrows. Raises ConfigError."""
    if not any(getattr(section, key) for key in POLICY_KEYS):
        return FREE
    return Policy(
        deny=_rules(section.deny, place, "deny"),
        read_only=section.read_only,
        allow=_rules(section.allow, place, "allow"),
        hours=tuple(
            _hours(hours, place.at("hours", index)) for index, hours in enumerate(section.hours)
        ),
        approve=_rules(section.approve, place, "approve"),
        rates=tuple(
            place.at("rate", index).read(parse_rate, text)
            for index, text in enumerate(section.rate)
        ),
        concurrency=section.concurrency,
    )


def build_egress(section: EgressSection, place: Place) -> Egress:
    """Return the hosts that are let through or refused by name. Raises ConfigError."""
    if not section.allow and not section.deny:
        return NO_EGRESS
    return Egress(
        _patterns(section.allow, place.at("allow")), _patterns(section.deny, place.at("deny"))
    )


def parse_host_pattern(text: str) -> HostPattern:
    """Return what `HOST`, `HOST:PORT` or `*.SUFFIX` names. Raises UsageError."""
    wildcard = text.startswith("*.")
    if "/" in text or "*" in text.removeprefix("*."):
        raise UsageError(
            f"{text!r} is not a host", hint="write HOST, HOST:PORT or *.SUFFIX, without a path"
        )
    host, port = split_authority(text.removeprefix("*."))
    return HostPattern(host, port, wildcard)


def parse_rate(text: str) -> Rate:
    """Return the rate that `60/minute` means. Raises UsageError."""
    found = _RATE.fullmatch(text)
    if found is None or found[2] not in _UNITS:
        near = did_you_mean(found[2], _UNITS) if found else ""
        raise UsageError(f"{text!r} is not a rate", hint=near or "write it like 60/minute")
    if int(found[1]) > MAX_RATE:
        raise UsageError(
            f"rate {text!r} is too high to be counted",
            hint=f"at most {MAX_RATE}; use a shorter time, such as /second",
        )
    return Rate(int(found[1]), _UNITS[found[2]])


def parse_days(text: str) -> frozenset[int]:
    """Return the days that `mon` or `fri-mon` means, Monday being 0. Raises UsageError."""
    first, dash, last = text.partition("-")
    for name in (first, last) if dash else (first,):
        if name not in DAYS:
            raise UsageError(f"{name!r} is not a day", hint="write mon, tue, … or mon-fri")
    start = DAYS.index(first)
    length = (DAYS.index(last) - start) % 7 + 1 if dash else 1
    return frozenset((start + number) % 7 for number in range(length))


def parse_times(text: str) -> tuple[int, int]:
    """Return from and to in minutes of the day; 24:00 is the day's end. Raises UsageError."""
    found = _TIMES.fullmatch(text)
    if found is None or max(int(found[2]), int(found[4])) > 59:  # noqa: PLR2004 - minutes
        raise UsageError(f"{text!r} is not a time of day", hint="write it like 09:00-17:00")
    start, end = int(found[1]) * 60 + int(found[2]), int(found[3]) * 60 + int(found[4])
    if start >= DAY or end > DAY:
        raise UsageError(f"{text!r} is later than 24:00", hint="write it like 22:00-06:00")
    return start, end


def parse_zone(text: str) -> "ZoneInfo":
    """Return the IANA time zone of this name. Raises UsageError."""
    from zoneinfo import ZoneInfo, available_timezones  # noqa: PLC0415 - 10 ms, few files need it

    try:
        return ZoneInfo(text)
    except (KeyError, ValueError, OSError):
        near = nearest(text, available_timezones())
    hint = f"did you mean {near!r}?" if near else "write it like Europe/Berlin"
    raise UsageError(f"{text!r} is not a time zone", hint=hint)


def _rules(sections: Sequence[str | RuleSection], place: Place, key: str) -> tuple[Rule, ...]:
    return tuple(_rule(section, place.at(key, index)) for index, section in enumerate(sections))


def _rule(section: str | RuleSection, place: Place) -> Rule:
    if isinstance(section, str):
        return Rule(frozenset({place.read(parse_method, section)}))
    return build_rule(section, place)


def _hours(section: HoursSection, place: Place) -> Hours:
    days = [
        place.at("days", index).read(parse_days, text) for index, text in enumerate(section.days)
    ]
    start, end = place.at("time").read(parse_times, section.time)
    zone = place.at("zone").read(parse_zone, section.zone)
    return Hours(frozenset().union(*days) or frozenset(range(7)), start, end, zone)


def _patterns(texts: Sequence[str], place: Place) -> frozenset[HostPattern]:
    return frozenset(
        place.at(index).read(parse_host_pattern, text) for index, text in enumerate(texts)
    )
