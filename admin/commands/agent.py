"""`keyhatch agent`: who may send requests, and through which connectors."""

import click

from admin.options.lazy import Entry, LazyGroup

COMMANDS = {
    "add": Entry("admin.commands.agent_token:add", "Add an agent and print its token, once."),
    "list": Entry("admin.commands.agent_grant:list_agents", "List agents and their connectors."),
    "grant": Entry("admin.commands.agent_grant:grant", "Let an agent use connectors."),
    "revoke": Entry(
        "admin.commands.agent_grant:revoke",
        "Take connectors away from an agent, or end its tokens; from the next request on.",
    ),
    "token": Entry(
        "admin.commands.agent_ephemeral:token",
        "Print a further token of an agent that ends by itself.",
    ),
    "tokens": Entry(
        "admin.commands.agent_ephemeral:tokens",
        "List an agent's tokens: since when, until when, last used, for what.",
    ),
    "rotate": Entry(
        "admin.commands.agent_token:rotate",
        "Replace an agent's tokens by a new one; the old ones end now.",
    ),
    "delete": Entry("admin.commands.agent_token:delete", "Delete an agent and its tokens."),
}

EXAMPLES = """
examples:
  keyhatch agent add researcher --connector hubspot-api
  keyhatch agent grant researcher billing
  keyhatch agent token researcher --ttl 2h --connector billing
  keyhatch agent rotate researcher
"""

agent: click.Group = LazyGroup(
    name="agent", entries=COMMANDS, help="Add agents and grant them connectors.", epilog=EXAMPLES
)
