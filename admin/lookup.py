"""From what a person typed to the connector or agent that he means."""

from config.connector import Agent, Connector, Registry
from config.errors import NotFoundError, UsageError
from config.slug import slugify
from config.suggest import did_you_mean


def find_connector(registry: Registry, name: str) -> Connector:
    """Return the connector with this slug or display name.

    Raises NotFoundError with the nearest names.
    """
    if connector := registry.connectors.get(name):
        return connector
    wanted = name.casefold()
    for connector in registry.connectors.values():
        if connector.name.casefold() == wanted:
            return connector
    if connector := registry.connectors.get(_slug_or_empty(name)):
        return connector
    raise NotFoundError(
        f"no connector named {name!r}",
        hint=did_you_mean(name, registry.connectors) or "`keyhatch connector add` makes one",
    )


def find_agent(registry: Registry, name: str) -> Agent:
    """Return the agent with this name. Raises NotFoundError with the nearest names."""
    agent = registry.agents.get(name) or registry.agents.get(_slug_or_empty(name))
    if agent is None:
        raise NotFoundError(
            f"no agent named {name!r}",
            hint=did_you_mean(name, registry.agents) or "`keyhatch agent add` makes one",
        )
    return agent


def agents_with(registry: Registry, connector: Connector) -> list[str]:
    """Return the agents that were granted a connector, sorted."""
    return sorted(a.slug for a in registry.agents.values() if connector.slug in a.connectors)


def _slug_or_empty(name: str) -> str:
    try:
        return slugify(name)
    except UsageError:
        return ""
