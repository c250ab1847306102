"""`keyhatch agent`: who may send requests, and through which connectors."""

import click

from admin.lazy import Entry, LazyGroup

COMMANDS = {
    "add": Entry("admin.commands.agent_token:add", "Add an agent and print its token, once."),
    "list": Entry("admin.commands.agent_grant:list_agents", "List agents and their connectors."),
    "grant": Entry("admin.commands.agent_grant:grant", "Let an agent use connectors."),
    "revoke": Entry("admin.commands.agent_grant:revoke", "Take connectors away from an agent."),
    "rotate": Entry(
        "admin.commands.agent_token:rotate", "Replace an agent's token; the old one ends now."
    ),
    "delete": Entry("admin.commands.agent_token:delete", "Delete an agent and its token."),
}

EXAMPLES = """
examples:
  keyhatch agent add researcher --connector hubspot-api
  keyhatch agent grant researcher billing
  keyhatch agent rotate researcher
"""

agent: click.Group = LazyGroup(
    name="agent", entries=COMMANDS, help="Add agents and grant them connectors.", epilog=EXAMPLES
)
