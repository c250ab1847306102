import json
from typing import Any

import pytest

from config.home import Home
from proxy.vault.tokens import AgentTokens
from tests.support.command_line import CommandLine

TOKEN = "kh_" + "x" * 43


@pytest.fixture
def line(keyhatch: CommandLine) -> CommandLine:
    """A home with the connectors `openai` and `stripe`, and `ada` who may use the first."""
    for provider in ("openai", "stripe"):
        keyhatch(
            "connector", "add", provider, "--type", "api-key", "--provider", provider, "--no-secret"
        )
    keyhatch("agent", "add", "ada", "--connector", "openai")
    return keyhatch


def variables(line: CommandLine, *words: str, stdin: str = "") -> Any:
    outcome = line("env", "--agent", "ada", "--format", "json", *words, stdin=stdin)
    assert outcome.code == 0, outcome.err
    return outcome.json


def tokens_of(line: CommandLine) -> int:
    with AgentTokens(Home(line.home), now=line.now) as tokens:
        return len(tokens.issued())


def test_it_has_proxy_certificates_and_the_agents_placeholders(line: CommandLine) -> None:
    found = variables(line)
    assert found["HTTPS_PROXY"] == found["https_proxy"]
    assert found["HTTPS_PROXY"].startswith("http://ada:kh_")
    assert found["HTTPS_PROXY"].endswith("@127.0.0.1:8321")
    assert found["SSL_CERT_FILE"] == str(line.home / "ca" / "bundle.pem")
    assert found["OPENAI_API_KEY"].startswith("sk-kh-placeholder")
    assert "STRIPE_API_KEY" not in found


def test_its_token_ends_by_itself_and_is_one_more(line: CommandLine) -> None:
    outcome = line("env", "--agent", "ada", "--ttl", "2h")
    assert outcome.err == "with a token of ada that expires on 2026-05-09 14:00:00Z\n"
    assert tokens_of(line) == 2


def test_a_token_from_standard_input_is_used_and_none_is_made(line: CommandLine) -> None:
    found = variables(line, "--token-stdin", stdin=TOKEN + "\n")
    assert found["HTTP_PROXY"] == f"http://ada:{TOKEN}@127.0.0.1:8321"
    assert tokens_of(line) == 1


@pytest.mark.parametrize("given", ["", "sk-canary-123456", "kh_a b", "kh_a\nkh_b", "kh_\x00"])
def test_what_is_no_token_is_refused_and_not_repeated(line: CommandLine, given: str) -> None:
    outcome = line("env", "--agent", "ada", "--token-stdin", stdin=given)
    assert (outcome.code, outcome.out) == (2, "")
    assert "canary" not in outcome.err


def test_an_agent_with_a_port_of_its_own_needs_no_token(line: CommandLine) -> None:
    line("agent", "add", "bob", "--connector", "openai", "--listen", "127.0.0.1:8401")
    before = tokens_of(line)
    found = line("env", "--agent", "bob", "--format", "json").json
    assert found["HTTP_PROXY"] == "http://127.0.0.1:8401"
    assert tokens_of(line) == before
    narrowed = line("env", "--agent", "bob", "--format", "json", "--connector", "openai").json
    assert "kh_" in narrowed["HTTP_PROXY"]


def test_without_a_token_it_is_for_a_listener_that_is_reached_elsewhere(line: CommandLine) -> None:
    line("agent", "add", "bob", "--connector", "openai", "--listen", "unix:./run/bob.sock")
    before = tokens_of(line)
    words = ("env", "--agent", "bob", "--format", "json", "--no-token", "--address")
    found = line(*words, "127.0.0.1:8321").json
    assert found["HTTP_PROXY"] == "http://127.0.0.1:8321"
    assert tokens_of(line) == before


@pytest.mark.parametrize(
    ("agent", "words"),
    [("ada", ()), ("bob", ("--connector", "openai")), ("bob", ("--token-stdin",))],
)
def test_no_token_is_refused_where_one_would_be_needed_or_is_given(
    line: CommandLine, agent: str, words: tuple[str, ...]
) -> None:
    line("agent", "add", "bob", "--connector", "openai", "--listen", "unix:./run/bob.sock")
    outcome = line("env", "--agent", agent, "--no-token", *words, stdin=TOKEN)
    assert (outcome.code, outcome.out) == (2, "")
    assert "--no-token" in outcome.err


def test_a_container_finds_proxy_and_certificates_elsewhere(line: CommandLine) -> None:
    outcome = line(
        *("env", "--agent", "ada", "--format", "docker"),
        *("--address", "172.17.0.1:8321", "--ca-folder", "/keyhatch"),
    )
    lines = outcome.out.splitlines()
    assert "SSL_CERT_FILE=/keyhatch/bundle.pem" in lines
    assert any(one.startswith("HTTP_PROXY=") and "@172.17.0.1:8321" in one for one in lines)
    assert str(line.home) not in outcome.out


@pytest.mark.parametrize("form", ["shell", "dotenv", "docker", "systemd", "json"])
def test_no_secret_of_a_connector_is_in_any_form(line: CommandLine, form: str) -> None:
    secret = "sk-canary-5f0c1d2e3b4a"
    line("connector", "set", "openai", "--secret-stdin", stdin=secret)
    outcome = line("env", "--agent", "ada", "--format", form)
    assert outcome.code == 0
    assert secret not in outcome.out + outcome.err
    assert "sk-kh-placeholder" in outcome.out


def test_a_connector_that_the_agent_does_not_have_makes_no_token(line: CommandLine) -> None:
    outcome = line("env", "--agent", "ada", "--connector", "stripe")
    assert (outcome.code, outcome.error) == (2, "agent ada was not granted stripe")
    assert tokens_of(line) == 1


def test_a_given_token_cannot_be_narrowed(line: CommandLine) -> None:
    words = ("env", "--agent", "ada", "--connector", "openai", "--token-stdin")
    assert line(*words, stdin=TOKEN).code == 2


def test_json_is_one_object_of_texts(line: CommandLine) -> None:
    found = json.loads(line("env", "--agent", "ada", "--format", "json").out)
    assert all(isinstance(text, str) for text in found.values())
