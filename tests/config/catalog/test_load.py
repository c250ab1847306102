"""The catalog as it comes with the program, and how it is read."""

import re
from pathlib import Path

import pytest

from config.catalog import Catalog, Form, OAuthForm, load_catalog
from config.connector import (
    BasicPlacement,
    Connector,
    ConnectorType,
    HeaderPlacement,
    PathPlacement,
    QueryPlacement,
)
from config.env import is_credential
from config.errors import ConfigError, NotFoundError, UsageError
from config.headers import parse_header_name, parse_header_value
from config.load import load_registry
from config.render import render_inline
from config.template import Template

CATALOG = load_catalog()
FORMS = [
    pytest.param(id_, kind, id=f"{id_}-{kind}")
    for id_ in CATALOG.ids()
    for kind in CATALOG.provider(id_).forms
]


def form_of(id_: str, kind: ConnectorType) -> Form:
    return CATALOG.provider(id_).form(kind)


def build(id_: str, kind: ConnectorType) -> Connector:
    """Return the connector that a form makes when its example vars are given."""
    form = form_of(id_, kind)
    entry: dict[str, object] = {"type": kind.value}
    if kind is ConnectorType.INTERCOM:
        entry["region"] = form.vars["region"].example
    else:
        entry["provider"] = id_
        if form.vars:
            entry["vars"] = {name: var.example for name, var in form.vars.items()}
    if isinstance(form, OAuthForm):
        entry["client_id"] = "x"
    text = f"version: 1\nconnectors: {{a: {render_inline(entry)}}}"
    return load_registry(text, source="f", catalog=CATALOG).connectors["a"]


@pytest.mark.parametrize(("id_", "kind"), FORMS)
def test_every_form_makes_a_connector_with_its_example_vars(id_: str, kind: ConnectorType) -> None:
    form, connector = form_of(id_, kind), build(id_, kind)
    values = {name: var.accept(name, var.example) for name, var in form.vars.items()}
    expected = [Template(host).fill_known(values).text for host in form.hosts]
    assert [pattern.host for pattern in connector.destinations] == expected
    assert not any(pattern.wildcard for pattern in connector.destinations)
    slots = {"access_token"} if isinstance(form, OAuthForm) else set(form.secrets)
    assert set(connector.placement_slots) == slots
    assert not form.secrets or set(connector.slots) == set(form.secrets)
    assert dict(connector.headers) == dict(form.headers)
    assert connector.test_path is None or "{" not in connector.test_path
    assert bool(connector.token_urls) == isinstance(form, OAuthForm)


@pytest.mark.parametrize(("id_", "kind"), FORMS)
def test_a_var_in_a_host_cannot_leave_its_domain(id_: str, kind: ConnectorType) -> None:
    """What an operator gives is one label, or one of the provider's own names."""
    form = form_of(id_, kind)
    for name in {slot for host in form.hosts for slot in Template(host).slots}:
        var = form.vars[name]
        hostile = ["evil.example", "a.evil.example", "x/", "x@", "evil.example#", "", "*", "x\n"]
        for text in hostile:
            with pytest.raises(UsageError):
                var.accept(name, text)


@pytest.mark.parametrize(("id_", "kind"), FORMS)
def test_every_var_has_one_rule_and_a_default_that_fits(id_: str, kind: ConnectorType) -> None:
    for name, var in form_of(id_, kind).vars.items():
        assert bool(var.pattern) != bool(var.choices), name
        re.compile(var.pattern)
        var.accept(name, var.example)
        if var.default:
            var.accept(name, var.default)


@pytest.mark.parametrize(("id_", "kind"), FORMS)
def test_fixed_headers_and_strips_can_be_sent(id_: str, kind: ConnectorType) -> None:
    form = form_of(id_, kind)
    for name, value in form.headers.items():
        parse_header_name(name)
        parse_header_value(value)
    for name in form.strip.headers:
        parse_header_name(name)


