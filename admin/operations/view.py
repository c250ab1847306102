"""What is shown of a connector; there is no secret in it."""

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Final, assert_never

from admin.lookup import agents_with
from config.connector import (
    BasicPlacement,
    Connector,
    HeaderPlacement,
    PathPlacement,
    Placement,
    QueryPlacement,
    Registry,
)
from config.hygiene import Hygiene
from config.oauth import Grant, OAuthClient
from config.policy_words import policy_facts
from config.unset import missing_of

if TYPE_CHECKING:
    from proxy.vault.inventory import Inventory


# What the operator runs where a connector waits for him, by its status.
ATTENTION: Final = {
    "needs configuration": "keyhatch connector set {}",
    "needs credential": "keyhatch connector set {} --secret-stdin",
    "changed": "keyhatch connector confirm {}",
    "needs connecting": "keyhatch connector connect {}",
    "needs reauthorization": "keyhatch connector connect {}",
    "configuration error": "keyhatch connector show {}",
}


def status_of(connector: Connector, inventory: "Inventory") -> str:
    """Return `disabled`, or what it lacks, such as `needs connecting`, or `ready`."""
    if not connector.enabled:
        return "disabled"
    if missing_of(connector):
        return "needs configuration"
    return inventory.state(connector).replace("-", " ")


def summary_of(connector: Connector, inventory: "Inventory") -> dict[str, object]:
    """Return one row of the list."""
    return {
        "name": connector.name,
        "slug": connector.slug,
        "type": connector.type.value,
        "destinations": [str(pattern) for pattern in connector.destinations],
        "status": status_of(connector, inventory),
    }


def facts_of(
    connector: Connector, registry: Registry, inventory: "Inventory"
) -> Mapping[str, object]:
    """Return everything about a connector but its secrets."""
    dial = connector.dial
    return {
        **summary_of(connector, inventory),
        "id": connector.id,
        "provider": connector.provider,
        "dial": f"{dial.address}:{dial.port}" if dial else None,
        "placement": [describe_placement(placement) for placement in connector.placements],
        "slots": list(connector.slots),
        "headers": [f"{name}: {value}" for name, value in connector.headers],
        **policy_facts(connector.policy),
        "scrub": connector.scrub,
        **_hygiene_facts(connector.hygiene),
        "test_path": connector.test_path,
        "agents": agents_with(registry, connector),
        **_oauth_facts(connector, inventory),
    }


def _hygiene_facts(hygiene: Hygiene) -> Mapping[str, object]:
    kept = [f"header {name}" for name in sorted(hygiene.headers)]
    return {
        "cookies": "keep" if hygiene.cookies else "drop",
        "token_fields": "keep" if hygiene.token_fields else "mask",
        "allow_minting": list(hygiene.minting),
        "keep": kept + [f"query {name}" for name in sorted(hygiene.query)],
    }


def _oauth_facts(connector: Connector, inventory: "Inventory") -> Mapping[str, object]:
    client = connector.oauth
    if client is None:
        return {}
    return {
        "grant": client.grant.value,
        "client_id": client.client_id or None,
        "scopes": list(client.scopes),
        "issuer": client.issuer or None,
        "token_endpoint": client.token_url or None,
        "redirect": redirect_of(client),
        **refresh_facts(connector, inventory),
    }


def redirect_of(client: OAuthClient) -> str | None:
    """Return the redirect address to register with the provider, or None where none is needed."""
    if client.grant is not Grant.AUTHORIZATION_CODE:
        return None
    if client.redirect_uri:
        return client.redirect_uri
    if client.redirect_port:
        return f"http://127.0.0.1:{client.redirect_port}/callback"
    return "http://127.0.0.1/callback, with any port"


def refresh_facts(connector: Connector, inventory: "Inventory") -> Mapping[str, object]:
    """Return how a connector's tokens are doing; times in UTC."""
    state = inventory.refreshes.get(connector.id)
    if state is None:
        return {}
    return {
        "last_refresh": _time(state.last_success),
        "next_refresh": _time(state.next_refresh),
        "next_attempt": _time(state.retry_at),
        "last_error": state.last_error or None,
        "last_error_at": _time(state.last_error_at),
    }


def _time(moment: datetime | None) -> str | None:
    return None if moment is None else f"{moment:%Y-%m-%d %H:%M:%SZ}"


def describe_placement(placement: Placement) -> str:
    """Return where a credential goes, with the slots in braces."""
    match placement:
        case HeaderPlacement(name=name, template=template):
            return f"header {name}: {template.text}"
        case QueryPlacement(name=name, template=template):
            return f"query {name}={template.text}"
        case BasicPlacement(username=username, password=password):
            return f"basic {username.text}:{password.text}"
        case PathPlacement(segment=segment):
            return f"path {segment.text}"
        case _:
            assert_never(placement)
