"""The environment of a command with placeholders where credentials would be."""

from collections.abc import Mapping

from config.env import is_credential
from config.placeholders import Placeholders


def with_placeholders(
    environ: Mapping[str, str], found: Placeholders
) -> tuple[dict[str, str], list[str]]:
    """Return an environment without the caller's credentials, and what to tell him about it.

    A credential of the caller's in such a variable goes in any case: the agent is not to have it.
    A public value that the caller set stays. The words name variables, never what was in them.
    """
    made, words = dict(environ), []
    for name, text in found.given.items():
        if not is_credential(text):
            made.setdefault(name, text)
            continue
        before = made.pop(name, "")
        if text:
            made[name] = text
        if before not in {"", text}:
            what = "replaced by a placeholder" if text else "taken out"
            words.append(f"{name}: {what}; the proxy adds the credential")
    for name, slug in found.withheld.items():
        before = made.pop(name, "")
        if before and not is_credential(before):
            words.append(f"{name}: taken out; this command may not use {slug}")
    return made, words
