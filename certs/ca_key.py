"""The CA's private key: made once, kept in one 0600 file, never exported.

Whoever has it can pose as any permitted service to every client that trusts the CA. So a file
that another user could have read or planted is not used.
"""

import errno
import os
from pathlib import Path
from typing import Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from config.errors import KeyhatchError
from config.files import O_PRIVATE, write_private
from config.home import FILE_MODE
from config.private import require_private

KEY_FILE: Final = "ca.key"
_MAX_KEY_FILE: Final = 16 * 1024  # an EC P-256 key in PEM is 241 octets


def create_ca_key(path: Path) -> ec.EllipticCurvePrivateKey:
    """Make an EC P-256 key and write it, mode 0600. Raises KeyhatchError when it cannot."""
    key = ec.generate_private_key(ec.SECP256R1())
    write_private(path, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return key


def load_ca_key(path: Path) -> ec.EllipticCurvePrivateKey | None:
    """Return the key, None where there is no file.

    Raises KeyhatchError for a symbolic link, a file that is not plain, not ours or open to
    others, and for content that is not an EC P-256 key in PEM.
    """
    try:
        # Non-blocking: a planted FIFO must not hang the caller.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | O_PRIVATE)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise _unreadable(path, error) from error
    try:
        require_private(path, os.fstat(descriptor), FILE_MODE)
        content = os.read(descriptor, _MAX_KEY_FILE)
    finally:
        os.close(descriptor)
    return _parse(path, content)


def _parse(path: Path, content: bytes) -> ec.EllipticCurvePrivateKey:
    try:
        key = load_pem_private_key(content, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise _damaged(path) from error
    if not isinstance(key, ec.EllipticCurvePrivateKey) or key.curve.name != ec.SECP256R1.name:
        raise _damaged(path)
    return key


_START_ANEW: Final = (
    "restore {path} from a backup; or delete the ca folder's content and run `keyhatch serve`:"
    " a new CA is made, which clients must trust anew"
)


def _damaged(path: Path) -> KeyhatchError:
    return KeyhatchError(
        f"{path} is damaged: not an EC P-256 private key", hint=_START_ANEW.format(path=path)
    )


def _unreadable(path: Path, error: OSError) -> KeyhatchError:
    if error.errno == errno.ELOOP:
        return KeyhatchError(
            f"{path} is a symbolic link", hint="put the file itself there, or move the whole home"
        )
    return KeyhatchError(f"cannot read {path}: {error.strerror}")
