"""The options that say how a connector gets its tokens, and what they mean in connectors.yaml."""

from dataclasses import dataclass
from typing import Final

import click

from config.connector import ConnectorType
from config.errors import UsageError
from config.oauth import ClientAuth, Grant

type Entry = dict[str, object]

OAUTH_OPTIONS: Final = (
    click.option("--client-id", metavar="ID", help="OAuth: the id of your application."),
    click.option(
        "--scope", "scopes", metavar="SCOPE", multiple=True,
        help="OAuth: a scope to ask for instead of the provider's; may be repeated.",
    ),
    click.option(
        "--grant", type=click.Choice([grant.value.replace("_", "-") for grant in Grant]),
        help="OAuth: how the tokens come (default: authorization-code).",
    ),
    click.option("--issuer", metavar="URL", help="OAuth: where the other URLs are discovered."),
    click.option("--authorization-url", metavar="URL", help="OAuth: where a person consents."),
    click.option("--token-url", metavar="URL", help="OAuth: where tokens are issued."),
    click.option("--device-url", metavar="URL", help="OAuth: where the device flow begins."),
    click.option(
        "--client-auth", type=click.Choice([auth.value.replace("_", "-") for auth in ClientAuth]),
        help="OAuth: how the application authenticates itself.",
    ),
    click.option(
        "--redirect-port", metavar="PORT", type=click.IntRange(1, 65535),
        help="OAuth: fixed port of http://127.0.0.1:PORT/callback.",
    ),
    click.option(
        "--redirect-uri", metavar="URL",
        help="OAuth: the registered redirect address; you paste where an https one leads.",
    ),
    click.option(
        "--token-dial", metavar="ADDRESS:PORT",
        help="OAuth: connect here for tokens; the certificate must still be the host's.",
    ),
    click.option(
        "--region", type=click.Choice(["us", "eu", "au"]),
        help="Intercom: where the workspace is; connecting finds it out.",
    ),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class OAuthWords:
    """What was given of the options above; None or empty where it was not."""

    client_id: str | None = None
    scopes: tuple[str, ...] = ()
    grant: str | None = None
    issuer: str | None = None
    authorization_url: str | None = None
    token_url: str | None = None
    device_url: str | None = None
    client_auth: str | None = None
    redirect_port: int | None = None
    redirect_uri: str | None = None
    token_dial: str | None = None
    region: str | None = None


NO_WORDS: Final = OAuthWords()
_OF_BOTH: Final = frozenset({"client_id", "redirect_port", "redirect_uri", "token_dial"})
_ALLOWED: Final = {
    ConnectorType.API_KEY: frozenset[str](),
    ConnectorType.OAUTH: frozenset(OAuthWords.__slots__) - {"region"},
    ConnectorType.INTERCOM: _OF_BOTH | {"region"},
}


def oauth_entry(words: OAuthWords) -> Entry:
    """Return the keys that the words set, as they stand in connectors.yaml."""
    return {
        "client_id": words.client_id,
        "scopes": list(words.scopes),
        "grant": words.grant and words.grant.replace("-", "_"),
        "issuer": words.issuer,
        "authorization_url": words.authorization_url,
        "token_url": words.token_url,
        "device_url": words.device_url,
        "client_auth": words.client_auth and words.client_auth.replace("-", "_"),
        "redirect_port": words.redirect_port,
        "redirect_uri": words.redirect_uri,
        "token_dial": words.token_dial,
        "region": words.region,
    }


def require_fitting(kind: ConnectorType, entry: Entry) -> None:
    """Raise UsageError for an option that a connector of this type does not have."""
    for key in OAuthWords.__slots__:
        if key in entry and key not in _ALLOWED[kind]:
            option = {"scopes": "scope"}.get(key, key).replace("_", "-")
            type_ = kind.value.replace("_", "-")
            raise UsageError(
                f"--{option} says nothing about a connector of type {type_}",
                hint="leave it out, or choose another --type",
            )
