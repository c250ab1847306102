"""Suffixes below which strangers have hosts."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.suffixes import TENANT_SUFFIXES, is_shared_suffix


@pytest.mark.parametrize(
    "host",
    [
        "com",
        "co.uk",
        "corp",  # any single label
        "github.io",  # the list's private section
        "myshopify.com",
        "s3.amazonaws.com",
        "amazonaws.com",  # above a public suffix
        "foo.kobe.jp",  # a wildcard rule, *.kobe.jp
        "kobe.jp",
        "cloudapp.azure.com",
        "westeurope.cloudapp.azure.com",  # regions stand in between
        "elb.amazonaws.com",
        "xn--55qx5d.cn",  # listed by its U-label
        "atlassian.net",
        "my.salesforce.com",
        "salesforce.com",  # above a tenant suffix
        "eu.auth0.com",
    ],
)
def test_a_suffix_of_many_owners_is_shared(host: str) -> None:
    assert is_shared_suffix(host)


@pytest.mark.parametrize(
    "host",
    [
        "example.com",
        "api.example.co.uk",
        "me.github.io",
        "acme.atlassian.net",
        "city.kobe.jp",  # an exception rule, !city.kobe.jp
        "slack.com",
        "api.openai.com",
        "corp.example",
    ],
)
def test_a_name_of_one_owner_is_not_shared(host: str) -> None:
    assert not is_shared_suffix(host)


@given(st.sampled_from(sorted(TENANT_SUFFIXES)))
def test_every_name_above_a_tenant_suffix_is_shared(suffix: str) -> None:
    while suffix:
        assert is_shared_suffix(suffix)
        suffix = suffix.partition(".")[2]


def test_the_agreed_vendors_are_covered() -> None:
    for vendor in (
        "zendesk.com",
        "myshopify.com",
        "atlassian.net",
        "s3.amazonaws.com",
        "s3.eu-central-1.amazonaws.com",
        "execute-api.us-east-1.amazonaws.com",
        "azurewebsites.net",
        "blob.core.windows.net",
        "snowflakecomputing.com",
        "grafana.net",
        "supabase.co",
        "r2.cloudflarestorage.com",
        "wordpress.com",
        "freshdesk.com",
        "service-now.com",
        "sharepoint.com",
        "okta.com",
        "auth0.com",
    ):
        assert is_shared_suffix(vendor), vendor
