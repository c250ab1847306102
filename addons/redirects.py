"""Redirects of a connector, rewritten so that a plain-HTTP client comes back through the proxy."""

from urllib.parse import urlsplit

from mitmproxy import http

from addons.exchange import Exchange
from config.connector import Connector
from config.destination import Destination, Scheme, parse_destination
from config.errors import UsageError
from proxy.policy.decision import NAME_SUFFIX


def point_back(response: http.Response, exchange: Exchange) -> None:
    """Rewrite a Location that stays with the connector to the address that the client used.

    A client that came over HTTP gets `http://`, one that called by name gets the name; any other
    Location is left alone.
    """
    location = response.headers.get("location")
    connector, destination = exchange.connector, exchange.destination
    if location is None or connector is None or destination is None:
        return
    target = _owned(location, connector)
    if target is None:
        return
    authority = _authority_for(exchange, connector, target)
    if authority is None:
        return
    rest = location.split("://", 1)[1]
    cut = min((rest.find(mark) for mark in "/?#" if mark in rest), default=len(rest))
    response.headers["location"] = f"{exchange.client_scheme}://{authority}{rest[cut:]}"


def _owned(location: str, connector: Connector) -> Destination | None:
    try:
        parts = urlsplit(location)
        if parts.scheme not in {"http", "https"}:
            return None
        scheme: Scheme = "https" if parts.scheme == "https" else "http"
        target = parse_destination(parts.netloc, scheme)
    except (UsageError, ValueError):
        return None
    return target if any(d.matches(target) for d in connector.destinations) else None


def _authority_for(exchange: Exchange, connector: Connector, target: Destination) -> str | None:
    if exchange.reason == "by-name" and target == exchange.destination:
        return connector.slug + NAME_SUFFIX
    if exchange.client_scheme == target.scheme:
        return None
    port = 80 if target.port == 443 else target.port  # noqa: PLR2004 - the default ports
    return Destination(exchange.client_scheme, target.host, port).authority
