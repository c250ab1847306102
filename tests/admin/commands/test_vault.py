import pytest

from tests.support.command_line import CommandLine

WORDS = "correct horse battery staple"


@pytest.fixture
def line(keyhatch: CommandLine) -> CommandLine:
    outcome = keyhatch(
        "connector", "add", "X", "--type", "api-key", "--host", "x.example.com", "--secret-stdin",
        stdin="secret-of-x",
    )  # fmt: skip
    assert outcome.code == 0, outcome.err
    return keyhatch


def test_status_tells_where_the_key_is_and_how_much_is_held(line: CommandLine) -> None:
    facts = line("vault", "status", "--json").json
    assert (facts["key_source"], facts["secrets"]) == ("file", 1)
    assert facts["without_connector"] == []


def test_status_names_secrets_whose_connector_is_gone(line: CommandLine) -> None:
    (line.home / "connectors.yaml").write_text("version: 1\n")
    assert line("vault", "status", "--json").json["without_connector"] == ["x"]


def test_after_a_rotation_the_connector_is_as_ready_as_before(line: CommandLine) -> None:
    before = line.files()["vault.db"]
    assert line("vault", "rotate-key").code == 0
    assert line.files()["vault.db"] != before
    assert "ready" in line("connector", "list").out


def test_the_key_moves_to_a_passphrase_and_back(line: CommandLine) -> None:
    outcome = line("vault", "change-key", "--key-source", "passphrase", typed=[WORDS, WORDS])
    assert outcome.out == "the vault's key is now kept by: passphrase\n"
    locked = line("vault", "rotate-key")
    assert locked.code == 5
    assert locked.hint
    back = line("vault", "change-key", "--key-source", "file", typed=[WORDS])
    assert back.code == 0
    assert line("vault", "rotate-key").code == 0


def test_a_wrong_passphrase_changes_nothing(line: CommandLine) -> None:
    line("vault", "change-key", "--key-source", "passphrase", typed=[WORDS, WORDS])
    before = line.files()
    outcome = line("vault", "rotate-key", typed=["quite another one"])
    assert outcome.code == 5
    assert line.files() == before


def test_two_different_passphrases_change_nothing(line: CommandLine) -> None:
    before = line.files()
    outcome = line(
        "vault", "change-key", "--key-source", "passphrase", typed=["one two", "one too"]
    )
    assert outcome.code == 2
    assert line.files() == before


def test_change_key_has_to_be_told_where_to(line: CommandLine) -> None:
    outcome = line("vault", "change-key")
    assert outcome.code == 2
    assert outcome.hint
