"""Throw-away private keys in the forms that operators have them in."""

import json
from functools import cache

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

type Key = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey


@cache
def rsa_key(bits: int = 2048) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=bits)


@cache
def ec_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


@cache
def ed25519_key() -> ed25519.Ed25519PrivateKey:
    return ed25519.Ed25519PrivateKey.generate()


def pem(key: Key, *, traditional: bool = False, passphrase: bytes | None = None) -> str:
    """Return a private key as PEM; `traditional` is PKCS #1 or SEC 1, as GitHub gives it."""
    form = serialization.PrivateFormat
    return key.private_bytes(
        serialization.Encoding.PEM,
        form.TraditionalOpenSSL if traditional else form.PKCS8,
        serialization.BestAvailableEncryption(passphrase)
        if passphrase
        else serialization.NoEncryption(),
    ).decode()


def service_account() -> str:
    """Return a Google service account's file, with a `token_uri` that nobody should follow."""
    return json.dumps(
        {
            "type": "service_account",
            "project_id": "acme",
            "private_key_id": "kid-1",
            "private_key": pem(rsa_key()),
            "client_email": "robot@acme.iam.gserviceaccount.com",
            "client_id": "100000000000000000000",
            "token_uri": "https://evil.example/token",
        }
    )
