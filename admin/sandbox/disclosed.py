"""Keeping secrets of the vault from going in by a variable or a settings file of the operator's."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Protocol

from admin.sandbox.environment import Passed
from admin.sandbox.shares import PROFILE, Share
from proxy.server.control_client import LONGEST_TEXT


class Knowing(Protocol):
    """Whoever can tell that a text holds a secret; a running proxy, which has the vault open."""

    def disclosed(self, texts: Mapping[str, str]) -> set[str]:
        """Return the names of those texts that hold a secret of the vault."""


def keep_secrets_out(
    passed: Passed, environ: Mapping[str, str], vault: Knowing
) -> tuple[Passed, list[str]]:
    """Return the variables without those that hold a secret, and what to tell of it, by name alone.

    One that is too long to be looked through is kept out as well. Those of `environ` that would not
    go in anyway are told of too: the operator may not know that the secret is there.
    """
    everything = {name: text for name, text in environ.items() if len(text) <= LONGEST_TEXT}
    texts = {n: t for n, t in passed.variables.items() if len(t) <= LONGEST_TEXT}
    found = vault.disclosed({**everything, **texts})
    kept = {name: text for name, text in texts.items() if name not in found}
    too_long = sorted(passed.variables.keys() - texts.keys())
    words = [f"{name}: taken out; a secret of the vault is in it" for name in sorted(found)]
    words += [f"{name}: taken out; it is too long to be searched for secrets" for name in too_long]
    out = tuple(sorted({*passed.kept_out, *found, *too_long}))
    return replace(passed, variables=kept, kept_out=out), words


def without_disclosing_files(
    shares: Sequence[Share], vault: Knowing
) -> tuple[list[Share], list[Share]]:
    """Return the shares that may be opened, and those files of a profile that may not.

    A profile opens settings files unasked, so they are searched first. What the operator names
    himself is his to open.
    """
    files = {
        str(share.path): share
        for share in shares
        if share.origin.startswith(PROFILE) and share.path.is_file()
    }
    texts, closed = {}, []
    for name, share in files.items():
        try:
            text = share.path.read_text(errors="surrogateescape")
        except OSError:
            continue
        if len(text) > LONGEST_TEXT:
            closed.append(share)
        else:
            texts[name] = text
    closed += [files[name] for name in sorted(vault.disclosed(texts))]
    return [share for share in shares if share not in closed], closed
