import sqlite3
import threading
from contextlib import closing
from pathlib import Path

from proxy.audit.chain import SealedHead
from proxy.secret import Secret
from proxy.vault.inventory import read_inventory
from proxy.vault.vault import Vault
from tests.support.vaults import BINDING, SECRET, create, new_home, reopen

FIRST, SECOND = SealedHead(1, "ab" * 32, "cd" * 32), SealedHead(2, "ef" * 32, "01" * 32)


def test_the_first_key_stays_the_key(tmp_path: Path) -> None:
    home = new_home(tmp_path)
    with create(home) as vault:
        assert vault.audit_key(Secret("one")) == Secret("one")
    with reopen(home) as vault:
        assert vault.audit_key(Secret("two")) == Secret("one")


def test_two_that_make_the_key_at_once_have_the_same(tmp_path: Path) -> None:
    home = new_home(tmp_path)
    found: list[Secret] = []
    with create(home) as vault:
        barrier = threading.Barrier(4)

        def make(number: int) -> None:
            barrier.wait(20)
            found.append(vault.audit_key(Secret(str(number))))

        threads = [threading.Thread(target=make, args=(number,)) for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(20)
    assert len(found) == 4
    assert all(key == found[0] for key in found)


def test_the_key_is_sealed_anew_with_the_secrets_and_not_counted_as_one(tmp_path: Path) -> None:
    home = new_home(tmp_path)
    with create(home) as vault:
        vault.put("hub", "secret", BINDING, SECRET)
        vault.audit_key(Secret("one"))
        assert vault.rotate_key() == 1
        assert vault.audit_key(Secret("two")) == Secret("one")
    assert list(read_inventory(home).slots) == [("hub", "secret")]


def test_a_head_is_kept_and_never_goes_back(tmp_path: Path) -> None:
    home = new_home(tmp_path)
    with create(home) as vault:
        assert vault.audit_head() is None
        vault.seal_audit_head(SECOND)
        vault.seal_audit_head(FIRST)
        assert vault.audit_head() == SECOND
    with reopen(home) as vault:
        assert vault.audit_head() == SECOND
        vault.forget_audit_head()
        assert vault.audit_head() is None


def test_a_head_is_no_change_that_a_proxy_would_reload_for(tmp_path: Path) -> None:
    with create(new_home(tmp_path)) as vault:
        before = vault.generation()
        vault.seal_audit_head(FIRST)
        assert vault.generation() == before


def test_a_vault_from_before_there_was_an_audit_head_gains_one(tmp_path: Path) -> None:
    home = new_home(tmp_path)
    create(home).close()
    with closing(sqlite3.connect(home.vault)) as connection, connection:
        connection.execute("DROP TABLE audit_head")
    with reopen(home) as vault:
        assert isinstance(vault, Vault)
        vault.seal_audit_head(FIRST)
        assert vault.audit_head() == FIRST
