"""The options that say what a connector is, and what they mean in connectors.yaml."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any, Final

import click

from admin.options.completion import provider_ids
from admin.options.oauth import NO_WORDS, OAUTH_OPTIONS, OAuthWords, oauth_entry
from config.catalog import load_catalog
from config.connector import ConnectorType
from config.errors import UsageError

type Entry = dict[str, object]

_OPTIONS: Final = (
    click.option(
        "--provider", metavar="ID", shell_complete=provider_ids,
        help="Take hosts and placement from the catalog.",
    ),
    click.option(
        "--host", "hosts", metavar="H[:P]", multiple=True,
        help="A host that the secret may go to, or *.HOST; may be repeated.",
    ),
    click.option("--header", metavar="NAME", help="Put the secret into this header."),
    click.option("--query", metavar="NAME", help="Put the secret into this query parameter."),
    click.option(
        "--template", metavar="TEXT",
        help='How the header or parameter reads, such as "Bearer {secret}" (default: {secret}).',
    ),
    click.option(
        "--basic", metavar="USER:PASSWORD",
        help='Basic authentication from a template, such as "{secret}:" or "me:{secret}".',
    ),
    click.option(
        "--basic-user", metavar="USER",
        help="Basic authentication with this user and the secret as password.",
    ),
    click.option(
        "--path", metavar="TEMPLATE",
        help='Put the secret first into the path, such as "/bot{secret}".',
    ),
    click.option(
        "--var", "variables", metavar="KEY=VALUE", multiple=True,
        help="A public value that the provider asks for, such as subdomain=acme.",
    ),
    click.option(
        "--dial", metavar="ADDRESS:PORT",
        help="Connect here; the certificate must still be the host's.",
    ),
    click.option(
        "--scheme", type=click.Choice(["https", "http"]),
        help="http sends the secret unencrypted.",
    ),
    click.option(
        "--cookies", type=click.Choice(["drop", "keep"]),
        help="keep: cookies pass both ways, so that agents hold the session (default: drop).",
    ),
    click.option(
        "--token-fields", type=click.Choice(["mask", "keep"]),
        help="keep: tokens in responses reach agents (default: mask).",
    ),
    click.option(
        "--allow-minting", metavar="PATH", multiple=True,
        help="A path glob at which agents may make new credentials; may be repeated.",
    ),
    *OAUTH_OPTIONS,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Words:
    """What was given of the options above; None or empty where it was not."""

    provider: str | None = None
    hosts: tuple[str, ...] = ()
    header: str | None = None
    query: str | None = None
    template: str | None = None
    basic: str | None = None
    basic_user: str | None = None
    path: str | None = None
    variables: tuple[str, ...] = ()
    dial: str | None = None
    scheme: str | None = None
    cookies: str | None = None
    token_fields: str | None = None
    allow_minting: tuple[str, ...] = ()
    oauth: OAuthWords = NO_WORDS


def connector_options[C: Callable[..., object]](command: C) -> C:
    """Add the options to a command function; it gets them as keyword arguments for `words_of`."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def entry_of(words: Words) -> Entry:
    """Return the keys that the words set, as they stand in connectors.yaml.

    Raises UsageError where they contradict each other, NotFoundError for an unknown provider.
    """
    if words.provider is not None:
        load_catalog().provider(words.provider)
    entry: Entry = {
        "provider": words.provider,
        "scheme": words.scheme,
        "hosts": list(words.hosts),
        "dial": words.dial,
        "vars": dict(_parse_variable(text) for text in words.variables),
        "placement": placement_of(words),
        "cookies": words.cookies,
        "token_fields": words.token_fields,
        "allow_minting": list(words.allow_minting),
        **oauth_entry(words.oauth),
    }
    return {key: value for key, value in entry.items() if value}


def words_of(given: Mapping[str, Any]) -> Words:
    """Return what click found of the options."""
    oauth = {field.name: given[field.name] for field in fields(OAuthWords)}
    return Words(
        **{name: value for name, value in given.items() if name not in oauth},
        oauth=OAuthWords(**oauth),
    )


def placement_of(words: Words) -> Entry | None:
    """Return the one placement that the words describe, or None."""
    basic = words.basic if words.basic_user is None else f"{words.basic_user}:{{secret}}"
    given: Entry = {
        "header": words.header,
        "query": words.query,
        "basic": basic,
        "path": words.path,
    }
    chosen: Entry = {key: value for key, value in given.items() if value is not None}
    if len(chosen) > 1 or None not in (words.basic, words.basic_user):
        raise UsageError(
            "the secret is given more than one place",
            hint="take one of --header, --query, --basic, --basic-user, --path; "
            "several can be written in connectors.yaml",
        )
    if words.template is None:
        return chosen or None
    if not chosen.keys() & {"header", "query"}:
        raise UsageError("--template needs --header or --query", hint="name the place it is for")
    return {**chosen, "template": words.template}


def require_variables(provider: str, kind: ConnectorType, given: object) -> None:
    """Raise UsageError, naming the option, where a variable of the provider has no value."""
    form = load_catalog().provider(provider).form(kind)
    for name, var in form.vars.items():
        if not var.default and name not in (given if isinstance(given, dict) else {}):
            raise UsageError(
                f"provider {provider!r} needs the var {name!r}: {var.label}",
                hint=f"add --var {name}={var.example}",
            )


def _parse_variable(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not equals or not key or not value:
        raise UsageError(f"{text!r} is not KEY=VALUE", hint="write it as --var subdomain=acme")
    return key, value
