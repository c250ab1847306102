"""`keyhatch connector`: the named credentials and where each may go."""

import click

from admin.options.lazy import Entry, LazyGroup

_LIST = "admin.commands.connector_list"
_EDIT = "admin.commands.connector_edit"
COMMANDS = {
    "add": Entry("admin.commands.connector_add:add", "Add a connector and store its secret."),
    "list": Entry(f"{_LIST}:list_connectors", "List connectors and whether they are ready."),
    "show": Entry(f"{_LIST}:show", "Show everything about a connector but its secrets."),
    "set": Entry(
        "admin.commands.connector_set:set_connector", "Change a connector, or replace its secret."
    ),
    "rename": Entry(f"{_EDIT}:rename", "Give a connector another name; its secret stays."),
    "delete": Entry(f"{_EDIT}:delete", "Delete a connector and its secrets."),
    "enable": Entry(f"{_EDIT}:enable", "Switch a connector on."),
    "disable": Entry(f"{_EDIT}:disable", "Switch a connector off; everything about it stays."),
    "connect": Entry(
        "admin.commands.connector_connect:connect",
        "Let the owner of an account consent, and keep the tokens.",
    ),
    "disconnect": Entry(
        "admin.commands.connector_disconnect:disconnect",
        "Revoke a connector's tokens at the provider, then forget them.",
    ),
    "test": Entry(
        "admin.commands.connector_test:test_connector",
        "Ask the service for something harmless and say what it answers.",
    ),
    "confirm": Entry(
        "admin.commands.connector_confirm:confirm",
        "Accept where a connector's secret goes after a change.",
    ),
}

EXAMPLES = """
examples:
  keyhatch connector add "HubSpot API" --type api-key --provider hubspot
  keyhatch connector list
  pass show hubspot | keyhatch connector set hubspot-api --secret-stdin
"""

connector: click.Group = LazyGroup(
    name="connector",
    entries=COMMANDS,
    help="Add, show and change connectors.",
    epilog=EXAMPLES,
)
