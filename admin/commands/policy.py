"""`keyhatch policy`: what agents may do."""

import click

from admin.options.lazy import Entry, LazyGroup

COMMANDS = {
    "explain": Entry(
        "admin.commands.policy_explain:explain",
        "Show what would be decided of a request, and by which rule; nothing is sent.",
    ),
}

EXAMPLES = """
examples:
  keyhatch policy explain --agent researcher GET https://api.hubapi.com/crm/v3/objects/contacts
"""

policy: click.Group = LazyGroup(
    name="policy", entries=COMMANDS, help="Explain what agents may do.", epilog=EXAMPLES
)
