"""Ask the keyring of the operator's session for its secrets: `secret_service.py ADDRESS`."""

import sys

from jeepney import DBusAddress, new_method_call  # type: ignore[import-untyped]
from jeepney.io.blocking import open_dbus_connection  # type: ignore[import-untyped]

SERVICE = DBusAddress(
    "/org/freedesktop/secrets", "org.freedesktop.secrets", "org.freedesktop.Secret.Service"
)


def main(address: str) -> int:
    with open_dbus_connection(address) as bus:

        def ask(method: str, signature: str, *body: object) -> tuple[object, ...]:
            call = new_method_call(SERVICE, method, signature, body)
            return tuple(bus.send_and_get_reply(call, timeout=5).body)

        _, session = ask("OpenSession", "sv", "plain", ("s", ""))
        unlocked, _ = ask("SearchItems", "a{ss}", {"service": "keyhatch"})
        (secrets,) = ask("GetSecrets", "aoo", unlocked, session)
    assert isinstance(secrets, dict)
    for _, _, octets, _ in secrets.values():
        sys.stdout.buffer.write(octets + b"\n")
    return 0 if secrets else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
