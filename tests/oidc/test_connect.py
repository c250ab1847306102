"""Every grant against a certified authorization server: connect, call, disconnect."""

import os
import subprocess
from datetime import UTC, datetime, timedelta

import pytest

from tests.oidc.world import SECRETS, World
from tests.support.installation import KEYHATCH


def check_works(world: World, name: str) -> None:
    outcome = world.line("connector", "test", name)
    assert outcome.code == 0, outcome.err
    assert "accepts the credential (status 200)" in outcome.out


@pytest.mark.parametrize(
    ("client", "auth"), [("code-basic", "basic"), ("code-post", "post"), ("code-public", "none")]
)
def test_a_consent_in_the_browser_connects(world: World, client: str, auth: str) -> None:
    world.add("crm", client, "--client-auth", auth)
    outcome = world.line("connector", "connect", "crm")
    assert outcome.code == 0, outcome.err
    assert outcome.out == "connected crm as ada (ready)\n"
    assert "granted: openid, read" in outcome.err
    shown = world.person.done()
    assert shown.status == 200
    assert "<h1>Connected</h1>" in shown.text
    check_works(world, "crm")


def test_a_client_that_signs_connects(world: World) -> None:
    key = world.provider.signing_key
    world.add("crm", "code-jwt", "--client-auth", "private-key-jwt", stdin=key)
    outcome = world.line("connector", "connect", "crm")
    assert outcome.code == 0, outcome.err
    assert outcome.out == "connected crm as ada (ready)\n"
    check_works(world, "crm")


def test_the_address_can_be_pasted_from_another_machine(world: World) -> None:
    """An https redirect leads where nothing of ours listens."""
    redirect = "https://console.example.com/connected"
    world.add("crm", "code-pasted", "--client-auth", "post", "--redirect-uri", redirect)
    typed = ["https://console.example.com/connected?code=of-someone&state=of-someone", "code"]

    def consent(url: str) -> bool:
        typed.append(f" {world.person.browser.redirected(url)}\n")
        return True

    world.line.browser = consent
    outcome = world.line("connector", "connect", "crm", typed=typed)
    assert outcome.code == 0, outcome.err
    assert outcome.out == "connected crm as ada (ready)\n"
    assert outcome.err.count("that is not the address that this consent leads to") == 2
    check_works(world, "crm")


