"""The authorization code flow of an operator: by a browser on this machine, or by a pasted address."""

import asyncio
from collections.abc import Callable
from http import HTTPStatus
from typing import Final
from urllib.parse import urlsplit

from config.oauth import Grant, OAuthClient
from proxy.oauth.authorize import (
    LIFETIME,
    Authorization,
    Callback,
    CallbackProblem,
    begin,
    finish,
)
from proxy.oauth.client_auth import ClientKeys, Moment
from proxy.oauth.connect_failures import no_code, no_tokens, too_late
from proxy.oauth.connect_listener import DEFAULT_PATH, LOOPBACK, Listener
from proxy.oauth.connect_page import Page
from proxy.oauth.connect_server import AuthorizationServer
from proxy.oauth.grants.authorization_code import exchange
from proxy.oauth.request import HttpRequest
from proxy.oauth.token_set import TokenSet

PASTE_PORT: Final = 8391  # of a redirect that nobody listens to: the address is copied from the bar
CONNECTED: Final = Page(HTTPStatus.OK, "Connected", "You can close this window.")
FAILED: Final = Page(
    HTTPStatus.OK, "Not connected", "Keyhatch says why, where you began. You can close this window."
)

type Show = Callable[[str], None]


def redirect_for(client: OAuthClient, *, port: int | None = None) -> str:
    """Return the redirect address that a client asks for; port 0, or none, is any free one."""
    chosen = client.redirect_port or port or 0
    return client.redirect_uri or f"http://{LOOPBACK}:{chosen}{DEFAULT_PATH}"


def is_pasted(client: OAuthClient) -> bool:
    """Tell whether the provider's redirect cannot reach this machine."""
    return client.redirect_uri.startswith("https:")


async def by_browser(server: AuthorizationServer, show: Show) -> TokenSet:
    """Return the tokens of a consent that comes back to loopback; `show` is given its address.

    The port is bound before the address is shown. Raises ConnectError, ConflictError for a port
    that is taken, EndpointUnreachableError.
    """
    authorization: Authorization | None = None

    def accept(query: str) -> Callback | CallbackProblem | None:
        if authorization is None:
            return None
        return _ending(server, authorization, query)

    waiting: Listener[Callback | CallbackProblem] = Listener(redirect_for(server.client), accept)
    async with waiting as listener:
        authorization = begin(server.client, listener.redirect_uri, server.moment())
        show(authorization.url)
        try:
            async with asyncio.timeout(LIFETIME.total_seconds()):
                arrival = await listener.arrival()
        except TimeoutError:
            raise too_late() from None
        page = FAILED
        try:
            token_set = await redeem(server, authorization, arrival.value)
            page = CONNECTED
        finally:
            await arrival.show(page)
        return token_set


def begin_pasted(server: AuthorizationServer) -> Authorization:
    """Return an authorization whose redirect nobody listens to."""
    return begin(server.client, redirect_for(server.client, port=PASTE_PORT), server.moment())


def read_pasted(
    server: AuthorizationServer, authorization: Authorization, pasted: str
) -> Callback | CallbackProblem | None:
    """Return what a pasted address brings; None where it is another one, and may be asked again."""
    try:
        query = urlsplit(pasted.strip()).query
    except ValueError:
        return None
    return _ending(server, authorization, query)


async def redeem(
    server: AuthorizationServer,
    authorization: Authorization,
    answer: Callback | CallbackProblem,
) -> TokenSet:
    """Return the tokens for the code that came back. Raises ConnectError."""
    if isinstance(answer, CallbackProblem):
        raise no_code(answer, server.client)

    def build(client: OAuthClient, keys: ClientKeys, moment: Moment) -> HttpRequest:
        return exchange(
            client,
            keys,
            moment,
            code=answer.code,
            verifier=authorization.verifier,
            redirect_uri=authorization.redirect_uri,
        )

    found = await server.ask(build, side=answer.side)
    if isinstance(found, TokenSet):
        return found
    raise no_tokens(found, server.client, Grant.AUTHORIZATION_CODE)


def _ending(
    server: AuthorizationServer, authorization: Authorization, query: str
) -> Callback | CallbackProblem | None:
    """Return what ends the flow; None for what is no answer to it."""
    answer = finish(
        authorization,
        query,
        now=server.now(),
        expected_issuer=server.client.issuer,
        issuer_required=server.sends_issuer,
    )
    if isinstance(answer, CallbackProblem) and not answer.fault.ends:
        return None
    return answer
