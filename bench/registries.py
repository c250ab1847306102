"""Large configurations: many connectors of several kinds, many agents with a few grants each."""

from collections.abc import Iterator
from typing import Final

GRANTS: Final = 10  # of each agent
RULED: Final = """\
    hosts: [h{0}.example.com, "*.w{0}.example.net"]
    allow:
      - {{methods: [GET, POST], paths: [/v1/{0}/**]}}
"""
KINDS: Final = (
    "    hosts: [api{0}.service{1}.example]\n    rate: 600/minute\n",
    "    provider: openai\n",
    RULED,
    "    hosts: [h{0}.example.org]\n    placement: {{header: X-Api-Key}}\n",
)
DISTRICTS: Final = 997


def registry_text(connectors: int, agents: int, *, port: int = 8321) -> str:
    """Return a connectors.yaml; connector `c2` and every fourth after it have a host and rules."""
    parts = [f"version: 1\nsettings: {{listen: 127.0.0.1:{port}}}\nconnectors:\n"]
    parts += _connectors(connectors)
    parts.append("agents:\n")
    for number in range(agents):
        slugs = dict.fromkeys(f"c{(number * 7 + n * 13) % connectors}" for n in range(GRANTS))
        *plain, last = slugs
        grants = ", ".join([*plain, f"{{connector: {last}, read_only: true}}"])
        parts.append(f"  agent-{number}:\n    connectors: [{grants}]\n")
    return "".join(parts)


def _connectors(count: int) -> Iterator[str]:
    for number in range(count):
        kind = KINDS[number % len(KINDS)].format(number, number % DISTRICTS)
        yield f"  c{number}:\n    name: Connector {number}\n    type: api_key\n{kind}"


def ruled_host(number: int) -> str:
    """Return the host of the connector with rules that stands nearest to a number."""
    return f"h{number // len(KINDS) * len(KINDS) + 2}.example.com"
