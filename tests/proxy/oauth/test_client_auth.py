"""A client shows who it is in the one way that it is registered with."""

import base64
from datetime import timedelta
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey

from config.errors import OperatorNeededError
from config.oauth import Assertion, ClientAuth
from proxy.oauth.client_auth import ASSERTION_TYPE, ClientKeys, authenticate
from proxy.secret import Secret
from tests.support.oauth_clients import KEYS, MOMENT, NOW, client
from tests.support.signing_keys import ec_key, pem


def claims_of(**changes: Any) -> dict[str, Any]:
    keys = ClientKeys(private_key=Secret(pem(ec_key())))
    registered = client(client_auth=ClientAuth.PRIVATE_KEY_JWT, **changes)
    sent = dict(authenticate(registered, keys, MOMENT).parameters)
    assert sent["client_assertion_type"] == ASSERTION_TYPE
    assertion = sent["client_assertion"]
    assert isinstance(assertion, Secret)
    token = jwt.decode(assertion.reveal(), ECKey.import_key(pem(ec_key())))
    return dict(token.claims)


def test_basic_goes_into_the_header_alone() -> None:
    proof = authenticate(client(client_auth=ClientAuth.BASIC), KEYS, MOMENT)
    pair = base64.b64encode(b"client-1:client-secret-1").decode()
    assert proof.headers == (("authorization", f"Basic {pair}"),)
    assert proof.parameters == ()


def test_basic_encodes_both_sides_first() -> None:
    """RFC 6749, 2.3.1: else an id with a colon would end in the secret."""
    keys = ClientKeys(client_secret=Secret("p+q/r s%"))
    proof = authenticate(client(client_auth=ClientAuth.BASIC, client_id="a:b"), keys, MOMENT)
    pair = base64.b64decode(proof.headers[0][1].removeprefix("Basic "))
    assert pair == b"a%3Ab:p%2Bq%2Fr+s%25"


def test_post_goes_into_the_body_alone() -> None:
    proof = authenticate(client(client_auth=ClientAuth.POST), KEYS, MOMENT)
    assert proof.headers == ()
    assert proof.parameters == (("client_id", "client-1"), ("client_secret", KEYS.client_secret))


def test_a_public_client_sends_its_id_and_no_secret() -> None:
    proof = authenticate(client(client_auth=ClientAuth.NONE), KEYS, MOMENT)
    assert proof.headers == ()
    assert proof.parameters == (("client_id", "client-1"),)


def test_a_signed_assertion_is_for_one_server_once_and_briefly() -> None:
    issued = int(NOW.timestamp())
    assert claims_of() == {
        "iss": "client-1",
        "sub": "client-1",
        "aud": "https://as.example/token",
        "iat": issued,
        "exp": issued + timedelta(minutes=5).total_seconds(),
        "jti": MOMENT.nonce(),
    }


def test_its_audience_is_the_issuer_where_that_is_known() -> None:
    assert claims_of(issuer="https://as.example")["aud"] == "https://as.example"


def test_its_audience_can_be_said() -> None:
    changes = {"issuer": "https://as.example", "assertion": Assertion(audience="https://x.example")}
    assert claims_of(**changes)["aud"] == "https://x.example"


@pytest.mark.parametrize(
    "kind", [ClientAuth.BASIC, ClientAuth.POST, ClientAuth.PRIVATE_KEY_JWT], ids=str
)
def test_a_missing_secret_is_the_operators_to_mend(kind: ClientAuth) -> None:
    with pytest.raises(OperatorNeededError, match="is missing"):
        authenticate(client(client_auth=kind), ClientKeys(), MOMENT)


@pytest.mark.parametrize("kind", [ClientAuth.BASIC, ClientAuth.POST], ids=str)
def test_a_proof_does_not_print_itself(kind: ClientAuth) -> None:
    assert repr(authenticate(client(client_auth=kind), KEYS, MOMENT)) == "ClientProof()"
