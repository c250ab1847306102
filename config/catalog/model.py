"""What a catalog file says of one provider: a form for each type of connector that it has."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

from config.connector import ConnectorType
from config.errors import UsageError
from config.models import PlacementSection, StripSection
from config.oauth import ClientAuth
from config.oauth_models import EndpointSection, RedirectSection, Texts
from config.section import NOTHING, May, Section


class Var(Section):
    """A public value that the operator gives: an account, a subdomain, a region.

    Either `pattern` (a regular expression that must match the whole) or `choices` (the operator's
    word → the text that stands in its place).
    """

    label: str
    example: str
    pattern: str = ""
    choices: Mapping[str, Annotated[str, May.BE_BLANK]] = NOTHING
    default: str = ""

    def accept(self, name: str, given: str) -> str:
        """Return the text that stands for what the operator gave. Raises UsageError."""
        if given in self.choices:
            return self.choices[given]
        if self.choices:
            hint = "choices: " + ", ".join(self.choices)
            raise UsageError(f"var {name!r} cannot be {given!r}", hint=hint)
        if not re.fullmatch(self.pattern, given):
            hint = f"give the {self.label}, such as {self.example}"
            raise UsageError(f"var {name!r} cannot be {given!r}", hint=hint)
        return given


class Form(Section):
    """How one type of connector reaches the provider.

    `hosts`, `placement` and `test_path` may name vars in braces. `strip` are other ways in which
    the service takes a credential. `env` are the variables that its SDKs read, with
    what they are set to instead of a credential ("": taken out). `secrets` are the
    slots and what to ask for.
    """

    hosts: Texts
    vars: Mapping[str, Var] = NOTHING
    placement: Annotated[Sequence[PlacementSection], May.STAND_ALONE]
    secrets: Mapping[str, str] = NOTHING
    headers: Mapping[str, str] = NOTHING
    strip: StripSection = StripSection()
    env: Mapping[str, Annotated[str, May.BE_BLANK]] = NOTHING
    test_path: str = ""
    note: str = ""
    confidence: Literal["checked", "unverified"]


class OAuthForm(Form, EndpointSection, RedirectSection):
    """A form whose credential is an access token; its texts may name vars and `{client_id}`."""

    client_auth: ClientAuth | None = ClientAuth.POST


class ProviderSection(Section):
    """The whole of a catalog file."""

    name: str
    api_key: Form | None = None
    oauth: OAuthForm | None = None
    intercom: OAuthForm | None = None


@dataclass(frozen=True, slots=True)
class Provider:
    """One catalog entry; `id` is the word in `provider: ID`."""

    id: str
    name: str
    forms: dict[ConnectorType, Form]

    def form(self, kind: ConnectorType) -> Form:
        """Return how a type of connector reaches it. Raises UsageError where it has no such."""
        form = self.forms.get(kind)
        if form is None:
            known = " or ".join(f"type: {type_}" for type_ in self.forms)
            raise UsageError(f"provider {self.id!r} has no {kind} form", hint=f"use {known}")
        return form
