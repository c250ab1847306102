"""What stands in connectors.yaml for something that is yet to be filled in.

A connector is made by its name and type alone; the file holds whole ones only. So what is missing
gets a value that leads nowhere: a host that no resolver finds (RFC 6761, 6.4).
"""

from collections.abc import Mapping
from typing import Final

from config.connector import Connector

UNSET_HOST: Final = "unset.invalid"
UNSET_CLIENT: Final = "unset"
_URLS: Final = ("authorization_url", "token_url", "device_url")


def placeholders(slug: str, kind: object, keys: Mapping[str, object]) -> dict[str, object]:
    """Return what has to stand for the keys that a new connector without a provider lacks."""
    if keys.get("provider"):
        return {"client_id": UNSET_CLIENT} if kind == "oauth" and "client_id" not in keys else {}
    lacking: dict[str, object] = {}
    if "hosts" not in keys and kind != "intercom":
        lacking["hosts"] = [f"{slug}.{UNSET_HOST}"]
    if kind == "oauth":
        if "client_id" not in keys:
            lacking["client_id"] = UNSET_CLIENT
        if "issuer" not in keys:
            urls = ("authorization_url", "token_url")
            lacking |= {key: f"https://{UNSET_HOST}/" for key in urls if key not in keys}
    return lacking


def is_unset(value: object) -> bool:
    """Tell whether a value of an entry only stands for one that is yet to come."""
    if isinstance(value, list):
        return bool(value) and all(map(is_unset, value))
    if not isinstance(value, str):
        return False
    host = value.removeprefix("https://").rstrip("/")
    return value == UNSET_CLIENT or f".{host}".endswith(f".{UNSET_HOST}")


def missing_of(connector: Connector) -> tuple[str, ...]:
    """Return the keys of a connector that are yet to be filled in."""
    missing = []
    if any(is_unset(pattern.host) for pattern in connector.destinations):
        missing.append("hosts")
    client = connector.oauth
    if client is not None:
        named = ("client_id", *_URLS)
        missing += [key for key in named if is_unset(getattr(client, key))]
    return tuple(missing)
