"""Variables by which SDKs want a credential: placeholders, so that they start without one."""

import re
from collections.abc import Mapping
from typing import Final

from config.catalog import Form
from config.errors import UsageError
from config.models import AnyConnectorSection
from config.place import Place
from config.vars import fill_vars

MARK: Final = "placeholder"  # in every text that stands where a credential would
_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}")
# What `keyhatch run` itself sets, and what would change more than an SDK's credential.
_RESERVED: Final = re.compile(
    r"(?i)KEYHATCH_.*|.*_PROXY|PATH|LD_.*|DYLD_.*|PYTHON.*|NODE_.*|SSL_.*"
)


def build_env(
    section: AnyConnectorSection, form: Form | None, values: Mapping[str, str], place: Place
) -> tuple[tuple[str, str], ...]:
    """Return a connector's variables: the provider's, then the operator's own, which win.

    A text with the word `placeholder` stands for a credential, an empty one for a variable that is
    taken out because a credential is in it; any other is a public value.
    """
    known = {name: fill_vars(text, values) for name, text in (form.env if form else {}).items()}
    at = place.at("env")
    own = {
        at.at(name).key.read(_require_name, name): at.at(name).read(_require_text, text)
        for name, text in section.env.items()
    }
    return tuple((known | own).items())


def is_credential(text: str) -> bool:
    """Tell whether a variable's text stands where a credential would."""
    return not text or MARK in text.lower()


def _require_name(name: str) -> str:
    if not _NAME.fullmatch(name) or _RESERVED.fullmatch(name):
        raise UsageError(
            f"{name!r} cannot be set for agents",
            hint="name the variable that an SDK reads its key from, such as BILLING_API_KEY",
        )
    return name


def _require_text(text: str) -> str:
    if not text.isascii() or (text and not text.isprintable()):
        raise UsageError(
            "the text of a variable does not print", hint="use printable ASCII, such as placeholder"
        )
    return text
