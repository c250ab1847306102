from pathlib import Path

import pytest

from admin.environment.proxy import agent_environment, reachable
from certs.bundle import client_environment
from config.home import Home
from proxy.secret import Secret

HOME = Home(Path("/kh"))
TOKEN = Secret("kh_0123456789")
URL = "http://ada:kh_0123456789@127.0.0.1:8321"


def environment(**caller: str) -> dict[str, str]:
    return agent_environment(caller, HOME, "127.0.0.1:8321", "ada", TOKEN)


@pytest.mark.parametrize("name", ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"])
def test_the_proxy_is_named_in_both_cases(name: str) -> None:
    made = environment()
    assert made[name] == made[name.lower()] == URL


def test_the_callers_own_proxy_and_its_exceptions_are_replaced() -> None:
    """I15: `NO_PROXY=*` would be a way around."""
    made = environment(http_proxy="http://corp:3128", NO_PROXY="*", no_proxy="api.hubapi.com")
    assert made["http_proxy"] == URL
    assert made["NO_PROXY"] == made["no_proxy"] == "localhost,127.0.0.1,::1"


def test_invariant_08_keyhatchs_own_variables_are_not_passed_on() -> None:
    made = environment(
        KEYHATCH_HOME="/kh", KEYHATCH_VAULT_KEY_FILE="/key", KEYHATCH_ANYTHING="1", PATH="/bin"
    )
    assert not [name for name in made if name.startswith("KEYHATCH")]
    assert made["PATH"] == "/bin"


def test_every_variable_that_clients_read_certificates_from_is_set() -> None:
    made = environment(SSL_CERT_FILE="/other.pem")
    wanted = client_environment(HOME)
    assert wanted
    assert {name: made[name] for name in wanted} == wanted


def test_node_is_told_to_look_at_the_proxy_variables() -> None:
    assert environment()["NODE_USE_ENV_PROXY"] == "1"


def test_the_callers_environment_is_left_alone() -> None:
    caller = {"A": "1", "KEYHATCH_HOME": "/kh"}
    agent_environment(caller, HOME, "127.0.0.1:8321", "ada", TOKEN)
    assert caller == {"A": "1", "KEYHATCH_HOME": "/kh"}


@pytest.mark.parametrize(
    ("listen", "address"),
    [
        ("127.0.0.1:8321", "127.0.0.1:8321"),
        ("0.0.0.0:8321", "127.0.0.1:8321"),
        ("[::]:8321", "[::1]:8321"),
        ("192.0.2.7:80", "192.0.2.7:80"),
    ],
)
def test_a_proxy_on_every_address_is_called_at_loopback(listen: str, address: str) -> None:
    assert reachable(listen) == address
