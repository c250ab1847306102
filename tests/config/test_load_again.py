"""A file read again: what it says anew is built anew, and nothing else."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from config.catalog import load_catalog
from config.connector import Registry
from config.document import Document
from config.errors import ConfigError
from config.home import Home
from config.load import Known, RegistryReader, registry_of
from config.marks import parse_yaml

TEXT = """\
version: 1
connectors:
  a: {type: api_key, hosts: [a.example]}
  b: {type: api_key, hosts: [b.example], rate: 5/minute}
agents:
  r: {connectors: [a, {connector: b, read_only: on}]}
  s: {connectors: [b]}
"""


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home(tmp_path / "home")
    home.create()
    return home


def write(home: Home, text: str) -> None:
    home.connectors.write_text(text)
    home.connectors.chmod(0o600)


def test_what_is_said_again_is_the_same_object(home: Home) -> None:
    reader = RegistryReader(home)
    write(home, TEXT)
    before = reader.read()
    write(home, "# moved\n" + TEXT.replace("5/minute", "6/minute").replace("  s: {", "  t: {"))
    after = reader.read()
    assert after.connectors["a"] is before.connectors["a"]
    assert after.agents["r"] is before.agents["r"]
    assert str(after.connectors["b"].policy.rates[0]) == "6/minute"
    assert list(after.agents) == ["r", "t"]


def test_a_file_that_says_all_of_it_again_is_not_read_twice(home: Home) -> None:
    reader = RegistryReader(home)
    write(home, TEXT)
    before = reader.read()
    write(home, TEXT)
    assert reader.read() is before


def test_a_file_that_does_not_load_is_not_remembered(home: Home) -> None:
    reader = RegistryReader(home)
    write(home, TEXT)
    before = reader.read()
    write(home, TEXT.replace("hosts: [a.example]", "hosts: [a..example]"))
    with pytest.raises(ConfigError, match="not a host name"):
        reader.read()
    write(home, TEXT)
    assert reader.read() == before


def test_an_agent_that_stays_is_held_against_the_connectors_that_are_left(home: Home) -> None:
    reader = RegistryReader(home)
    write(home, TEXT)
    reader.read()
    write(home, TEXT.replace("  b: {type", "  c: {type"))
    with pytest.raises(ConfigError, match="unknown connector 'b'"):
        reader.read()


def test_true_is_not_one(home: Home) -> None:
    """They are equal in Python; the file is checked before it is compared."""
    reader = RegistryReader(home)
    write(home, TEXT.replace("rate: 5/minute", "scrub: true"))
    reader.read()
    write(home, TEXT.replace("rate: 5/minute", "scrub: 1"))
    with pytest.raises(ConfigError, match="expected on or off"):
        reader.read()


ENTRIES: dict[str, st.SearchStrategy[Any]] = {
    "rate": st.sampled_from(["5/minute", ["5/minute"], "6/minute", "x"]),
    "read_only": st.sampled_from([True, False, "on", 1]),
    "concurrency": st.sampled_from([1, 2, True]),
    "name": st.sampled_from(["A", "B"]),
}
FILES = st.fixed_dictionaries(
    {
        "version": st.just(1),
        "connectors": st.dictionaries(
            st.sampled_from("abc"),
            st.fixed_dictionaries(
                {
                    "type": st.just("api_key"),
                    "hosts": st.sampled_from([["a.example"], ["b.example"]]),
                },
                optional=ENTRIES,
            ),
        ),
        "agents": st.dictionaries(
            st.sampled_from("xy"),
            st.fixed_dictionaries({}, optional={"connectors": st.lists(st.sampled_from("abc"))}),
        ),
    }
)


@settings(max_examples=200, deadline=None)
@given(st.lists(FILES, min_size=2, max_size=4))
def test_reading_again_is_reading(files: list[dict[str, Any]]) -> None:
    """JSON is YAML: any sequence of files, each as if it were the first."""
    known: Known | None = None
    for file in files:
        text = json.dumps(file)
        document = parse_yaml(text, source="connectors.yaml")
        found, expected = read(document, known), read(document, None)
        assert found == expected
        if isinstance(found, Registry):
            known = Known(document.value, found)


def read(document: Document, known: Known | None) -> Registry | str:
    """Return the registry, or the error's text."""
    try:
        return registry_of(document, load_catalog(), known)
    except ConfigError as error:
        return str(error)
