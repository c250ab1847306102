"""Where a connector's refresh token and client secret may go."""

from collections.abc import Mapping

from config.catalog import Form, OAuthForm
from config.hosts import require_https_url
from config.models import AnyConnectorSection, OAuthSection
from config.place import Place
from config.vars import fill_vars


def token_urls(
    section: AnyConnectorSection, form: Form | None, values: Mapping[str, str], place: Place
) -> tuple[str, ...]:
    """Return the token endpoint and the issuer: part of what a connector's secrets are bound to.

    Raises ConfigError where an oauth connector lacks what it needs or names a bad URL.
    """
    if not isinstance(section, OAuthSection):
        return _known(form, values, place)
    if not section.client_id and section.grant != "jwt_bearer":
        hint = "add the id that the service gave your application"
        raise place.key.error("key 'client_id' is missing", hint=hint)
    for key in ("authorization_url", "token_url", "issuer"):
        if text := getattr(section, key):
            place.at(key).read(require_https_url, text)
    own = tuple(text for text in (section.token_url, section.issuer) if text)
    urls = own or _known(form, values, place)
    if not urls:
        hint = "add `token_url: https://…`, an `issuer` or a `provider`"
        raise place.key.error("key 'token_url' is missing", hint=hint)
    return urls


def _known(form: Form | None, values: Mapping[str, str], place: Place) -> tuple[str, ...]:
    if not isinstance(form, OAuthForm):
        return ()
    return (place.read(require_https_url, fill_vars(form.token_url, values)),)
