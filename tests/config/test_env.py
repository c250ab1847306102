import pytest

from config.catalog import load_catalog
from config.connector import Connector
from config.env import is_credential
from config.errors import ConfigError
from config.load import load_registry


def load(entry: str) -> Connector:
    text = f"version: 1\nconnectors:\n  it: {entry}\n"
    return load_registry(text, source="connectors.yaml", catalog=load_catalog()).connectors["it"]


def test_a_providers_variables_come_from_the_catalog() -> None:
    env = dict(load("{type: api_key, provider: openai}").env)
    assert env["OPENAI_API_KEY"].startswith("sk-")
    assert is_credential(env["OPENAI_API_KEY"])


def test_public_values_are_filled_in() -> None:
    account = "AC0123456789abcdef0123456789abcdef"
    env = dict(load(f"{{type: api_key, provider: twilio, vars: {{account: {account}}}}}").env)
    assert env["TWILIO_ACCOUNT_SID"] == account
    assert not is_credential(env["TWILIO_ACCOUNT_SID"])


def test_the_operators_own_win() -> None:
    entry = "{type: api_key, provider: openai, env: {OPENAI_API_KEY: my-placeholder, MY_KEY: ''}}"
    assert dict(load(entry).env) == {"OPENAI_API_KEY": "my-placeholder", "MY_KEY": ""}


@pytest.mark.parametrize(
    "name",
    [
        *("A-B", "1A", "''", "'A B'", "PATH", "LD_PRELOAD", "PYTHONPATH", "NODE_OPTIONS"),
        *("http_proxy", "KEYHATCH_HOME", "SSL_CERT_FILE"),
    ],
)
def test_a_name_that_is_no_sdks_is_refused(name: str) -> None:
    with pytest.raises(ConfigError, match="cannot be set for agents"):
        load(f"{{type: api_key, hosts: [a.example], env: {{{name}: placeholder}}}}")


@pytest.mark.parametrize("text", ['"a\\nb"', '"é"', '"\\0"'])
def test_a_text_that_does_not_print_is_refused(text: str) -> None:
    with pytest.raises(ConfigError):
        load(f"{{type: api_key, hosts: [a.example], env: {{A: {text}}}}}")
