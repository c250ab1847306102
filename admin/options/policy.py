"""The options that narrow what agents may do, and what they mean in connectors.yaml."""

from collections.abc import Callable, Mapping
from typing import Any, Final

import click

from config.errors import UsageError
from config.policy_build import POLICY_KEYS

type Entry = dict[str, object]

_HOURS_WORDS: Final = (2, 3)  # time and zone, or days before them

_OPTIONS: Final = (
    click.option(
        "--read-only/--no-read-only", default=None, help="GET, HEAD and OPTIONS alone."
    ),
    click.option(
        "--allow", "allow", metavar="RULE", multiple=True,
        help='What may be done, such as "GET,POST /v1/**"; may be repeated.',
    ),
    click.option(
        "--deny", "deny", metavar="RULE", multiple=True,
        help="What may not be done; may be repeated.",
    ),
    click.option(
        "--approve", "approve", metavar="RULE", multiple=True,
        help="What waits for the operator's yes, such as POST,DELETE; may be repeated.",
    ),
    click.option(
        "--rate", "rate", metavar="N/UNIT", multiple=True,
        help="How often each agent may, such as 60/minute; may be repeated.",
    ),
    click.option(
        "--concurrency", metavar="N", type=click.IntRange(min=1),
        help="How many requests of each agent may be under way.",
    ),
    click.option(
        "--hours", "hours", metavar="WHEN", multiple=True,
        help='When, such as "mon-fri 09:00-17:00 Europe/Berlin"; may be repeated.',
    ),
    click.option(
        "--clear", "clear", metavar="KEY", multiple=True,
        type=click.Choice(POLICY_KEYS), help="Take this key out, such as rate; may be repeated.",
    ),
)  # fmt: skip


def policy_options[C: Callable[..., object]](command: C) -> C:
    """Add the options to a command function; it gets them as keyword arguments for `policy_entry`."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def policy_entry(given: dict[str, Any]) -> Entry:
    """Take the policy options out of what click found, and return the keys that they set.

    None stands for a key that is taken out. Raises UsageError.
    """
    words = {name: given.pop(name) for name in (*POLICY_KEYS, "clear")}
    entry: Entry = dict.fromkeys(words["clear"])
    said: Mapping[str, object] = {
        "deny": [rule_of(text) for text in words["deny"]],
        "allow": [rule_of(text) for text in words["allow"]],
        "approve": [item for text in words["approve"] for item in _held(rule_of(text))],
        "hours": [_hours_of(text) for text in words["hours"]],
        "rate": list(words["rate"]),
        "concurrency": words["concurrency"],
        "read_only": words["read_only"],
    }
    for key, value in said.items():
        if value is None or value == []:
            continue
        if key in entry:
            raise UsageError(f"{key!r} is set and cleared", hint="leave out one of the two")
        entry[key] = (
            value[0] if isinstance(value, list) and key in _ALONE and _one(value) else value
        )
    if entry.get("read_only") is False:
        entry["read_only"] = None
    return entry


_ALONE: Final = frozenset({"hours", "rate"})  # a list of one is written as its item


def _one(value: list[object]) -> bool:
    return len(value) == 1


def rule_of(text: str) -> Entry:
    """Return the rule that `METHOD,… PATH …` means; either may be left out."""
    words = text.split()
    paths = [word for word in words if word.startswith("/")]
    methods = [m for word in words if not word.startswith("/") for m in word.split(",") if m]
    if not words:
        raise UsageError("a rule is empty", hint='write it like "GET,POST /v1/**"')
    return {**({"methods": methods} if methods else {}), **({"paths": paths} if paths else {})}


def _held(rule: Entry) -> list[object]:
    """Return a rule as `approve` takes it: methods alone stand for themselves."""
    methods = rule.get("methods")
    return list(methods) if isinstance(methods, list) and "paths" not in rule else [rule]


def _hours_of(text: str) -> Entry:
    words = text.split()
    if len(words) not in _HOURS_WORDS:
        raise UsageError(
            f"{text!r} is not a time window", hint='write "mon-fri 09:00-17:00 Europe/Berlin"'
        )
    *days, time, zone = words
    return {**({"days": days[0].split(",")} if days else {}), "time": time, "zone": zone}
