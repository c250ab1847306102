"""The secrets of one connector, entered by its operator."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from admin.operations.credentials import MAX_KEY, accept_private_key, accept_text, labels_of
from admin.terminal.prompts import Terminal, secrets_for
from config.connector import Connector
from config.errors import UsageError
from config.oauth import PRIVATE_KEY
from proxy.secret import Secret


def enter_secrets(
    terminal: Terminal, connector: Connector, slots: Sequence[str], *, from_stdin: bool
) -> dict[str, Secret]:
    """Return a secret for each slot, as `secrets_for`; a private key is a whole file.

    Raises UsageError for what cannot be used, PrivateKeyError for a file that holds no key.
    """
    if PRIVATE_KEY in slots:
        return {PRIVATE_KEY: _private_key(terminal, connector, from_stdin=from_stdin)}
    labels, accept = labels_of(connector), partial(accept_text, connector)
    return secrets_for(terminal, connector.name, slots, labels, accept, from_stdin=from_stdin)


def _private_key(terminal: Terminal, connector: Connector, *, from_stdin: bool) -> Secret:
    if not from_stdin and not terminal.interactive():
        raise UsageError(
            f"no private key for {connector.name}: there is no terminal to ask for its file",
            hint="give the file on standard input, as in `--secret-stdin < key.json`",
        )
    content = terminal.read_all(MAX_KEY + 1) if from_stdin else _file(terminal, connector)
    if len(content) > MAX_KEY:
        raise UsageError(f"the private key is longer than {MAX_KEY // 1024} KiB")
    try:
        text = content.decode()
    except UnicodeDecodeError:
        # `from None`: the decoder's exception carries the bytes themselves.
        raise UsageError(
            "the private key is not text", hint="convert it to PEM, as with `openssl pkey`"
        ) from None
    return accept_private_key(connector, text)


def _file(terminal: Terminal, connector: Connector) -> bytes:
    label = labels_of(connector).get(PRIVATE_KEY, "private key (PEM, JWK or JSON)")
    path = Path(terminal.ask(f"file of the {label} for {connector.name}")).expanduser()
    with path.open("rb") as file:
        return file.read(MAX_KEY + 1)
