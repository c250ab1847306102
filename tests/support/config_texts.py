"""Texts of connectors.yaml, what they mean, and their editor."""

from typing import Any

from config.catalog import load_catalog
from config.connector import Connector, Registry
from config.edit import ConnectorsFile
from config.load import load_registry

OPENAI: dict[str, Any] = {"type": "api_key", "provider": "openai"}
DESIGN_EXAMPLE = """\
# yaml-language-server: $schema=./connectors.schema.json
version: 1
settings:
  listen: 127.0.0.1:8321
  unmatched: tunnel                # or deny
  upstream_ca: ./corp-ca.pem       # optional, added to the system roots
connectors:
  hubspot-api:
    name: HubSpot API
    type: api_key
    provider: hubspot              # hosts, base URL and placement come from the catalog
  billing:
    name: Billing
    type: api_key
    hosts: [billing.corp.example:8443]
    dial: 10.1.2.3:8443            # optional: connect here; SNI and verification stay on the host
    placement: {header: X-Api-Key, template: "{secret}"}
    allow: [{methods: [GET, POST], paths: ["/v1/**"]}]
  analytics:
    name: Google Analytics
    type: oauth
    provider: google-analytics
    grant: authorization_code
    client_id: 123.apps.googleusercontent.com
    scopes: [https://www.googleapis.com/auth/analytics.readonly]
  support:
    name: Support inbox
    type: intercom
    region: eu
agents:
  researcher:
    connectors: [hubspot-api, analytics]
"""
EVERY_OAUTH_KEY = """\
type: oauth
hosts: [a.example]
client_id: x
grant: device_code
scopes: [read, write]
scope_separator: ","
issuer: https://id.example/tenant
authorization_url: https://id.example/a
token_url: https://id.example/t
refresh_url: https://id.example/r
device_url: https://id.example/d
revocation: {url: https://id.example/v, style: delete_bearer, body: json}
client_auth: private_key_jwt
token_body: json
pkce: off
authorize_params: {prompt: consent}
token_params: {owner: me}
resource: [https://a.example/, https://b.example/]
audience: https://a.example
redirect_port: 8400
token_dial: 10.1.2.3:8443
assertion: {algorithm: ES256, audience: https://id.example, subject: me, issuer: i, key_id: k,
  lifetime: 60, scope_claim: on}
quirks:
  ok_field: ok
  error: problem.code
  access_token: user.token
  refresh_token: user.refresh
  token_type: user.type
  scope: granted
  scope_separators: "|"
  expires: user.until
  expires_unit: absolute
  default_lifetime: 3600
  side: [api_domain]
  callback_side: [realm]
  host_from: {field: api_domain, hosts: ["*.b.example"]}
  account: user.name
  test_account: me.name
  test_vars: {region: me.region}
  refresh_habit: access_token
  refresh_grant_type: exchange
  refresh_parameter: token
"""


def load(text: str, source: str = "connectors.yaml") -> Registry:
    return load_registry(text, source=source, catalog=load_catalog())


def connector(lines: str, slug: str = "a") -> Connector:
    body = "".join(f"    {line}\n" for line in lines.splitlines())
    return load(f"version: 1\nconnectors:\n  {slug}:\n{body}").connectors[slug]


def opened(text: str) -> ConnectorsFile:
    """Return the editor of a text."""
    return ConnectorsFile(text, source="connectors.yaml", catalog=load_catalog())