def test_a_code_can_be_entered_on_another_machine(world: World) -> None:
    world.add("tv", "device", "--grant", "device-code", "--client-auth", "none")
    with subprocess.Popen(
        [KEYHATCH, "connector", "connect", "tv"],
        env={**os.environ, "KEYHATCH_HOME": str(world.line.home)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as command:
        assert command.stderr is not None
        said = ""
        while "and compare the code" not in said:
            line = command.stderr.readline()
            assert line, said
            said += line
        address = next(word for word in said.split() if "?user_code=" in word)
        assert world.person.browser.visit(address).status == 200
        out, rest = command.communicate(timeout=60)
    assert (command.returncode, out) == (0, "connected tv as ada (ready)\n"), rest
    check_works(world, "tv")


@pytest.mark.parametrize(
    ("client", "auth"), [("machine", "basic"), ("machine-jwt", "private-key-jwt")]
)
def test_a_client_connects_by_itself(world: World, client: str, auth: str) -> None:
    key = world.provider.signing_key if auth == "private-key-jwt" else None
    world.add("batch", client, "--client-auth", auth, "--grant", "client-credentials", stdin=key)
    world.declare("batch", scopes=["read"])
    # Nobody consents to these scopes, so that whoever edits the file has to confirm them.
    assert world.line("connector", "confirm", "batch", "--yes").code == 0
    check_works(world, "batch")  # without anyone having connected it
    outcome = world.line("connector", "connect", "batch")
    assert outcome.code == 0, outcome.err
    assert outcome.out == f"connected batch as {client} (ready)\n"


def test_a_refresh_token_from_elsewhere_connects(world: World) -> None:
    world.add("crm", "code-basic")
    assert world.line("connector", "connect", "crm").code == 0
    refresh_token = world.stored("crm").refresh_token
    assert refresh_token is not None
    world.add("copy", "code-basic", "--grant", "refresh-token")
    outcome = world.line(
        "connector", "connect", "copy", "--secret-stdin", stdin=refresh_token.reveal()
    )
    assert outcome.code == 0, outcome.err
    assert outcome.out == "connected copy as ada (ready)\n"
    check_works(world, "copy")


def test_a_disconnected_connector_is_disconnected_at_the_provider_too(world: World) -> None:
    world.add("crm", "code-basic")
    assert world.line("connector", "connect", "crm").code == 0
    before = world.stored("crm")
    outcome = world.line("connector", "disconnect", "crm", "--yes")
    assert (outcome.code, outcome.out) == (0, "disconnected crm (needs connecting)\n"), outcome.err
    assert "the provider has revoked the connection" in outcome.err
    assert before.refresh_token is not None
    world.add("copy", "code-basic", "--grant", "refresh-token")
    again = world.line(
        "connector", "connect", "copy", "--secret-stdin", stdin=before.refresh_token.reveal()
    )
    assert again.code == 1
    assert "error: the provider does not accept the refresh token (invalid_grant)" in again.err
    assert world.line("connector", "test", "crm").code == 5
    assert world.line("connector", "disconnect", "crm", "--yes").code == 3


def test_another_account_does_not_take_over_a_connector(world: World) -> None:
    world.add("crm", "code-basic")
    assert world.line("connector", "connect", "crm").code == 0
    before = world.stored("crm")
    world.person.browser.cookies.clear()
    world.person.browser.answers["login"] = "grace"
    outcome = world.line("connector", "connect", "crm")
    assert outcome.code == 4
    assert outcome.err.splitlines()[-2:] == [
        "error: connector crm belongs to the account ada, and grace has consented",
        "hint: sign in as ada, or run `keyhatch connector disconnect crm` first",
    ]
    assert world.stored("crm").access_token == before.access_token


def test_a_wrong_client_secret_is_said_to_be_wrong(world: World) -> None:
    world.add("crm", "code-basic", stdin="not-the-secret-0000")
    outcome = world.line("connector", "connect", "crm")
    assert outcome.code == 1
    error, hint = outcome.err.splitlines()[-2:]
    assert error == "error: the provider does not accept the client id or secret (invalid_client)"
    assert "keyhatch connector set" in hint
    assert "<h1>Not connected</h1>" in world.person.done().text
    assert "not-the-secret" not in outcome.err


def test_a_declined_consent_is_said_to_be_declined(world: World) -> None:
    world.add("crm", "code-basic")

    def decline(url: str) -> bool:
        return world.person.open(
            f"{url}&prompt=none"
        )  # nobody is signed in: the answer is an error

    world.line.browser = decline
    outcome = world.line("connector", "connect", "crm")
    assert outcome.code == 1
    assert outcome.err.splitlines()[-2].startswith(
        "error: the provider refused the authorization ("
    )


def test_an_issuer_that_is_not_the_servers_is_not_believed(world: World) -> None:
    world.add("crm", "code-basic")
    world.declare("crm", issuer="https://auth.example.com/other")
    assert world.line("connector", "confirm", "crm", "--yes").code == 0
    outcome = world.line("connector", "connect", "crm")
    assert outcome.code == 1
    assert "https://auth.example.com/other does not tell its endpoints" in outcome.err


def test_nothing_of_a_secret_is_printed_or_left(world: World) -> None:
    world.line.environ = {"KEYHATCH_DEBUG": "1"}
    world.add("crm", "code-basic")
    outcome = world.line("connector", "connect", "crm")
    shown = world.person.done().text
    token_set = world.stored("crm")
    refresh = token_set.refresh_token
    assert refresh is not None
    for secret in (SECRETS["code-basic"], token_set.access_token.reveal(), refresh.reveal()):
        assert secret not in outcome.out + outcome.err + shown
        for path in world.line.home.rglob("*"):
            assert path.is_dir() or path.is_socket() or secret.encode() not in path.read_bytes(), (
                path
            )


def test_expired_tokens_are_refreshed_again_and_again(world: World) -> None:
    """Each refresh token is good once: using one twice would end the family."""
    world.add("crm", "code-basic")
    assert world.line("connector", "connect", "crm").code == 0
    before = world.provider.counts()
    seen = {world.stored("crm").access_token}
    for hours in range(1, 4):
        world.line.now = lambda hours=hours: datetime.now(UTC) + timedelta(hours=hours)  # type: ignore[misc]
        check_works(world, "crm")
        seen.add(world.stored("crm").access_token)
    after = world.provider.counts()
    assert after["refresh"] - before["refresh"] == 3
    assert after["unauthorized"] == before["unauthorized"]
    assert len(seen) == 4


def test_a_connection_that_the_provider_has_ended_needs_a_new_consent(world: World) -> None:
    world.add("crm", "code-basic")
    assert world.line("connector", "connect", "crm").code == 0
    ended = world.stored("crm").refresh_token
    assert ended is not None
    world.add("thief", "code-basic", "--grant", "refresh-token")
    for _ in range(2):  # the second use of one refresh token ends the whole family
        world.line("connector", "connect", "thief", "--secret-stdin", stdin=ended.reveal())
    world.line.now = lambda: datetime.now(UTC) + timedelta(hours=1)
    outcome = world.line("connector", "test", "crm")
    assert outcome.code == 5
    assert outcome.error == "the provider no longer accepts the connection of crm"
    assert outcome.hint == "run `keyhatch connector connect crm`"
    assert (
        world.line("connector", "show", "crm", "--json").json["status"] == "needs reauthorization"
    )
    world.line.now = lambda: datetime.now(UTC)
    assert world.line("connector", "connect", "crm").code == 0
    check_works(world, "crm")
