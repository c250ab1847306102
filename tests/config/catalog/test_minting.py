"""The table of what makes credentials: well-formed, and in nobody's way."""

from urllib.parse import urlsplit

import pytest

from config.catalog import load_catalog
from config.catalog.minting import COMMON
from config.catalog.minting_services import SERVICES
from config.connector import ConnectorType
from proxy.policy.minting import known_minting, minted_by
from tests.config.catalog.test_load import FORMS, build, form_of

GLOBS = [glob for each in SERVICES for paths in (each.creates, each.shows) for glob in paths]
# They hand out nothing by path: what they make is asked for in a body, or in a browser.
WITHOUT = {"intercom", "jira", "linear", "notion", "quickbooks", "serpapi", "telegram", "xero"}


@pytest.mark.parametrize("glob", [*GLOBS, *COMMON])
def test_a_glob_is_a_lower_case_path_with_one_any_number_at_most(glob: str) -> None:
    assert glob.startswith("/")
    assert glob == glob.lower()
    assert glob.count("**") <= 1
    assert not glob.endswith(".json")


def test_a_host_stands_once() -> None:
    hosts = [host for service in SERVICES for host in service.hosts]
    assert sorted(set(hosts)) == sorted(hosts)


@pytest.mark.parametrize(("id_", "kind"), FORMS)
def test_a_providers_test_path_is_not_refused(id_: str, kind: ConnectorType) -> None:
    connector, form = build(id_, kind), form_of(id_, kind)
    if form.test_path:
        for pattern in connector.destinations:
            assert minted_by(connector, pattern.host, "GET", connector.test_path or "/") == ""


@pytest.mark.parametrize(("id_", "kind"), FORMS)
def test_every_provider_that_makes_credentials_by_path_is_in_the_table(
    id_: str, kind: ConnectorType
) -> None:
    hosts = [pattern.host for pattern in build(id_, kind).destinations]
    assert bool(known_minting(hosts)) is (id_ not in WITHOUT)


def test_every_known_token_endpoint_is_refused_at_hosts_of_its_own() -> None:
    """A connector for such a host has no OAuth of its own to know it by."""
    missed = set()
    for id_ in load_catalog().ids():
        form = load_catalog().provider(id_).forms.get(ConnectorType.OAUTH)
        if form is None:
            continue
        client = build(id_, ConnectorType.OAUTH)
        assert client.oauth is not None
        url = urlsplit(client.oauth.token_url)
        if not minted_by(client, url.hostname or "", "POST", url.path):
            missed.add(url.path)
    assert missed == {"/oauth2/v1/tokens/bearer"}
