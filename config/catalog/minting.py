"""What makes new credentials at services that are known: such a request needs the proxy only once.

In globs `*` is text within a segment, and one `**` any number of segments, none included. They are
in lower case; a final slash and an ending such as `.json` make no difference. Where a service has an
entry, only that counts; for all others there is COMMON, for POST alone.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

_NONE: Final[Mapping[str, str]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Service:
    """One service: its hosts (`*` for one label or more), and paths with what they make.

    `creates` is for every method that changes something, `shows` for GET as well.
    """

    hosts: tuple[str, ...]
    creates: Mapping[str, str] = field(default=_NONE)
    shows: Mapping[str, str] = field(default=_NONE)


OAUTH: Final = {
    "/**/oauth/token": "an access token",
    "/**/oauth/*/token": "an access token",
    "/**/oauth/tokens": "an access token",
    "/**/oauth/access_token": "an access token",
    "/**/oauth2/token": "an access token",
    "/**/oauth2/*/token": "an access token",
    "/**/openid-connect/token": "an access token",
    "/**/connect/token": "an access token",
    "/**/device_authorization": "an access token",
    "/**/oauth/device/code": "an access token",
    "/**/login/device/code": "an access token",
}
KEYS: Final = {
    "/**/access_tokens": "an access token",
    "/**/access-tokens": "an access token",
    "/**/api_keys": "an API key",
    "/**/api-keys": "an API key",
    "/**/apikeys": "an API key",
    "/**/api_tokens": "an API key",
    "/**/api-tokens": "an API key",
    "/**/authentication-token": "an API key",
    "/**/authentication-tokens": "an API key",
    "/**/deploy_keys": "an SSH key",
    "/**/deploy-keys": "an SSH key",
    "/**/deploy_tokens": "an access token",
    "/**/impersonation_tokens": "an access token",
    "/**/personal_access_tokens": "an access token",
    "/**/personal_access_tokens/*/rotate": "an access token",
    "/**/access_tokens/*/rotate": "an access token",
    "/**/personal_api_keys": "an API key",
    "/**/storefront_access_tokens": "an access token",
}
# At GitLab, Grafana, Elasticsearch, Vault, Databricks and others that run under anybody's name.
SELF_HOSTED: Final = {
    "/**/_security/api_key": "an API key",
    "/**/_security/oauth2/token": "an access token",
    "/**/access/api/v1/tokens": "an access token",
    "/**/api/2.0/token/create": "an access token",
    "/**/api/auth/keys": "an API key",
    "/**/api/security/token": "an access token",
    "/**/api/serviceaccounts/*/tokens": "an access token",
    "/**/api/user_tokens/generate": "an access token",
    "/**/api/v3/app/installations/*/access_tokens": "an access token",
    "/**/api/v3/user/keys": "an SSH key",
    "/**/api/v4/runners": "a runner's token",
    "/**/api/v4/user/keys": "an SSH key",
    "/**/api/v4/user/runners": "a runner's token",
    "/**/api/v4/users/*/keys": "an SSH key",
    "/**/reset_registration_token": "a runner's token",
    "/**/v1/auth/token/create": "an access token",
}
COMMON: Final[Mapping[str, str]] = {**OAUTH, **KEYS, **SELF_HOSTED}
