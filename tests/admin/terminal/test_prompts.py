import pytest

from admin.terminal.prompts import (
    DeclinedError,
    ask_new_passphrase,
    ask_passphrase,
    require_consent,
    secrets_for,
)
from config.errors import OperatorNeededError, UsageError
from proxy.secret import MAX_SECRET, Secret, accept_secret
from tests.support.command_line import FakeTerminal

CANARY = "sk-canary-0123456789"


def taken(_slot: str, text: str) -> Secret:
    return accept_secret(text)


def from_stdin(content: bytes, *slots: str) -> dict[str, Secret]:
    terminal = FakeTerminal(stdin=content)
    return secrets_for(terminal, "x", slots or ("secret",), {}, taken, from_stdin=True)


@pytest.mark.parametrize("ending", ["", "\n", "\r\n"])
def test_one_final_line_break_is_not_part_of_a_secret(ending: str) -> None:
    assert from_stdin((CANARY + ending).encode()) == {"secret": Secret(CANARY)}


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\n",
        b"zq7",
        b"zq7 first line\nzq7 second line\n",
        b"zq7-with\rreturn",
        b"zq7-with\0nul",
        b"zq7-with\x1bescape",
        "zq7-schlüssel".encode(),
        b"zq7\xff\xfe\xfd\xfc\xfb\xfa\xf9\xf8",
        b"zq7" * MAX_SECRET,
    ],
)
def test_what_no_header_can_carry_is_refused_and_not_repeated(content: bytes) -> None:
    with pytest.raises(UsageError) as caught:
        from_stdin(content)
    assert "zq7" not in str(caught.value) + caught.value.hint
    assert caught.value.__context__ is None or caught.value.__suppress_context__


def test_several_slots_take_one_line_each_in_order() -> None:
    secrets = from_stdin(b"first-secret\nsecond-secret\n", "api_key", "app_key")
    assert secrets == {"api_key": Secret("first-secret"), "app_key": Secret("second-secret")}


@pytest.mark.parametrize("content", [b"only-one-line\n", b"one-line-1\none-line-2\none-line-3\n"])
def test_another_number_of_lines_is_refused_with_the_order(content: bytes) -> None:
    with pytest.raises(UsageError) as caught:
        from_stdin(content, "api_key", "app_key")
    assert "api_key, app_key" in caught.value.hint


def test_a_prompt_uses_the_service_s_own_word() -> None:
    terminal = FakeTerminal(typed=[CANARY])
    secrets = secrets_for(
        terminal, "HubSpot", ["secret"], {"secret": "access token"}, taken, from_stdin=False
    )
    assert secrets == {"secret": Secret(CANARY)}
    assert terminal.asked == ["access token for HubSpot"]


def test_without_terminal_and_without_stdin_there_is_no_secret() -> None:
    with pytest.raises(UsageError) as caught:
        secrets_for(FakeTerminal(), "x", ["secret"], {}, taken, from_stdin=False)
    assert "--secret-stdin" in caught.value.hint


def test_no_slot_asks_nothing() -> None:
    assert secrets_for(FakeTerminal(), "x", [], {}, taken, from_stdin=False) == {}


def test_a_locked_vault_without_terminal_needs_the_operator() -> None:
    with pytest.raises(OperatorNeededError):
        ask_passphrase(FakeTerminal())


def test_a_new_passphrase_is_typed_twice() -> None:
    assert ask_new_passphrase(FakeTerminal(typed=["a b c d", "a b c d"])) == Secret("a b c d")


@pytest.mark.parametrize("typed", [["one two", "one too"], [""]])
def test_a_new_passphrase_that_differs_or_is_empty_is_refused(typed: list[str]) -> None:
    with pytest.raises(UsageError):
        ask_new_passphrase(FakeTerminal(typed=typed))


def test_consent_that_was_given_is_not_asked_for() -> None:
    terminal = FakeTerminal(typed=[])
    require_consent(terminal, "sure?", given=True)
    assert terminal.asked == []


def test_no_means_no() -> None:
    with pytest.raises(DeclinedError):
        require_consent(FakeTerminal(typed=[], agrees=False), "sure?", given=False)


def test_consent_without_terminal_needs_yes() -> None:
    with pytest.raises(UsageError) as caught:
        require_consent(FakeTerminal(), "sure?", given=False)
    assert "--yes" in caught.value.hint
