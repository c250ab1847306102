import pytest

from config.catalog import load_catalog
from config.connector import ConnectorType
from config.edit import ConnectorsFile
from tests.support.command_line import CommandLine

IDS = load_catalog().ids()


def test_every_provider_is_listed(bare: CommandLine) -> None:
    assert [row["id"] for row in bare("catalog", "list", "--json").json] == list(IDS)
    assert len(bare("catalog", "list").out.splitlines()) == len(IDS) + 1


@pytest.mark.parametrize("provider", IDS)
def test_each_provider_shows_where_its_credential_goes(bare: CommandLine, provider: str) -> None:
    outcome = bare("catalog", "show", provider)
    assert outcome.code == 0, outcome.err
    for word in ("hosts", "placement", "confidence"):
        assert f"\n{word} " in outcome.out
    assert bare("catalog", "show", provider, "--json").json["forms"]


def test_a_placement_reads_like_what_is_sent(bare: CommandLine) -> None:
    forms = bare("catalog", "show", "hubspot", "--json").json["forms"]
    assert forms["api_key"]["placement"] == ["header Authorization: Bearer {secret}"]


def test_an_unknown_provider_gets_the_nearest(bare: CommandLine) -> None:
    outcome = bare("catalog", "show", "hubspott")
    assert (outcome.code, outcome.hint) == (3, "did you mean 'hubspot'?")


@pytest.mark.parametrize("provider", IDS)
def test_secrets_are_asked_for_in_the_order_that_is_shown(provider: str) -> None:
    form = load_catalog().provider(provider).forms.get(ConnectorType.API_KEY)
    if form is None:
        return
    given = {name: var.example for name, var in form.vars.items()}
    file = ConnectorsFile("version: 1\n", source="x", catalog=load_catalog())
    entry = {"type": "api_key", "provider": provider, **({"vars": given} if given else {})}
    connector = file.add_connector("x", entry)
    assert connector.slots == tuple(form.secrets)
