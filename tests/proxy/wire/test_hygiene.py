"""Credentials beside the connector's own, in the heads of both directions."""

import pytest

from config.hygiene import STRICT, Hygiene
from proxy.wire.fields import Fields
from proxy.wire.hygiene import (
    has_signed_link,
    is_carrier,
    mask_links,
    withhold_cookies,
    without_credentials,
)

CARRIERS = [
    "Authorization",
    "X-Authorization",
    "X-Api-Key",
    "Api-Key",
    "ApiKey",
    "X-ApiKey",
    "X_Api_Key",
    "X-Auth-Token",
    "Auth-Token",
    "Private-Token",
    "Job-Token",
    "X-Access-Token",
    "Access-Token",
    "X-Goog-Api-Key",
    "X-Amz-Security-Token",
    "X-Shopify-Access-Token",
    "DD-API-KEY",
    "DD-APPLICATION-KEY",
    "xi-api-key",
    "X-N8N-API-KEY",
    "X-Vault-Token",
    "X-Auth-Key",
    "X-RapidAPI-Key",
    "Ocp-Apim-Subscription-Key",
    "X-Subscription-Token",
    "Circle-Token",
    "X-Figma-Token",
    "X-Client-Secret",
    "DPoP",
    "X-Session-Token",
    "Shopify-Storefront-Private-Token",
    "X-Shopify-Storefront-Access-Token",
]
OTHERS = [
    "Accept",
    "Host",
    "Content-Type",
    "Idempotency-Key",
    "Stripe-Account",
    "Stripe-Version",
    "OpenAI-Organization",
    "OpenAI-Project",
    "anthropic-version",
    "anthropic-beta",
    "Notion-Version",
    "X-Goog-User-Project",
    "X-Request-Id",
    "X-Csrf-Token",
    "X-Xsrf-Token",
    "Sec-WebSocket-Key",
    "If-Match",
    "Xero-Tenant-Id",
    "X-Auth-Email",
    "X-Amz-Date",
    "X-GitHub-Api-Version",
    "Intercom-Version",
    "X-Continuation-Token",
    "Keyboard",
]


@pytest.mark.parametrize("name", CARRIERS)
def test_a_credential_of_the_agents_own_goes(name: str) -> None:
    sent: Fields = ((b"Accept", b"*/*"), (name.encode(), b"mine"))
    assert without_credentials(sent, STRICT) == sent[:1]


@pytest.mark.parametrize("name", OTHERS)
def test_what_is_no_credential_stays(name: str) -> None:
    sent: Fields = ((name.encode(), b"1"),)
    assert without_credentials(sent, STRICT) == sent
    assert not is_carrier(name.lower().encode())


@pytest.mark.parametrize("spelled", [b"X-Api-Key", b"x_api_key", b"X_API-KEY"])
def test_what_the_operator_keeps_stays(spelled: bytes) -> None:
    kept = Hygiene(headers=frozenset({"x-api-key"}))
    sent: Fields = ((spelled, b"mine"), (b"Api-Key", b"mine"), (b"Cookie", b"a=b"))
    assert without_credentials(sent, kept) == sent[:1]


def test_cookies_stay_where_they_are_kept() -> None:
    sent: Fields = ((b"Cookie", b"a=b"), (b"Cookie2", b"$Version=1"))
    assert without_credentials(sent, STRICT) == ()
    assert without_credentials(sent, Hygiene(cookies=True)) == sent


@pytest.mark.parametrize(
    ("offered", "left"),
    [
        (b"chat, superchat", b"chat, superchat"),
        (b"realtime, openai-insecure-api-key.sk-mine, beta", b"realtime, beta"),
        (b"base64url.bearer.authorization.k8s.io.bWluZQ,v4.channel.k8s.io", b"v4.channel.k8s.io"),
        (b"openai-insecure-api-key.sk-mine", None),
        (b"token, mine", None),
        (b"Bearer,mine", None),
    ],
)
def test_a_key_that_poses_as_a_websocket_protocol_goes(offered: bytes, left: bytes | None) -> None:
    sent: Fields = ((b"Sec-WebSocket-Protocol", offered),)
    expected = () if left is None else ((b"Sec-WebSocket-Protocol", left),)
    assert without_credentials(sent, STRICT) == expected


def test_an_answer_sets_no_cookies() -> None:
    fields: Fields = ((b"Set-Cookie", b"a=b"), (b"X", b"1"), (b"SET-COOKIE2", b"c=d"))
    assert withhold_cookies(fields) == ((b"X", b"1"),)
    assert withhold_cookies(fields[1:2]) is not fields[:1]


@pytest.mark.parametrize(
    ("value", "masked"),
    [
        (b"https://a.test/?access_token=abc&x=1", b"https://a.test/?access_token=***&x=1"),
        (b"https://a.test/#id_token=abc", b"https://a.test/#id_token=***"),
        (
            b"/cb?next=%2F%3Faccess_token%3Dabc%26a%3D1",
            b"/cb?next=%2F%3Faccess_token%3D***%26a%3D1",
        ),
        (b'</x?Refresh_Token=abc>; rel="next"', b'</x?Refresh_Token=***>; rel="next"'),
        (b"0; url=/?client_secret=abc", b"0; url=/?client_secret=***"),
        (b"/?accesstoken=abc", b"/?accesstoken=***"),
        (b"/?access_tokens=abc&token=abc&code=1", b"/?access_tokens=abc&token=abc&code=1"),
        (b"/?access_token=", b"/?access_token="),
    ],
)
def test_a_token_in_an_address_is_masked(value: bytes, masked: bytes) -> None:
    for name in (b"Location", b"link", b"Refresh", b"Content-Location"):
        assert mask_links(((name, value),)) == ((name, masked),)
    assert mask_links(((b"X-Other", value),)) == ((b"X-Other", value),)


@pytest.mark.parametrize(
    "value",
    [
        b"https://b.s3.amazonaws.com/k?X-Amz-Algorithm=A&X-Amz-Signature=abc",
        b"https://storage.googleapis.com/k?X-Goog-Signature=abc",
        b"https://a.blob.core.windows.net/k?sv=1&sig=abc",
        b"https://codeload.github.com/o/r/legacy.tar.gz/main?token=ABC",
    ],
)
def test_a_signed_address_passes_and_is_noticed(value: bytes) -> None:
    fields: Fields = ((b"Location", value),)
    assert mask_links(fields) is fields
    assert has_signed_link(fields)
    assert not has_signed_link(((b"Location", b"/next?design=1"), (b"X", value)))
