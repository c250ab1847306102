import pytest

from proxy.policy.names import refused_name

SPECIAL = ("intranet", "localhost", "a.localhost", "printer.local", "nas.home.arpa", "x.invalid")
RESERVED = ("x.internal", "metadata.google.internal", "api.corp", "a.b.lan", "hidden.onion")


@pytest.mark.parametrize("host", [*SPECIAL, *RESERVED])
def test_local_names_are_refused(host: str) -> None:
    assert refused_name(host)


@pytest.mark.parametrize(
    "host", ["example.com", "local.example.com", "notlocal.com", "x.arpa", "mylocalhost.dev"]
)
def test_public_names_are_not(host: str) -> None:
    assert not refused_name(host)
