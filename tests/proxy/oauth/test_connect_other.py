"""Connecting without a browser on this machine, against answers in order."""

import asyncio

import pytest

from config.oauth import ClientAuth, Grant, OAuthClient
from proxy.oauth.connect_failures import ConnectError
from proxy.oauth.connect_other import by_client, by_device, by_refresh_token
from proxy.oauth.driver_interface import EndpointUnreachableError
from proxy.oauth.grants.device_code import DeviceFlow
from proxy.oauth.token_set import TokenSet
from proxy.secret import Secret
from tests.support.scripted_endpoint import ManualClock, Scripted, seen_by, server_of

TOKENS = {"access_token": "access-token-01", "token_type": "Bearer", "expires_in": 60}
BEGUN = {
    "device_code": "device-code-01",
    "user_code": "WDJB-MJHT",
    "verification_uri": "https://auth.example.com/device",
    "expires_in": 60,
    "interval": 5,
}
DEVICE = OAuthClient(
    grant=Grant.DEVICE_CODE,
    client_id="app-1",
    token_url="https://auth.example.com/token",
    device_url="https://auth.example.com/device/auth",
    client_auth=ClientAuth.NONE,
)


def pending(word: str) -> Scripted:
    return 400, {"error": word}


def run_device(
    *answers: Scripted, client: OAuthClient = DEVICE
) -> tuple[TokenSet, list[DeviceFlow], ManualClock]:
    clock = ManualClock()
    shown: list[DeviceFlow] = []
    server = server_of(client, clock, *answers)
    token_set = asyncio.run(by_device(server, shown.append, clock.sleep))
    assert not seen_by(server).answers
    return token_set, shown, clock


def test_a_device_is_polled_until_someone_has_consented() -> None:
    waiting = pending("authorization_pending")
    token_set, shown, clock = run_device((200, BEGUN), waiting, waiting, (200, TOKENS))
    assert token_set.access_token == Secret("access-token-01")
    assert [flow.user_code for flow in shown] == ["WDJB-MJHT"]
    assert clock.slept == [5, 5, 5]


def test_slow_down_makes_the_pauses_longer_for_good() -> None:
    slower, waiting = pending("slow_down"), pending("authorization_pending")
    _, _, clock = run_device((200, BEGUN), waiting, slower, waiting, (200, TOKENS))
    assert clock.slept == [5, 5, 10, 10]


def test_a_server_out_of_reach_for_a_while_does_not_end_it() -> None:
    _, _, clock = run_device((200, BEGUN), "no way there", (503, {}), (200, TOKENS))
    assert clock.slept == [5, 10, 15]


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("access_denied", "declined"),
        ("expired_token", "in time"),
        ("invalid_client", "client id or secret"),
        ("invalid_grant", "the device code"),
        ("unauthorized_client", "refused the request"),
    ],
)
def test_what_ends_it_is_said(word: str, said: str) -> None:
    with pytest.raises(ConnectError, match=said) as caught:
        run_device((200, BEGUN), pending(word))
    assert caught.value.hint


def test_nobody_is_waited_for_longer_than_the_code_lives() -> None:
    answers = [pending("authorization_pending")] * 11
    with pytest.raises(ConnectError, match="in time"):
        run_device((200, BEGUN), *answers)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ((200, {**BEGUN, "verification_uri": "http://auth.example.com/"}), "no usable answer"),
        ((200, b"<html>"), "no usable answer"),
        ((400, {"error": "device_flow_disabled"}), "device_flow_disabled"),
    ],
)
def test_a_flow_that_does_not_begin_is_said(answer: Scripted, said: str) -> None:
    with pytest.raises(ConnectError, match=said):
        run_device(answer)


def test_a_server_that_cannot_be_reached_at_all_is_said() -> None:
    with pytest.raises(EndpointUnreachableError, match="no way there"):
        run_device("no way there")


def test_a_pasted_refresh_token_stays_where_the_answer_has_none() -> None:
    client = OAuthClient(Grant.REFRESH_TOKEN, "app-1", "https://auth.example.com/token")
    server = server_of(client, ManualClock(), (200, TOKENS))
    token_set = asyncio.run(by_refresh_token(server, Secret("refresh-01")))
    assert token_set.refresh_token == Secret("refresh-01")
    assert seen_by(server).bodies[0]["refresh_token"] == ["refresh-01"]


def test_a_rotated_refresh_token_takes_the_place_of_the_pasted_one() -> None:
    client = OAuthClient(Grant.REFRESH_TOKEN, "app-1", "https://auth.example.com/token")
    server = server_of(client, ManualClock(), (200, {**TOKENS, "refresh_token": "refresh-02"}))
    token_set = asyncio.run(by_refresh_token(server, Secret("refresh-01")))
    assert token_set.refresh_token == Secret("refresh-02")


def test_a_dead_refresh_token_is_said_to_be() -> None:
    client = OAuthClient(Grant.REFRESH_TOKEN, "app-1", "https://auth.example.com/token")
    server = server_of(client, ManualClock(), pending("invalid_grant"))
    with pytest.raises(ConnectError, match="does not accept the refresh token") as caught:
        asyncio.run(by_refresh_token(server, Secret("refresh-01")))
    assert "refresh-01" not in str(caught.value) + caught.value.hint


def test_a_client_gets_its_tokens_by_itself() -> None:
    client = OAuthClient(Grant.CLIENT_CREDENTIALS, "app-1", "https://auth.example.com/token")
    server = server_of(client, ManualClock(), (200, TOKENS))
    assert asyncio.run(by_client(server)).access_token == Secret("access-token-01")
    assert seen_by(server).bodies[0]["grant_type"] == ["client_credentials"]
