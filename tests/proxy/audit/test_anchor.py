import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from proxy.audit.anchor import SealBrokenError, Sealer, load_key, open_journal, seal, sealed_head
from proxy.audit.chain import START, ChainKey, Head, SealedHead
from proxy.audit.journal import Journal
from proxy.secret import Secret
from tests.support.journals import KEY, NOW, a_record, kinds, verified


class FakeVault:
    """The part of the vault that the audit trail uses, in memory."""

    def __init__(self) -> None:
        self.key: Secret | None = None
        self.head: SealedHead | None = None
        self.fault: OSError | None = None

    def audit_key(self, fresh: Secret) -> Secret:
        self.key = self.key or fresh
        return self.key

    def audit_head(self) -> SealedHead | None:
        return self.head

    def seal_audit_head(self, sealed: SealedHead) -> None:
        if self.fault is not None:
            raise self.fault
        self.head = sealed

    def forget_audit_head(self) -> None:
        self.head = None


HEAD = Head(7, "ab" * 32)


def test_the_key_is_made_once() -> None:
    vault = FakeVault()
    assert load_key(vault).mac(b"x") == load_key(vault).mac(b"x")
    assert load_key(FakeVault()).mac(b"x") != load_key(vault).mac(b"x")


def test_a_vault_without_a_head_knows_the_start() -> None:
    assert sealed_head(FakeVault(), KEY) == START


def test_a_head_is_read_as_it_was_sealed() -> None:
    vault = FakeVault()
    vault.head = seal(HEAD, KEY)
    assert sealed_head(vault, KEY) == HEAD


@pytest.mark.parametrize(
    "changed",
    [
        lambda sealed: sealed._replace(seq=6),
        lambda sealed: sealed._replace(digest="cd" * 32),
        lambda sealed: sealed._replace(mac="0" * 64),
        lambda sealed: sealed._replace(mac=""),
    ],
)
def test_a_head_that_was_changed_is_noticed(changed: Callable[[SealedHead], SealedHead]) -> None:
    vault = FakeVault()
    vault.head = changed(seal(HEAD, KEY))
    with pytest.raises(SealBrokenError):
        sealed_head(vault, KEY)


def test_a_head_of_another_key_is_noticed() -> None:
    vault = FakeVault()
    vault.head = seal(HEAD, ChainKey(bytes(32)))
    with pytest.raises(SealBrokenError):
        sealed_head(vault, KEY)


def open_descriptors() -> int:
    folder = Path("/proc/self/fd")
    return len(list(folder.iterdir())) if folder.exists() else 0


class TestSealer:
    def test_it_seals_what_is_new_and_only_that(self, tmp_path: Path) -> None:
        vault, journal = FakeVault(), Journal(tmp_path, KEY)
        sealer = Sealer(journal, vault, KEY, START)
        asyncio.run(sealer.seal())
        assert vault.head is None
        journal.append(NOW, a_record())
        asyncio.run(sealer.seal())
        assert sealed_head(vault, KEY) == journal.head
        vault.head = None
        asyncio.run(sealer.seal())
        assert vault.head is None
        journal.close()

    def test_a_fault_is_tried_again(self, tmp_path: Path) -> None:
        vault, journal = FakeVault(), Journal(tmp_path, KEY)
        sealer = Sealer(journal, vault, KEY, START)
        journal.append(NOW, a_record())
        vault.fault = OSError("the disk is gone")
        asyncio.run(sealer.seal())
        vault.fault = None
        asyncio.run(sealer.seal())
        assert sealed_head(vault, KEY) == journal.head
        journal.close()

    def test_no_descriptor_stays_open(self, tmp_path: Path) -> None:
        vault, journal = FakeVault(), Journal(tmp_path, KEY)
        sealer = Sealer(journal, vault, KEY, START)
        journal.append(NOW, a_record())
        before = open_descriptors()
        for number in range(5):
            vault.fault = OSError() if number % 2 else None
            journal.append(NOW, a_record())
            asyncio.run(sealer.seal())
        assert open_descriptors() == before
        journal.close()

    def test_a_journal_that_a_second_process_goes_on_with_fits_its_seal(
        self, tmp_path: Path
    ) -> None:
        vault, journal = FakeVault(), Journal(tmp_path, KEY)
        sealer = Sealer(journal, vault, KEY, START)
        journal.append(NOW, a_record())
        other = Journal(tmp_path, KEY)
        other.append(NOW, a_record())
        asyncio.run(sealer.seal())
        other.close()
        journal.close()
        assert verified(tmp_path, sealed_head(vault, KEY)).findings == []


class TestOpening:
    def test_a_journal_goes_on_from_the_sealed_head(self, tmp_path: Path) -> None:
        vault = FakeVault()
        vault.head = seal(HEAD, load_key(vault))
        journal, _ = open_journal(tmp_path, vault, NOW)
        assert journal.head == HEAD

    def test_a_head_that_was_changed_is_put_on_record_and_sealed_anew(self, tmp_path: Path) -> None:
        vault = FakeVault()
        key = load_key(vault)
        vault.head = seal(HEAD, key)._replace(seq=10**15)
        journal, sealer = open_journal(tmp_path, vault, NOW)
        asyncio.run(sealer.seal())
        journal.close()
        head = sealed_head(vault, key)
        assert head.seq == 1
        assert kinds(verified(tmp_path, head, key=key)) == ["unsealed"]
