"""The public values of a connector: what the operator gave, by what its provider asks for."""

from collections.abc import Mapping

from config.catalog import Form, Var
from config.errors import UsageError
from config.place import Place
from config.suggest import did_you_mean
from config.template import Template


def resolve_vars(given: Mapping[str, str], form: Form | None, place: Place) -> dict[str, str]:
    """Return the text that stands for each var. `place` is the connector's.

    Without a provider every var is the operator's own. Raises ConfigError for one that the
    provider does not know, that is missing or that does not fit.
    """
    if form is None:
        at = place.at("vars")
        return {name: at.at(name).read(_printable, name, text) for name, text in given.items()}
    for name in given.keys() - form.vars.keys():
        hint = did_you_mean(name, form.vars, what="vars") or "leave it out"
        raise place.at("vars", name).key.error(f"the provider has no var {name!r}", hint=hint)
    return {name: _resolve(name, var, given, place) for name, var in form.vars.items()}


def fill_vars(text: str, values: Mapping[str, str]) -> str:
    """Return a catalog text with its vars filled in."""
    return Template(text).fill_known(values).text


def _resolve(name: str, var: Var, given: Mapping[str, str], place: Place) -> str:
    text = given.get(name, var.default)
    if not text:
        raise place.at("vars", name).key.error(
            f"the provider needs the var {name!r}: {var.label}",
            hint=f"add `vars: {{{name}: {var.example}}}`",
        )
    at = place.at("vars", name)
    return at.read(_printable, name, at.read(var.accept, name, text))


def _printable(name: str, text: str) -> str:
    if not text.isascii() or not text.isprintable() or "{" in text or "}" in text:
        raise UsageError(
            f"var {name!r} has a character that cannot stand in a request",
            hint="use printable ASCII without braces",
        )
    return text
