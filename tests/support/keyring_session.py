"""A vault in a real Secret Service: run inside a D-Bus session of its own.

`dbus-run-session -- python -m tests.support.keyring_session SCENARIO FOLDER`
"""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import jeepney  # type: ignore[import-untyped]
from jeepney.io.blocking import open_dbus_connection  # type: ignore[import-untyped]

from config.home import Home
from proxy.vault.inventory import read_inventory
from proxy.vault.keys.keyring_source import SERVICE, find_backends
from proxy.vault.keys.reference import KeySourceKind
from proxy.vault.open import create_vault, open_vault
from tests.support.vaults import BINDING, SECRET, ask_nobody

_START: Final = 20.0  # seconds until the daemon must have taken its name on the bus


@contextmanager
def secret_service(*, unlocked: bool) -> Iterator[None]:
    """Run gnome-keyring, with a login keyring that its password opens, or without one."""
    words = ["gnome-keyring-daemon", "--foreground", "--components=secrets"]
    daemon = subprocess.Popen(
        [*words, "--unlock"] if unlocked else words,
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
    )
    try:
        assert daemon.stdin is not None
        with daemon.stdin as password:
            password.write(b"the login password" if unlocked else b"")
        wait_for_name("org.freedesktop.secrets")
        yield
    finally:
        daemon.terminate()
        daemon.wait()


def wait_for_name(name: str) -> None:
    """Return when somebody has the name; asking starts nobody, as using it would."""
    deadline = time.monotonic() + _START
    with open_dbus_connection() as bus:
        question = jeepney.new_method_call(jeepney.message_bus, "NameHasOwner", "s", (name,))
        while bus.send_and_get_reply(question).body != (True,):
            if time.monotonic() > deadline:
                raise SystemExit(f"nobody took the name {name}")


def round_trip(folder: Path) -> None:
    """Create, put, reopen, get, then move the key to a file."""
    home = Home(folder / "home")
    with create_vault(home, "auto", environ={}, ask_passphrase=ask_nobody) as vault:
        vault.put("a", "secret", BINDING, SECRET)
    inventory = read_inventory(home)
    assert inventory.key_source is KeySourceKind.KEYRING
    assert not home.vault_key.exists()
    (backend,) = find_backends()
    assert backend.get_password(SERVICE, inventory.vault_id) is not None

    with open_vault(home, environ={}, ask_passphrase=ask_nobody) as vault:
        assert vault.get("a", "secret", BINDING) == SECRET
        vault.change_key(KeySourceKind.KEYRING, environ={}, ask_passphrase=ask_nobody)
        assert backend.get_password(SERVICE, inventory.vault_id) is None
        vault.rotate_key()
    with open_vault(home, environ={}, ask_passphrase=ask_nobody) as vault:
        vault.change_key(KeySourceKind.FILE, environ={}, ask_passphrase=ask_nobody)
    assert backend.get_password(SERVICE, f"{inventory.vault_id}-2") is None
    with open_vault(home, environ={}, ask_passphrase=ask_nobody) as vault:
        assert vault.get("a", "secret", BINDING) == SECRET


def fall_back(folder: Path) -> None:
    """Make a vault where the keyring asks for a password and nobody can answer."""
    home = Home(folder / "home")
    assert find_backends()
    create_vault(home, "auto", environ={}, ask_passphrase=ask_nobody).close()
    assert read_inventory(home).key_source is KeySourceKind.FILE


SCENARIOS: Final[dict[str, tuple[bool, Callable[[Path], None]]]] = {
    "round-trip": (True, round_trip),
    "fall-back": (False, fall_back),
}


if __name__ == "__main__":
    unlocked, scenario = SCENARIOS[sys.argv[1]]
    with secret_service(unlocked=unlocked):
        scenario(Path(sys.argv[2]))
    print("done")
