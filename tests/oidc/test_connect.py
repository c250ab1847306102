"""Every grant against a certified authorization server: connect, call, disconnect."""

import pytest

from tests.oidc.conftest import World

ASK = "read"


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
