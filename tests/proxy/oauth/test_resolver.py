"""Endpoints that an issuer tells: where they are looked for, and what is not believed."""

import asyncio
from collections import deque
from datetime import timedelta

import pytest

from config.connector import Connector, ConnectorType
from config.destination import DestinationPattern
from config.oauth import Grant, OAuthClient
from proxy.oauth.driver_interface import EndpointUnreachableError
from proxy.oauth.resolver import DiscoveryError, Resolver
from tests.support.scripted_endpoint import ManualClock, Scripted, ScriptedEndpoint

ISSUER = "https://auth.example.com"
METADATA = {
    "issuer": ISSUER,
    "token_endpoint": f"{ISSUER}/token",
    "authorization_endpoint": f"{ISSUER}/authorize",
    "authorization_response_iss_parameter_supported": True,
}
CLIENT = OAuthClient(Grant.AUTHORIZATION_CODE, "app-1", issuer=ISSUER)
CONNECTOR = Connector(
    slug="crm",
    id="crm",
    name="CRM",
    type=ConnectorType.OAUTH,
    destinations=(DestinationPattern("https", "api.example.com", 443),),
    placements=(),
    oauth=CLIENT,
)


def resolver(*answers: Scripted) -> tuple[Resolver, ScriptedEndpoint, ManualClock]:
    endpoint, clock = ScriptedEndpoint(deque(answers)), ManualClock()
    return Resolver(lambda _: endpoint, clock.now), endpoint, clock


def test_the_first_document_that_describes_the_issuer_counts() -> None:
    resolve, endpoint, _ = resolver((404, {}), (200, METADATA))
    client, sends_issuer = asyncio.run(resolve.for_consent(CONNECTOR, CLIENT))
    assert (client.token_url, client.authorization_url) == (
        f"{ISSUER}/token",
        f"{ISSUER}/authorize",
    )
    assert sends_issuer
    assert [request.method for request in endpoint.seen] == ["GET", "GET"]


def test_what_is_known_is_not_asked_again_for_an_hour() -> None:
    resolve, endpoint, clock = resolver((200, METADATA), (200, METADATA))

    async def ask() -> None:
        for _ in range(3):
            await resolve(CONNECTOR, CLIENT)
        clock.time += timedelta(hours=1)
        await resolve(CONNECTOR, CLIENT)

    asyncio.run(ask())
    assert len(endpoint.seen) == 2


def test_a_client_with_a_token_endpoint_asks_nobody() -> None:
    resolve, endpoint, _ = resolver()
    client = OAuthClient(Grant.AUTHORIZATION_CODE, "app-1", f"{ISSUER}/token")
    assert asyncio.run(resolve(CONNECTOR, client)) is client
    assert endpoint.seen == []


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ((404, {}), "no metadata document"),
        ((200, {**METADATA, "issuer": f"{ISSUER}/"}), "of another issuer"),
        ((200, b"<html>"), "no JSON object"),
        ((200, {"issuer": ISSUER}), "no token endpoint"),
        ((200, {**METADATA, "token_endpoint": "http://auth.example.com/"}), "no https address"),
    ],
)
def test_an_issuer_that_tells_nothing_usable_is_said_to(answer: Scripted, reason: str) -> None:
    resolve, _, _ = resolver(answer, answer)
    with pytest.raises(DiscoveryError, match=reason) as caught:
        asyncio.run(resolve(CONNECTOR, CLIENT))
    assert "token_url" in caught.value.hint


def test_an_issuer_out_of_reach_is_said_to_be() -> None:
    resolve, _, _ = resolver("cannot reach it", (404, {}))
    with pytest.raises(EndpointUnreachableError, match="cannot reach it"):
        asyncio.run(resolve(CONNECTOR, CLIENT))
