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


def load(text: str, source: str = "connectors.yaml") -> Registry:
    return load_registry(text, source=source, catalog=load_catalog())


def connector(lines: str, slug: str = "a") -> Connector:
    body = "".join(f"    {line}\n" for line in lines.splitlines())
    return load(f"version: 1\nconnectors:\n  {slug}:\n{body}").connectors[slug]


def opened(text: str) -> ConnectorsFile:
    """Return the editor of a text."""
    return ConnectorsFile(text, source="connectors.yaml", catalog=load_catalog())
