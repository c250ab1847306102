"""What an operator did, at whichever face, put on record and made known to a running proxy."""

import os
import pwd
from contextlib import ExitStack, closing, suppress
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from admin.notes import note
from admin.operations.place import Place
from admin.operations.poke import poke
from config.errors import KeyhatchError, OperatorNeededError

if TYPE_CHECKING:
    from proxy.vault.vault import Vault

TIMEOUT_S = 1.0
ADMIN = "admin"


@dataclass(frozen=True, slots=True)
class Act:
    """One thing that was done, as `connector.rename`, and to whom; `to` is its new name.

    `by` is the user of this process, unless another face of Keyhatch says which it is.
    """

    action: str
    agent: str | None = None
    connector: str | None = None
    to: str | None = None
    by: str = ""


def announce(place: Place, *acts: Act) -> None:
    """Put on record what was done, and tell a running proxy to take it up.

    It is done already, so a log that cannot be written is only reported: a token that was revoked
    must not come back because the disk is full.
    """
    for act in acts:
        facts = {**asdict(act), "by": act.by or user_name()}
        try:
            if not _record_by_proxy(place, facts):
                _record_alone(place, facts)
        except KeyhatchError as error:
            note(f"warning: this is not in the audit log: {error}")
    poke(place.home)


def user_name() -> str:
    """Return the name of the user that runs this process; not what the environment says it is."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return f"uid {os.getuid()}"


def _record_by_proxy(place: Place, facts: dict[str, str | None]) -> bool:
    """Let the proxy write it, which has the key; False when none runs."""
    if not place.home.run.is_dir():
        return False
    from proxy.server.control_client import request

    return request(place.home, {"op": "record", **facts}, timeout=TIMEOUT_S) is not None


def _record_alone(place: Place, facts: dict[str, str | None]) -> None:
    """Write it with the key from the vault; without, where a person would have to be asked for it."""
    from proxy.audit.anchor import open_journal
    from proxy.audit.journal import Journal

    now = place.now()
    with ExitStack() as stack:
        vault = _unlocked(place, stack)
        if vault is None:
            stack.enter_context(closing(Journal(place.home.audit))).note(now, ADMIN, facts)
            return
        journal, sealer = open_journal(place.home.audit, vault, now)
        stack.enter_context(closing(journal)).note(now, ADMIN, facts)
        with suppress(OSError, KeyhatchError):  # on record it is; the proxy seals it later
            sealer.seal_at_once()


def _unlocked(place: Place, stack: ExitStack) -> "Vault | None":
    from proxy.vault.keys.reference import KeySourceKind

    if place.inventory().key_source is KeySourceKind.PASSPHRASE:
        return None
    try:
        return stack.enter_context(place.vault())
    except OperatorNeededError:
        return None
