"""Header hygiene: what belongs to one hop, or claims a proxy's authority, goes no further.

Requests are cleaned before a credential is placed, so no nomination of the agent's
(`Connection: authorization`) can remove what is placed.
"""

from typing import Final

from proxy.wire.fields import Fields, folded, get_all, members, with_field, without

# Framing and routing belong to the lane: a nomination must not take them away (RFC 9110, 7.6.1).
_FRAMING: Final = frozenset({b"host", b"content-length", b"transfer-encoding"})

# RFC 9110, 7.6.1; RFC 9113, 8.2.2; HTTP2-Settings asks for h2c (RFC 7540, 3.2.1). An extension
# of WebSockets changes what frames mean (RFC 6455, 9): compressed ones could not be scrubbed within
# bounds.
_HOP_BY_HOP: Final = frozenset(
    {b"connection", b"keep-alive", b"te", b"trailer", b"upgrade", b"http2-settings"}
    | {b"sec-websocket-extensions"}
)

# Spoken for by proxies and gateways. An upstream that trusts them would route, log or authorise
# by what the agent wrote there: about where a request comes from,
_SOURCE_CLAIMS: Final = frozenset(
    {
        b"forwarded",  # RFC 7239
        b"via",  # RFC 9110, 7.6.3
        b"cf-connecting-ip",
        b"cf-connecting-ipv6",
        b"client-ip",
        b"fastly-client-ip",
        b"fly-client-ip",
        b"true-client-ip",
        b"wl-proxy-client-ip",
        b"x-appengine-user-ip",
        b"x-azure-clientip",
        b"x-azure-socketip",
        b"x-client-ip",
        b"x-cluster-client-ip",
        b"x-originating-ip",
        b"x-proxyuser-ip",
        b"x-real-ip",
        b"x-remote-addr",
        b"x-remote-ip",
    }
)
# who sent it,
_IDENTITY_CLAIMS: Final = frozenset(
    {
        b"client-cert",  # RFC 9440
        b"client-cert-chain",
        b"remote-user",
        b"x-authenticated-user",
        b"x-client-cert",
        b"x-remote-user",
    }
)
# and what is really meant by it, whatever its request line says.
_TARGET_CLAIMS: Final = frozenset(
    {
        b"proxy",  # CGI makes HTTP_PROXY of it (httpoxy, CVE-2016-5385)
        b"x-host",
        b"x-http-host-override",
        b"x-http-method",
        b"x-http-method-override",
        b"x-http-verb",
        b"x-http-verb-override",
        b"x-method",
        b"x-method-override",
        b"x-original-host",
        b"x-original-method",
        b"x-original-path",
        b"x-original-uri",
        b"x-original-url",
        b"x-override-url",
        b"x-request-uri",
        b"x-rewrite-uri",
        b"x-rewrite-url",
        b"x-sendfile-type",
        b"x-upstream-https-proxy",
    }
)
# `Proxy-` covers Authorization, Connection, Authenticate, Status and other proxies' control
# headers; `Keyhatch-` our own. The rest are families of the claims above, by the gateways that
# make them (nginx, Apache, Envoy).
_RESPONSE_PREFIXES: Final = (b"proxy-", b"keyhatch-")
_CLAIM_PREFIXES: Final = (b"x-forwarded", b"x-accel-", b"x-envoy-", b"x-ssl-", b"ssl-client-")
_REQUEST_PREFIXES: Final = (*_RESPONSE_PREFIXES, *_CLAIM_PREFIXES)

# Alt-Svc would move the client to a route that the proxy does not see (RFC 7838); a pin would
# break the intercepting certificate (RFC 7469).
_RESPONSE_ONLY: Final = frozenset({b"alt-svc", b"public-key-pins", b"public-key-pins-report-only"})

# Keyhatch answers an expectation itself (RFC 9110, 10.1.1).
_REQUEST_DROPS: Final = (
    _HOP_BY_HOP | _SOURCE_CLAIMS | _IDENTITY_CLAIMS | _TARGET_CLAIMS | {b"expect"}
)
_RESPONSE_DROPS: Final = _HOP_BY_HOP | _RESPONSE_ONLY


def clean_request(fields: Fields, *, keep_upgrade: bool = False) -> Fields:
    """Return what of an agent's header goes upstream.

    Host, Content-Length and Transfer-Encoding stay as they are. With `keep_upgrade` a request
    for exactly `websocket` keeps its upgrade (RFC 6455, 4.1), with a `Connection` of our making.
    """
    kept = _clean(fields, _REQUEST_DROPS, _REQUEST_PREFIXES)
    return _with_upgrade(kept, fields) if keep_upgrade else kept


def clean_response(fields: Fields, *, keep_upgrade: bool = False) -> Fields:
    """Return what of an upstream's header goes to the agent.

    Framing stays as it is. `keep_upgrade` is for a 101 that answers a WebSocket request.
    """
    kept = _clean(fields, _RESPONSE_DROPS, _RESPONSE_PREFIXES)
    return _with_upgrade(kept, fields) if keep_upgrade else kept


def expectations(fields: Fields) -> frozenset[bytes]:
    """Return what a request expects, in lower case (RFC 9110, 10.1.1)."""
    return frozenset(members(get_all(fields, b"expect")))


def identity_only(fields: Fields) -> Fields:
    """Return a request's fields asking for an uncompressed answer, which scrubbing can stream."""
    # A-IM asks for compressed and partial answers in another way (RFC 3229, 10.5.3).
    return with_field(without(fields, (b"a-im",)), b"Accept-Encoding", b"identity")


def whole_only(fields: Fields) -> Fields:
    """Return a request's fields without a range.

    Two ranges could each carry half a credential, and neither half would be recognised. A server
    may ignore Range at any time (RFC 9110, 14.2), so clients cope with a whole answer.
    """
    # Apache httpd takes the old Request-Range for Range.
    return without(fields, (b"range", b"if-range", b"request-range"))


def _clean(fields: Fields, drops: frozenset[bytes], prefixes: tuple[bytes, ...]) -> Fields:
    nominated = _nominated(fields)
    if nominated:
        drops |= nominated
    kept = []
    for field in fields:
        name = folded(field[0])
        if name in drops or name.startswith(prefixes):
            continue
        if name in _FRAMING and b"_" in field[0]:
            continue  # `Content_Length` frames nothing here, but may for an upstream
        kept.append(field)
    return tuple(kept)


def _nominated(fields: Fields) -> frozenset[bytes]:
    connection = get_all(fields, b"connection")
    return frozenset(map(folded, members(connection))) - _FRAMING


def _with_upgrade(kept: Fields, fields: Fields) -> Fields:
    if not asks_websocket(fields):
        return kept
    return (*kept, (b"Connection", b"Upgrade"), (b"Upgrade", b"websocket"))


def asks_websocket(fields: Fields) -> bool:
    """Tell whether a head asks to become a WebSocket and nothing else: what is kept and decided on."""
    return list(members(get_all(fields, b"upgrade"))) == [b"websocket"]
