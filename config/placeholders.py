"""Which variables an agent is given in place of credentials, and which it must not have."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from config.connector import Connector
from config.env import is_credential


@dataclass(frozen=True, slots=True)
class Placeholders:
    """Variables by name: `given` with their texts, `withheld` with the connector they belong to.

    What is withheld would hold a credential of a connector that the agent may not use.
    """

    given: Mapping[str, str]
    withheld: Mapping[str, str]


def placeholders_of(
    connectors: Iterable[Connector], may_use: Callable[[Connector], bool]
) -> Placeholders:
    """Return what the connectors of a registry mean for an agent's environment.

    Where two connectors name a variable, the first that the agent may use counts.
    """
    given: dict[str, str] = {}
    withheld: dict[str, str] = {}
    for connector in connectors:
        for name, text in connector.env:
            if may_use(connector):
                given.setdefault(name, text)
            elif is_credential(text):
                withheld.setdefault(name, connector.slug)
    return Placeholders(given, {n: slug for n, slug in withheld.items() if n not in given})
