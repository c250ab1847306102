"""The ways to connect that need no browser on this machine."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

from config.oauth import Grant, OAuthClient
from proxy.oauth.client_auth import ClientKeys, Moment
from proxy.oauth.connect_failures import ConnectError, no_tokens
from proxy.oauth.connect_server import AuthorizationServer
from proxy.oauth.driver_interface import EndpointUnreachableError
from proxy.oauth.failure import TokenFailure
from proxy.oauth.grants import device_code
from proxy.oauth.grants.device_code import DeviceFlow, Ended, parse_device_answer
from proxy.oauth.grants.refresh_token import refresh
from proxy.oauth.grants.renewal import renewal_request
from proxy.oauth.request import HttpRequest
from proxy.oauth.token_set import TokenSet
from proxy.secret import Secret

type Sleep = Callable[[float], Awaitable[None]]


async def by_device(
    server: AuthorizationServer, show: Callable[[DeviceFlow], None], sleep: Sleep
) -> TokenSet:
    """Return the tokens of a consent that is given on any other machine (RFC 8628).

    `show` is given what the operator has to open and enter there. Raises ConnectError, and
    EndpointUnreachableError where the flow cannot even begin.
    """
    flow = await _begin(server)
    show(flow)
    pause = flow.interval
    while True:
        await sleep(pause)
        answer = await _poll(server, flow)
        if isinstance(answer, TokenSet):
            return answer
        after = device_code.after_failure(flow, answer or "unreachable", now=server.now())
        if isinstance(after, Ended):
            failure = TokenFailure(after.kind, after.error)
            raise no_tokens(failure, server.client, Grant.DEVICE_CODE)
        flow, pause = after.flow, after.seconds


async def by_refresh_token(server: AuthorizationServer, pasted: Secret) -> TokenSet:
    """Return the tokens that a refresh token from elsewhere gives; it may be used up by that.

    The answer may leave the refresh token out, which then stays what it was. Raises ConnectError.
    """
    known = TokenSet(
        access_token=pasted,  # never sent: only the refresh token of it is
        refresh_token=pasted,
        token_type="",
        scope=server.client.scopes,
        obtained_at=datetime.fromtimestamp(0, UTC),
        expires_at=None,
    )

    def build(client: OAuthClient, keys: ClientKeys, moment: Moment) -> HttpRequest:
        return refresh(client, keys, moment, renewing=pasted)

    answer = await server.ask(build, previous=known)
    if isinstance(answer, TokenSet):
        return answer
    raise no_tokens(answer, server.client, Grant.REFRESH_TOKEN)


async def by_client(server: AuthorizationServer) -> TokenSet:
    """Return the tokens that the client gets by itself. Raises ConnectError."""

    def build(client: OAuthClient, keys: ClientKeys, moment: Moment) -> HttpRequest:
        return renewal_request(client, keys, None, moment)

    answer = await server.ask(build)
    if isinstance(answer, TokenSet):
        return answer
    raise no_tokens(answer, server.client, server.client.grant)


async def _begin(server: AuthorizationServer) -> DeviceFlow:
    if not server.client.device_url:
        raise ConnectError(
            "the provider has no device flow", hint="leave --device out, or add `device_url`"
        )
    answer = await server.send(device_code.begin)
    flow = parse_device_answer(answer.status, answer.content_type, answer.body, now=server.now())
    if isinstance(flow, TokenFailure):
        raise no_tokens(flow, server.client, Grant.DEVICE_CODE)
    return flow


async def _poll(server: AuthorizationServer, flow: DeviceFlow) -> TokenSet | TokenFailure | None:
    def build(client: OAuthClient, keys: ClientKeys, moment: Moment) -> HttpRequest:
        return device_code.poll(client, keys, moment, flow)

    try:
        return await server.ask(build)
    except EndpointUnreachableError:
        return None
