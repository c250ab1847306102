"""Suffixes that many owners or tenants share, below which a wildcard would reach strangers."""

from functools import cache
from pathlib import Path
from typing import Final

import idna

# Vendors' tenant suffixes that the Public Suffix List does not have (looked up in its 2026-10-23
# state). slack.com and others where customers get no host of their own are not among them.
TENANT_SUFFIXES: Final = frozenset(
    {
        "activehosted.com",
        "adyenpayments.com",
        "aha.io",
        "algolia.net",
        "algolianet.com",
        "api-us1.com",
        "api.sanity.io",
        "apicdn.sanity.io",
        "app.n8n.cloud",
        "atlassian.net",
        "au.auth0.com",
        "auth0.com",
        "azurecr.io",
        "azuredatabricks.net",
        "b2clogin.com",
        "backblazeb2.com",
        "backlog.com",
        "bamboohr.com",
        "cdn.prismic.io",
        "chargebee.com",
        "ciamlogin.com",
        "cloud.databricks.com",
        "cloud.looker.com",
        "cloud.qdrant.io",
        "cognitiveservices.azure.com",
        "commercelayer.io",
        "core.windows.net",
        "crm.dynamics.com",
        "cybozu.com",
        "database.windows.net",
        "desk.com",
        "digitaloceanspaces.com",
        "documents.azure.com",
        "duosecurity.com",
        "dynamics.com",
        "elastic-cloud.com",
        "endpoints.huggingface.cloud",
        "es.io",
        "eu.auth0.com",
        "firebaseio.com",
        "force.com",
        "freshchat.com",
        "freshdesk.com",
        "freshservice.com",
        "freshworks.com",
        "gcp.databricks.com",
        "gorgias.com",
        "grafana.net",
        "helpjuice.com",
        "helpscoutdocs.com",
        "hs-sites.com",
        "infusionsoft.com",
        "jfrog.io",
        "jp.auth0.com",
        "kintone.com",
        "kustomerapp.com",
        "lightning.force.com",
        "linodeobjects.com",
        "list-manage.com",
        "looker.com",
        "monday.com",
        "mongodb.net",
        "my.salesforce.com",
        "my.site.com",
        "mybigcommerce.com",
        "myworkday.com",
        "n8n.cloud",
        "netsuite.com",
        "okta-emea.com",
        "okta.com",
        "oktapreview.com",
        "onelogin.com",
        "openai.azure.com",
        "p.rapidapi.com",
        "pagerduty.com",
        "pinecone.io",
        "pipedrive.com",
        "pkg.dev",
        "prismic.io",
        "queue.core.windows.net",
        "r2.cloudflarestorage.com",
        "readme.io",
        "recurly.com",
        "restlets.api.netsuite.com",
        "retool.com",
        "salesforce.com",
        "sandbox.my.salesforce.com",
        "search.windows.net",
        "sentry.io",
        "service-now.com",
        "services.ai.azure.com",
        "sharepoint.com",
        "snowflakecomputing.com",
        "splunkcloud.com",
        "squarespace.com",
        "statuspage.io",
        "substack.com",
        "suitetalk.api.netsuite.com",
        "svc.pinecone.io",
        "table.core.windows.net",
        "teamwork.com",
        "turso.io",
        "typesense.net",
        "upstash.io",
        "us.auth0.com",
        "uservoice.com",
        "vault.azure.net",
        "visualforce.com",
        "visualstudio.com",
        "weaviate.cloud",
        "weaviate.network",
        "wordpress.com",
        "workable.com",
        "workday.com",
        "wpengine.com",
        "zendesk.com",
    }
)

# Below these stand regions, and tenants below each of them.
_REGIONAL: Final = frozenset({"aliyuncs.com", "cloudapp.azure.com", "wasabisys.com"})


def is_shared_suffix(host: str) -> bool:
    """Tell whether hosts below a canonical host may belong to different owners.

    True for a public suffix, private section included, for a vendor's tenant suffix, and for
    any name above one of them: `*.amazonaws.com` reaches everybody's `*.s3.amazonaws.com`.
    """
    if host in TENANT_SUFFIXES or host in _above(TENANT_SUFFIXES):
        return True
    if host in _REGIONAL or host.partition(".")[2] in _REGIONAL:
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
    listed = frozenset(rule.removeprefix("!") for rule in rules)  # above `*.x` is x itself
    return rules, _above(listed)


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
