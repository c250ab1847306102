"""A request to an endpoint of an authorization server, before anybody sends it."""

import json
from base64 import b64encode
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import quote_plus, urlencode

from config.oauth import Pairs, TokenBody
from proxy.secret import Secret

type Parameters = tuple[tuple[str, str | Secret], ...]

# Some services answer in form encoding unless asked, some refuse a request without the second.
_COMMON: Final[Pairs] = (("accept", "application/json"), ("user-agent", "keyhatch"))
_FORM: Final[Pairs] = (("content-type", "application/x-www-form-urlencoded"),)
_JSON: Final[Pairs] = (("content-type", "application/json"),)


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """One request, whole; header names in lower case. What may be secret is not in its `repr`."""

    method: str
    url: str
    headers: Pairs = field(default=(), repr=False)
    body: bytes = field(default=b"", repr=False)


def build_request(
    method: str,
    url: str,
    *,
    parameters: Parameters = (),
    body: TokenBody = "form",
    headers: Pairs = (),
) -> HttpRequest:
    """Return a request with parameters in its body; without any it has no body.

    Of parameters with an empty value nothing is sent (RFC 6749, 3.2); `headers` replace common
    ones of the same name.
    """
    sent = tuple((name, text) for name, value in parameters if (text := _plain(value)))
    own = {name for name, _ in headers}
    common = tuple(pair for pair in _COMMON if pair[0] not in own)
    if not sent:
        return HttpRequest(method, url, (*common, *headers))
    if body == "json":
        return HttpRequest(method, url, (*common, *_JSON, *headers), _json(sent))
    return HttpRequest(method, url, (*common, *_FORM, *headers), urlencode(sent).encode())


def with_extras(parameters: Iterable[tuple[str, str | Secret]], extras: Pairs) -> Parameters:
    """Return the parameters that have a value, and those extras whose names are not among them."""
    own = tuple((name, value) for name, value in parameters if value)
    taken = {name for name, _ in own}
    return (*own, *(pair for pair in extras if pair[0] not in taken))


def bearer(credential: Secret) -> tuple[str, str]:
    """Return the field that carries a token (RFC 6750, 2.1)."""
    return ("authorization", f"Bearer {credential.reveal()}")


def basic(client_id: str, secret: Secret) -> tuple[str, str]:
    """Return the Basic field; both sides form-encoded first, as RFC 6749, 2.3.1 wants it."""
    pair = f"{quote_plus(client_id)}:{quote_plus(secret.reveal())}"
    return ("authorization", "Basic " + b64encode(pair.encode()).decode())


def _plain(value: str | Secret) -> str:
    return value.reveal() if isinstance(value, Secret) else value


def _json(parameters: Pairs) -> bytes:
    """Encode as one object; a repeated parameter (RFC 8707 `resource`) becomes a list."""
    document: dict[str, str | list[str]] = {}
    for name, value in parameters:
        match document.get(name):
            case None:
                document[name] = value
            case str(first):
                document[name] = [first, value]
            case list(several):
                several.append(value)
    return json.dumps(document).encode()
