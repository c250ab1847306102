"""`keyhatch egress`: the hosts that no connector owns."""

import click

from admin.options.lazy import Entry, LazyGroup

COMMANDS = {
    "suggest": Entry(
        "admin.commands.egress_suggest:suggest",
        "Propose rules and connectors from what the audit log has of unmatched hosts.",
    ),
}

EXAMPLES = """
examples:
  keyhatch egress suggest --agent researcher --since 7d
"""

egress: click.Group = LazyGroup(
    name="egress",
    entries=COMMANDS,
    help="See to the hosts that no connector owns.",
    epilog=EXAMPLES,
)
