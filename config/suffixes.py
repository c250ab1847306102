"""Suffixes that many owners or tenants share, below which a wildcard would reach strangers."""

from functools import cache
from pathlib import Path
from typing import Final

import idna

# Vendors' tenant suffixes that the Public Suffix List does not have (looked up in its 2026-10-23
# state). slack.com and others where customers get no host of their own are not among them.
TENANT_SUFFIXES: Final = frozenset(
    {
        "adyenpayments.com",
        "algolia.net",
        "algolianet.com",
        "api-us1.com",
        "api.sanity.io",
        "apicdn.sanity.io",
        "atlassian.net",
        "au.auth0.com",
        "auth0.com",
        "azuredatabricks.net",
        "backblazeb2.com",
        "bamboohr.com",
        "chargebee.com",
        "cloud.databricks.com",
        "cloud.qdrant.io",
        "cognitiveservices.azure.com",
        "core.windows.net",
        "crm.dynamics.com",
        "duosecurity.com",
        "dynamics.com",
        "elastic-cloud.com",
        "endpoints.huggingface.cloud",
        "es.io",
        "eu.auth0.com",
        "firebaseio.com",
        "force.com",
        "freshdesk.com",
        "freshservice.com",
        "freshworks.com",
        "gcp.databricks.com",
        "jfrog.io",
        "jp.auth0.com",
        "lightning.force.com",
        "my.salesforce.com",
        "my.site.com",
        "myworkday.com",
        "netsuite.com",
        "okta-emea.com",
        "okta.com",
        "oktapreview.com",
        "onelogin.com",
        "openai.azure.com",
        "p.rapidapi.com",
        "pinecone.io",
        "pipedrive.com",
        "pkg.dev",
        "queue.core.windows.net",
        "r2.cloudflarestorage.com",
        "restlets.api.netsuite.com",
        "salesforce.com",
        "sandbox.my.salesforce.com",
        "search.windows.net",
        "sentry.io",
        "service-now.com",
        "services.ai.azure.com",
        "sharepoint.com",
        "snowflakecomputing.com",
        "suitetalk.api.netsuite.com",
        "table.core.windows.net",
        "typesense.net",
        "us.auth0.com",
        "vault.azure.net",
        "visualforce.com",
        "visualstudio.com",
        "weaviate.cloud",
        "weaviate.network",
        "workable.com",
        "workday.com",
        "zendesk.com",
    }
)


def is_shared_suffix(host: str) -> bool:
    """Tell whether hosts below a canonical host may belong to different owners.

    True for a public suffix, private section included, for a vendor's tenant suffix, and for
    any name above one of them: `*.amazonaws.com` reaches everybody's `*.s3.amazonaws.com`.
    """
    if host in TENANT_SUFFIXES or host in _above(TENANT_SUFFIXES):
        return True
    name = _u_labels(host)
    rules, above = _public_suffixes()
    _, _, parent = name.partition(".")
    if not parent or name in rules or name in above:
        return True
    return f"*.{parent}" in rules and f"!{name}" not in rules


@cache
def _public_suffixes() -> tuple[frozenset[str], frozenset[str]]:
    """Return the list's rules, and every name above one.

    Only the package's data are used: its parser encodes 10,000 names on each start (40 ms).
    """
    import publicsuffixlist  # noqa: PLC0415 - only a wildcard needs it

    lines = Path(publicsuffixlist.PSLFILE).read_text(encoding="utf-8").splitlines()
    rules = frozenset(line.strip() for line in lines if line.strip() and line[:2] != "//")
    return rules, _above(frozenset(rule.lstrip("!*.") for rule in rules))


@cache
def _above(names: frozenset[str]) -> frozenset[str]:
    found = set()
    for name in names:
        parent = name.partition(".")[2]
        while parent and parent not in found:
            found.add(parent)
            parent = parent.partition(".")[2]
    return frozenset(found)


def _u_labels(host: str) -> str:
    return idna.decode(host) if "xn--" in host else host
