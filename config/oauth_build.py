"""From a connector's section and its provider's form to its OAuth client."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote

from config.catalog import Form, OAuthForm
from config.hosts import require_https_url
from config.models import AnyConnectorSection, OAuthSection
from config.oauth import Assertion, ClientAuth, Grant, OAuthClient, Pairs, Revocation
from config.oauth_models import RevocationSection
from config.oauth_quirks import build_quirks
from config.oauth_rules import (
    require_complete,
    require_parameter,
    require_redirect,
    require_scope,
)
from config.place import Place
from config.section import Section
from config.vars import fill_vars

_SECRET_URLS: Final = ("issuer", "token_url", "refresh_url", "device_url")
_TEXTS: Final = ("audience", "scope_separator")
_CHOICES: Final = ("token_body", "pkce")
_ASSERTION: Final = tuple(Assertion.__dataclass_fields__)


@dataclass(frozen=True, slots=True)
class _Draft:
    """What the operator wrote, what the provider's form says, and the values of both's vars."""

    section: AnyConnectorSection
    form: OAuthForm
    values: Mapping[str, str]
    place: Place

    def own(self, key: str) -> Any:
        """Return what the operator wrote, or something empty."""
        return getattr(self.section, key, None)

    def pick(self, key: str) -> Any:
        """Return what the operator wrote, else what the form says, else something empty."""
        own = self.own(key)
        return getattr(self.form, key) if own is None or own in ("", ()) else own

    def fill(self, text: str) -> str:
        return fill_vars(text, self.values)


def build_oauth(
    section: AnyConnectorSection, form: Form | None, values: Mapping[str, str], place: Place
) -> OAuthClient:
    """Return the client of an oauth or intercom connector; what the operator wrote wins.

    An own `token_url` or `issuer` sets aside every provider's URL that a secret could go to.
    Raises ConfigError at the key that is wrong or missing.
    """
    client_id: str = getattr(section, "client_id", "")
    known = {**values, "client_id": quote(client_id, safe="")}
    draft = _Draft(section, form if isinstance(form, OAuthForm) else _NO_FORM, known, place)
    grant = draft.pick("grant") or Grant.AUTHORIZATION_CODE
    client = OAuthClient(
        grant=grant,
        client_id=client_id,
        client_auth=_client_auth(draft, grant),
        scopes=_scopes(draft),
        authorize_params=_params(draft, "authorize_params"),
        token_params=_params(draft, "token_params"),
        resource=tuple(draft.fill(text) for text in draft.pick("resource")),
        assertion=_assertion(draft),
        quirks=build_quirks(draft.own("quirks"), draft.form.quirks, place.at("quirks")),
        **_urls(draft),
        **_redirect(draft),
        **_rest(draft),
    )
    require_complete(client, place, is_oauth=isinstance(section, OAuthSection))
    return client


def _rest(draft: _Draft) -> dict[str, Any]:
    """Return what has a default of its own where neither says anything."""
    texts = {key: draft.fill(text) for key in _TEXTS if (text := draft.pick(key))}
    choices = {key: value for key in _CHOICES if (value := draft.pick(key)) is not None}
    return texts | choices


def _urls(draft: _Draft) -> dict[str, Any]:
    """Return the endpoints: the provider's, or the operator's own."""
    own_issuer = draft.own("issuer")
    replaced = bool(draft.own("token_url") or own_issuer)
    pick = draft.own if replaced else draft.pick
    urls: dict[str, Any] = {key: _url(draft, key, pick(key)) for key in _SECRET_URLS}
    authorization = draft.own if own_issuer else draft.pick
    urls["authorization_url"] = _url(draft, "authorization_url", authorization("authorization_url"))
    urls["revocation"] = _revocation(draft, pick("revocation"))
    return urls


def _url(draft: _Draft, key: str, text: str | None) -> str:
    return draft.place.at(key).read(require_https_url, draft.fill(text)) if text else ""


def _revocation(draft: _Draft, section: RevocationSection | None) -> Revocation | None:
    if section is None:
        return None
    url = draft.place.at("revocation", "url").read(require_https_url, draft.fill(section.url))
    return Revocation(url, section.style, section.body or draft.pick("token_body") or "form")


def _redirect(draft: _Draft) -> dict[str, Any]:
    """Return the operator's port or address, else the provider's."""
    source: Section = draft.form
    if draft.own("redirect_port") or draft.own("redirect_uri"):
        source = draft.section
    require_redirect(source, draft.place)
    return {key: getattr(source, key) for key in ("redirect_port", "redirect_uri")}


def _client_auth(draft: _Draft, grant: Grant) -> ClientAuth:
    own: ClientAuth | None = draft.own("client_auth")
    if not grant.signs:
        picked: ClientAuth = draft.pick("client_auth") or ClientAuth.BASIC
        return picked
    if own not in (None, ClientAuth.NONE):
        raise draft.place.at("client_auth").error(
            f"grant {str(grant)!r} has no client authentication: what it signs is enough",
            hint="leave `client_auth` out",
        )
    return ClientAuth.NONE


def _scopes(draft: _Draft) -> tuple[str, ...]:
    at = draft.place.at("scopes")
    return tuple(
        at.at(index).read(require_scope, draft.fill(text))
        for index, text in enumerate(draft.pick("scopes"))
    )


def _params(draft: _Draft, key: str) -> Pairs:
    own: Mapping[str, str] = draft.own(key) or {}
    for name in own:
        draft.place.at(key, name).key.read(require_parameter, name)
    merged = {**getattr(draft.form, key), **own}
    return tuple((name, draft.fill(text)) for name, text in merged.items())


def _assertion(draft: _Draft) -> Assertion:
    sections = (draft.form.assertion, draft.own("assertion"))
    given: dict[str, Any] = {
        key: draft.fill(value) if isinstance(value, str) else value
        for section in sections
        for key in _ASSERTION
        if (value := getattr(section, key, None)) not in (None, "")
    }
    return Assertion(**given)


def _no_form() -> OAuthForm:
    form = OAuthForm()
    form.client_auth = None
    return form


_NO_FORM: Final = _no_form()
