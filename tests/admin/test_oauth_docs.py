"""docs/oauth.md says what the program does."""

import re
from datetime import timedelta
from pathlib import Path

import pytest

from admin.commands.connector import COMMANDS
from admin.operations.view import ATTENTION, redirect_of
from admin.options.oauth import OAUTH_OPTIONS
from config.catalog import Form, OAuthForm, load_catalog
from config.connector import ConnectorType
from config.oauth import ClientAuth, Grant, OAuthClient
from proxy.oauth import driver, refresher, schedule
from proxy.oauth.authorize import LIFETIME
from proxy.vault.inventory import CredentialState

TEXT = (Path(__file__).parents[2] / "docs" / "oauth.md").read_text()


def oauth_forms() -> dict[str, OAuthForm]:
    catalog = load_catalog()
    found: dict[str, Form | None] = {}
    for id_ in catalog.ids():
        forms = catalog.provider(id_).forms
        found[id_] = forms.get(ConnectorType.OAUTH) or forms.get(ConnectorType.INTERCOM)
    return {id_: form for id_, form in found.items() if isinstance(form, OAuthForm)}


def table(title: str) -> list[list[str]]:
    """Return the cells of the table whose first column has a title."""
    body = re.search(rf"^\| {title} \|.*\n\|[-|]+\|\n((?:\|.*\n)+)", TEXT, re.MULTILINE)
    assert body is not None
    return [[cell.strip() for cell in row.split("|")[1:-1]] for row in body[1].splitlines()]


def redirect(form: OAuthForm) -> str | None:
    grant = form.grant or Grant.AUTHORIZATION_CODE
    return redirect_of(
        OAuthClient(grant, redirect_uri=form.redirect_uri, redirect_port=form.redirect_port)
    )


def test_every_provider_is_listed_with_its_redirect_address_and_vars() -> None:
    said = {
        name.strip("`"): (address.replace("`", ""), re.findall(r"`(\w+)`", names))
        for name, address, names in table("provider")
    }
    forms = {id_: form for id_, form in oauth_forms().items() if redirect(form)}
    asked = {id_: [name for name in form.vars if name != "region"] for id_, form in forms.items()}
    assert said == {id_: (redirect(form), asked[id_]) for id_, form in forms.items()}


def test_every_provider_that_connects_by_itself_is_listed() -> None:
    listed = re.findall(r"^\| `([\w-]+)` \| `(\w+)` \|", TEXT, re.MULTILINE)
    forms = {id_: form.grant for id_, form in oauth_forms().items() if not redirect(form)}
    assert dict(listed) == {id_: str(grant) for id_, grant in forms.items()}


def test_every_grant_is_listed() -> None:
    assert [row[0].strip("`") for row in table("grant")] == [grant.value for grant in _ORDER]
    assert set(_ORDER) == set(Grant)


_ORDER = (
    Grant.AUTHORIZATION_CODE,
    Grant.DEVICE_CODE,
    Grant.REFRESH_TOKEN,
    Grant.CLIENT_CREDENTIALS,
    Grant.JWT_BEARER,
    Grant.GITHUB_APP,
)


def test_every_status_is_listed() -> None:
    states = {state.replace("-", " ") for state in CredentialState.__value__.__args__}
    states |= {status for status in ATTENTION if "configuration" in status}
    assert {row[0].strip("`") for row in table("status")} == states


@pytest.mark.parametrize("auth", ClientAuth)
def test_every_client_authentication_is_named(auth: ClientAuth) -> None:
    assert f"`{auth.value}`" in TEXT


def test_every_command_and_option_exists() -> None:
    assert set(re.findall(r"keyhatch connector (\w+)", TEXT)) <= set(COMMANDS)
    known = {name for option in _options() for name in option}
    assert set(re.findall(r"(--[a-z][a-z-]*)", TEXT)) <= known


def test_the_numbers_are_those_of_the_program() -> None:
    assert schedule.AHEAD == 0.2
    assert timedelta(minutes=10) == schedule.MAX_AHEAD
    assert "a fifth of its life is left, at most ten minutes ahead" in TEXT
    assert f"at most {refresher.DEADLINE:.0f} seconds" in TEXT
    seconds = schedule.FORCED_INTERVAL.total_seconds()
    assert f"at most one such refresh in {seconds:.0f} seconds" in TEXT
    assert timedelta(minutes=10) == LIFETIME
    assert "good for ten minutes and\nonce" in TEXT
    assert f"within {driver.TIME_LIMIT:.0f} seconds and 1 MiB" in TEXT
    assert driver.MAX_BODY == 1024 * 1024


def test_the_providers_without_pkce_are_counted() -> None:
    off = [id_ for id_, form in oauth_forms().items() if form.pkce is False]
    assert (len(off), "two providers leave no choice" in TEXT) == (2, True)


def _options() -> list[list[str]]:
    """Return the names of all options of the connector commands."""
    import click

    made = [param for command in COMMANDS.values() for param in command.load().params]
    assert len(OAUTH_OPTIONS) < len(made)
    return [param.opts for param in made if isinstance(param, click.Option)]
