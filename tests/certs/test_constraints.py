"""Which names the CA may speak for."""

from datetime import UTC, datetime

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st

from certs.constraints import constrained_names, covers, permitted_names, with_portal
from certs.profile import sign_authority
from config.connector import Connector, ConnectorType, Registry, Settings
from config.destination import DestinationPattern

KEY = ec.generate_private_key(ec.SECP256R1())
NOW = datetime(2030, 1, 1, tzinfo=UTC)
LABEL = st.from_regex(r"[a-z][a-z0-9_]{0,8}", fullmatch=True)
NAME = st.lists(LABEL, min_size=1, max_size=5).map(".".join)


def connector(slug: str, *destinations: DestinationPattern, enabled: bool = True) -> Connector:
    return Connector(slug, slug, slug, ConnectorType.API_KEY, destinations, (), enabled=enabled)


def registry(*connectors: Connector, name_constraints: bool = True) -> Registry:
    settings = Settings(name_constraints=name_constraints)
    return Registry(settings, {each.slug: each for each in connectors})


def names_of(*connectors: Connector) -> frozenset[str]:
    found = permitted_names(registry(*connectors))
    assert found is not None
    return found


def test_names_are_those_of_the_connectors_and_the_portal() -> None:
    found = names_of(
        connector("one", DestinationPattern("https", "api.example.com", 443)),
        connector("two", DestinationPattern("https", "tenant.example", 443, wildcard=True)),
    )
    assert found == {"api.example.com", "tenant.example", "keyhatch.internal"}


def test_a_disabled_connector_keeps_its_names() -> None:
    """Enabling it must not need clients to load the CA again."""
    pattern = DestinationPattern("https", "api.example.com", 443)
    assert "api.example.com" in names_of(connector("one", pattern, enabled=False))


@pytest.mark.parametrize(
    "pattern",
    [DestinationPattern("http", "plain.example", 80), DestinationPattern("https", "10.1.2.3", 443)],
    ids=["no TLS", "an address"],
)
def test_a_destination_that_needs_no_leaf_is_left_out(pattern: DestinationPattern) -> None:
    assert names_of(connector("one", pattern)) == {"keyhatch.internal"}


def test_the_setting_switches_constraints_off() -> None:
    assert permitted_names(registry(name_constraints=False)) is None


@pytest.mark.parametrize(
    ("host", "covered"),
    [
        ("api.example.com", True),
        ("below.api.example.com", True),
        ("hubspot.connector.keyhatch.internal", True),
        ("example.com", False),
        ("evilapi.example.com", False),
        ("api.example.com.evil.test", False),
        ("api.example.com.", False),
        ("API.example.com", False),
        ("*.api.example.com", False),
        ("10.1.2.3", False),
        ("::1", False),
        ("", False),
        (".api.example.com", False),
        ("a\x00.api.example.com", False),
        ("a b.api.example.com", False),
        ("bücher.api.example.com", False),
    ],
)
def test_coverage_is_by_whole_labels_of_canonical_names(host: str, covered: bool) -> None:
    assert covers(with_portal({"api.example.com"}), host) is covered


@pytest.mark.parametrize("host", ["10.1.2.3", "::1", "*.example.com", "", "a..b"])
def test_without_constraints_addresses_and_wildcards_are_still_not_covered(host: str) -> None:
    assert not covers(None, host)
    assert covers(None, "any.example")


@given(st.frozensets(NAME, max_size=30))
def test_names_survive_the_way_through_a_certificate(names: frozenset[str]) -> None:
    certificate = sign_authority(KEY, with_portal(names), NOW)
    assert constrained_names(certificate) == names | {"keyhatch.internal"}


@given(st.frozensets(NAME, min_size=1, max_size=10), NAME)
def test_coverage_agrees_with_the_definition(names: frozenset[str], host: str) -> None:
    expected = any(host == name or host.endswith(f".{name}") for name in names)
    assert covers(names, host) is expected
