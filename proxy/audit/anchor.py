"""The sealed head: what a chain is known to have reached, kept where the chain is not.

A chain that is cut at its end still fits together. So its head is written to the vault, with a MAC,
once a second while there is something new, and when the proxy stops; the files are on disk by then
(fdatasync). Records after the sealed head are chained and signed all the same, but a cut that takes
only them, within that second or after a kill, does not show. Neither does setting the whole home
back, vault and all, to a copy of an earlier day: who has to rule that out notes the head that
`keyhatch logs verify` prints elsewhere.
"""

import asyncio
import os
from datetime import datetime
from pathlib import Path
from typing import Final, Protocol

import structlog

from config.errors import KeyhatchError
from proxy.audit.chain import KEY_BYTES, START, UNSEALED, ChainKey, Head, SealedHead
from proxy.audit.journal import Checkpoint, Journal
from proxy.secret import Secret

SEAL_EVERY: Final = 1.0  # seconds
log = structlog.get_logger()


class AuditVault(Protocol):
    """The part of the vault that the audit trail uses."""

    def audit_key(self, fresh: Secret) -> Secret:
        """Return the audit key in hex; the given one becomes it when there is none yet."""

    def audit_head(self) -> SealedHead | None:
        """Return the sealed head; None before the first."""

    def seal_audit_head(self, sealed: SealedHead) -> None:
        """Keep a head in place of an earlier one; on disk on return."""

    def forget_audit_head(self) -> None:
        """Keep no head."""


class SealBrokenError(KeyhatchError):
    """The sealed head is not one that was made with this vault's audit key."""


def load_key(vault: AuditVault) -> ChainKey:
    """Return the audit key of a vault, making one at the first time."""
    fresh = Secret(os.urandom(KEY_BYTES).hex())
    return ChainKey(bytes.fromhex(vault.audit_key(fresh).reveal()))


def sealed_head(vault: AuditVault, key: ChainKey) -> Head:
    """Return what a chain is known to have reached. Raises SealBrokenError."""
    sealed = vault.audit_head()
    if sealed is None:
        return START
    head = Head(sealed.seq, sealed.digest)
    if not key.fits(_sealed_text(head), sealed.mac):
        raise SealBrokenError(
            "the sealed head of the audit log was changed",
            hint="someone has written to vault.db; see `keyhatch logs verify`",
        )
    return head


def seal(head: Head, key: ChainKey) -> SealedHead:
    """Return a head with its MAC."""
    return SealedHead(head.seq, head.digest, key.mac(_sealed_text(head)))


def open_journal(folder: Path, vault: AuditVault, now: datetime) -> tuple[Journal, "Sealer"]:
    """Return a home's journal, which goes on from the sealed head, and what seals it.

    Where the sealed head was changed, that is put on record, and a new one is sealed: a proxy that
    did not start would be no safer, and whoever can write to the vault could stop it anyway.
    """
    key = load_key(vault)
    try:
        sealed = sealed_head(vault, key)
    except SealBrokenError as error:
        log.error("audit head changed", error=str(error))  # noqa: TRY400 - no trace
        journal = Journal(folder, key)
        journal.note(now, UNSEALED, {})
        vault.forget_audit_head()
        return journal, Sealer(journal, vault, key, START)
    journal = Journal(folder, key, known=sealed)
    return journal, Sealer(journal, vault, key, sealed)


class Sealer:
    """Seals a journal's head; one at a time, off the event loop."""

    def __init__(self, journal: Journal, vault: AuditVault, key: ChainKey, sealed: Head) -> None:
        self._journal = journal
        self._vault = vault
        self._key = key
        self._sealed = sealed
        self._failing = False

    async def watch(self) -> None:
        """Seal what is new, until cancelled."""
        while True:
            await asyncio.sleep(SEAL_EVERY)
            await self.seal()

    async def seal(self) -> None:
        """Seal the head as it is now; a fault is logged once and tried again the next time."""
        checkpoint = None if self._journal.head == self._sealed else self._journal.checkpoint()
        if checkpoint is None:
            return
        try:
            await asyncio.to_thread(self._write, checkpoint)
        except (OSError, KeyhatchError) as error:
            if not self._failing:
                log.error("audit head not sealed", fault=type(error).__name__)  # noqa: TRY400 - no trace
            self._failing = True
            return
        self._sealed, self._failing = checkpoint.head, False

    def seal_at_once(self) -> None:
        """Seal the head from where this is called. Raises OSError, KeyhatchError."""
        checkpoint = self._journal.checkpoint()
        if checkpoint is not None:
            self._write(checkpoint)

    def _write(self, checkpoint: Checkpoint) -> None:
        checkpoint.sync()
        self._vault.seal_audit_head(seal(checkpoint.head, self._key))


def _sealed_text(head: Head) -> bytes:
    return f"keyhatch audit head {head.seq} {head.digest}".encode()