@pytest.mark.parametrize(("id_", "kind"), FORMS)
def test_variables_stand_for_a_credential_by_a_word_or_are_public(
    id_: str, kind: ConnectorType
) -> None:
    for name, text in form_of(id_, kind).env.items():
        assert re.fullmatch(r"[A-Z][A-Z0-9_]*", name)
        assert is_credential(text) or re.fullmatch(r"\{[a-z_]+\}", text), (name, text)


def test_placeholders_have_the_form_that_sdks_look_for() -> None:
    """googlemaps wants AIza, aiogram digits and a colon, gh and git-hosting scanners 36 characters."""
    shapes = {
        "OPENAI_API_KEY": r"sk-.+",
        "ANTHROPIC_API_KEY": r"sk-ant-.+",
        "GITHUB_TOKEN": r"gh[ps]_[A-Za-z0-9]{36}",
        "GOOGLE_MAPS_API_KEY": r"AIza[\w-]{35}",
        "SLACK_BOT_TOKEN": r"xoxb-.+",
        "STRIPE_API_KEY": r"sk_test_[A-Za-z0-9]{20,}",
        "TELEGRAM_BOT_TOKEN": r"[0-9]{10}:[\w-]{30,}",
    }
    given = {name: text for id_, kind in _forms() for name, text in form_of(id_, kind).env.items()}
    for name, shape in shapes.items():
        assert re.fullmatch(shape, given[name]), name
        assert "kh" in given[name]


def test_every_kind_of_placement_is_in_the_catalog() -> None:
    placements = [placement for id_, kind in _forms() for placement in build(id_, kind).placements]
    kinds = {type(placement) for placement in placements}
    assert kinds == {HeaderPlacement, QueryPlacement, BasicPlacement, PathPlacement}
    basics = {
        (p.username.text, p.password.text) for p in placements if isinstance(p, BasicPlacement)
    }
    assert {("{secret}", ""), ("api", "{secret}")} < basics
    assert len(build("datadog", ConnectorType.API_KEY).placements) == 2
    assert build("anthropic", ConnectorType.API_KEY).headers == (
        ("anthropic-version", "2023-06-01"),
    )


def _forms() -> list[tuple[str, ConnectorType]]:
    return [(id_, kind) for id_ in CATALOG.ids() for kind in CATALOG.provider(id_).forms]


@pytest.mark.parametrize(
    "id_",
    [
        "anthropic",
        "datadog",
        "deepgram",
        "github",
        "google-analytics",
        "google-maps",
        "hubspot",
        "intercom",
        "jira",
        "mailgun",
        "notion",
        "openai",
        "serpapi",
        "stripe",
        "telegram",
        "twilio",
    ],
)
def test_the_first_providers_are_there(id_: str) -> None:
    assert CATALOG.provider(id_).id == id_


def test_an_unknown_provider_has_a_nearest_one() -> None:
    with pytest.raises(NotFoundError) as caught:
        CATALOG.provider("hubspt")
    assert caught.value.hint == "did you mean 'hubspot'?"


@pytest.mark.parametrize("id_", ["", "../load", "hubspot.yaml", "HUBSPOT", "/etc/passwd"])
def test_an_id_is_never_a_path(id_: str) -> None:
    with pytest.raises(NotFoundError):
        CATALOG.provider(id_)


def test_a_file_is_read_when_it_is_asked_for(tmp_path: Path) -> None:
    (tmp_path / "good.yaml").write_text(
        "name: Good\napi_key:\n  hosts: [a.example]\n  placement: {query: key}\n"
        "  secrets: {secret: key}\n  confidence: checked\n"
    )
    (tmp_path / "bad.yaml").write_text("name: Bad\napi_kee: {}\n")
    catalog = Catalog(tmp_path)
    assert catalog.ids() == ("bad", "good")
    assert catalog.provider("good") is catalog.provider("good")
    with pytest.raises(ConfigError, match=r"bad\.yaml:2:1: unknown key 'api_kee'") as caught:
        catalog.provider("bad")
    assert caught.value.hint == "did you mean 'api_key'?"


def test_a_form_that_a_provider_lacks_names_those_it_has() -> None:
    with pytest.raises(UsageError) as caught:
        CATALOG.provider("openai").form(ConnectorType.OAUTH)
    assert caught.value.hint == "use type: api_key"
