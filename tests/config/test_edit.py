"""connectors.yaml edited in place: nothing but what was asked for changes."""

from typing import Any

import pytest

from config.edit import initial_text
from config.errors import ConfigError, ConflictError, NotFoundError, UsageError
from config.marks import parse_yaml
from config.splice import CannotEditError
from tests.support.config_texts import OPENAI, load, opened

TEXT = """\
# top

version: 1  # one
connectors:
  # about a
  a:
    name: 'A'   # quoted
    type: api_key
    hosts:
    - one.example   # first
    - two.example
    # allow: later

  b: {type: api_key, provider: openai}   # in one line

# who
agents:
  r:
    connectors: [a, b]  # both
  s:
    connectors:
      - a   # mine
      # not yet
      - b
# end
"""


def lines_changed(before: str, after: str) -> tuple[set[str], set[str]]:
    old, new = before.splitlines(), after.splitlines()
    return set(old) - set(new), set(new) - set(old)


def test_a_connector_is_added_behind_the_others_and_before_the_next_section() -> None:
    file = opened(TEXT)
    added = file.add_connector("c", {**OPENAI, "name": "See"})
    assert added.slug == "c"
    start = file.text.index("  c:\n    type: api_key\n    provider: openai\n    name: See\n")
    assert file.text.index("  b: {") < start < file.text.index("# who")
    assert lines_changed(TEXT, file.text)[0] == set()


def test_a_change_of_one_key_changes_one_line() -> None:
    file = opened(TEXT)
    file.update_connector("a", {"name": "New: name"})
    gone, new = lines_changed(TEXT, file.text)
    assert gone == {"    name: 'A'   # quoted"}
    assert new == {'    name: "New: name"   # quoted'}


def test_a_list_over_several_lines_is_replaced_by_one_line() -> None:
    file = opened(TEXT)
    file.update_connector("a", {"hosts": ["x.example"]})
    assert "    hosts: [x.example]\n    # allow: later\n" in file.text
    assert "one.example" not in file.text


def test_a_new_key_comes_last_and_none_takes_one_out() -> None:
    file = opened(TEXT)
    file.update_connector("a", {"dial": "10.0.0.1:443", "name": None})
    assert file.text.index("# allow: later") > file.text.index("two.example")
    assert "    dial: 10.0.0.1:443\n" in file.text
    assert "name: 'A'" not in file.text


def test_a_connector_in_one_line_is_laid_out_when_it_changes() -> None:
    file = opened(TEXT)
    file.update_connector("b", {"name": "Bee"})
    assert "  b:" in file.text
    assert "    name: Bee\n" in file.text
    assert "# in one line" in file.text


def test_comments_and_quotes_inside_a_flow_mapping_stay() -> None:
    file = opened(
        "version: 1\nconnectors:\n  b: { # zero\n    type: 'api_key', # one\n"
        "    hosts: [a.example, # two\n      b.example] # three\n  }  # four\n"
    )
    file.update_connector("b", {"name": "B"})
    for word in ("zero", "one", "two", "three", "four"):
        assert f"# {word}\n" in file.text
    assert "  b:  # four\n" in file.text
    assert "    type: 'api_key'  # one\n" in file.text


def test_a_rename_moves_the_key_keeps_the_id_and_follows_in_the_lists() -> None:
    file = opened(TEXT)
    renamed = file.rename_connector("a", "Sales hub")
    assert (renamed.slug, renamed.id, renamed.name) == ("sales-hub", "a", "Sales hub")
    gone, new = lines_changed(TEXT, file.text)
    assert gone == {
        "  a:",
        "    name: 'A'   # quoted",
        "    connectors: [a, b]  # both",
        "      - a   # mine",
    }
    assert new == {
        "  sales-hub:",
        "    name: Sales hub   # quoted",
        "    id: a",
        "    connectors: [sales-hub, b]  # both",
        "      - sales-hub   # mine",
    }


def test_a_second_rename_keeps_the_first_id() -> None:
    file = opened(TEXT)
    file.rename_connector("a", "c")
    assert file.rename_connector("c", "d").id == "a"
    assert file.text.count("id: a") == 1


def test_a_rename_that_keeps_the_slug_changes_the_name_alone() -> None:
    file = opened(TEXT)
    file.rename_connector("a", "a!")
    assert "id:" not in file.text
    assert "name: a!" in file.text or 'name: "a!"' in file.text


def test_a_name_like_a_number_is_still_a_key() -> None:
    file = opened(TEXT)
    file.rename_connector("a", "42")
    assert file.text.count('"42"') >= 3


def test_a_deleted_connector_leaves_the_lists_and_the_comments_of_others() -> None:
    file = opened(TEXT)
    file.delete_connector("a")
    gone, new = lines_changed(TEXT, file.text)
    assert "  # about a" not in gone
    assert {"  a:", "      - a   # mine", "    # allow: later"} < gone
    assert new == {"    connectors: [b]  # both"}
    file.delete_connector("b")
    assert load(file.text).connectors == {}


def test_agents_are_added_changed_and_taken_out() -> None:
    file = opened(TEXT)
    file.add_agent("t", ["b", "b"])
    file.set_agent_connectors("s", ["b"])
    file.set_agent_connectors("r", ["b", "a"])
    assert "  t:\n    connectors: [b]\n# end\n" in file.text
    assert "    connectors:\n      # not yet\n      - b\n" in file.text
    assert "connectors: [a, b]  # both" in file.text
    file.set_agent_connectors("s", ["b", "a"])
    assert "      - b\n      - a\n" in file.text
    file.set_agent_connectors("s", [])
    file.delete_agent("r")
    assert list(load(file.text).agents) == ["s", "t"]


GRANTS = """\
version: 1
connectors:
  a: {type: api_key, hosts: [a.example]}
  b: {type: api_key, hosts: [b.example]}
agents:
  r:
    connectors:
      - b  # plain
      - connector: a  # narrowed
        # why
        rate: 5/minute  # slow
  s: {connectors: [{connector: a, read_only: true}, b]}
"""


def test_a_grant_is_narrowed_where_it_stands() -> None:
    file = opened(GRANTS)
    file.narrow_grant("r", "a", {"rate": "9/minute", "read_only": True})
    file.narrow_grant("r", "b", {"read_only": True})
    assert lines_changed(GRANTS, file.text) == (
        {"      - b  # plain", "        rate: 5/minute  # slow"},
        {
            "      - {connector: b, read_only: true}  # plain",
            "        rate: 9/minute  # slow",
            "        read_only: true",
        },
    )
    assert load(file.text).agents["r"].narrowed.keys() == {"a", "b"}


def test_an_agent_is_granted_what_is_narrowed() -> None:
    file = opened(GRANTS)
    file.set_agent_connectors("r", ["a"])
    file.narrow_grant("r", "b", {"concurrency": 2, "rate": None})
    assert "      - {connector: b, concurrency: 2}\n" in file.text
    assert "# why" in file.text


def test_a_grants_policy_goes_key_by_key() -> None:
    file = opened(GRANTS)
    file.narrow_grant("s", "a", {"read_only": None, "rate": "1/hour"})
    assert "s: {connectors: [{connector: a, rate: 1/hour}, b]}" in file.text


def test_a_narrowed_grant_follows_a_rename_and_goes_with_its_connector() -> None:
    file = opened(GRANTS)
    file.rename_connector("a", "hub")
    assert "      - connector: hub  # narrowed\n" in file.text
    assert "[{connector: hub, read_only: true}, b]" in file.text
    file.delete_connector("hub")
    assert load(file.text).agents["r"].connectors == {"b"}
    assert "slow" not in file.text


def test_a_narrowed_grant_stays_when_others_come_and_go() -> None:
    file = opened(GRANTS)
    file.set_agent_connectors("s", ["a"])
    assert "s: {connectors: [{connector: a, read_only: true}]}" in file.text
    assert load(file.text).agents["s"].narrowed["a"].read_only


def test_the_registry_is_the_one_before_the_edit() -> None:
    file = opened(TEXT)
    file.delete_connector("b")
    assert set(file.registry.connectors) == {"a", "b"}


def test_the_first_file_takes_a_first_connector_and_agent() -> None:
    file = opened(initial_text())
    file.add_connector("x", OPENAI)
    file.add_agent("r", ["x"])
    assert lines_changed(initial_text(), file.text)[0] == set()
    assert "connectors:\n  x:\n" in file.text
    assert file.text.endswith("agents:\n  r:\n    connectors: [x]\n")


@pytest.mark.parametrize(
    "text",
    [
        "version: 1",
        "version: 1\nconnectors:",
        "version: 1\nconnectors: {}  # none\nagents: ~\n",
        "version: 1\r\nconnectors: {}\r\n",
        '{"version": 1}',
        '{"version": 1, "connectors": {"z": {"type": "api_key", "provider": "openai"}}}',
        "---\nversion: 1\n# end\n",
        "version: 1\nconnectors: {z: {type: api_key, provider: openai}}\n",
        "version: 1\nconnectors:\n      z:\n            type: api_key\n            provider: openai",
    ],
)
def test_every_layout_takes_a_connector_and_an_agent(text: str) -> None:
    file = opened(text)
    file.add_connector("x", OPENAI)
    file.add_agent("r", ["x"])
    file.rename_connector("x", "y")
    registry = load(file.text)
    assert registry.agents["r"].connectors == {"y"}
    assert set(registry.connectors) in ({"y"}, {"y", "z"})
    assert "\n" not in file.text.replace("\r\n", "") or "\r\n" not in text


def test_an_unknown_name_is_not_found_with_its_nearest() -> None:
    file = opened(TEXT.replace("  a:", "  alpha:").replace("[a, b]", "[b]").replace("- a ", "- b "))
    for call in (
        lambda: file.update_connector("alpa", {}),
        lambda: file.rename_connector("alpa", "x"),
        lambda: file.delete_connector("alpa"),
        lambda: file.set_agent_connectors("r", ["alpa"]),
        lambda: file.add_agent("new", ["alpa"]),
    ):
        with pytest.raises(NotFoundError) as caught:
            call()
        assert caught.value.hint == "did you mean 'alpha'?"
    for call in (lambda: file.delete_agent("q"), lambda: file.set_agent_connectors("q", [])):
        with pytest.raises(NotFoundError, match="no agent is named 'q'"):
            call()


def test_a_taken_name_is_a_conflict() -> None:
    file = opened(TEXT)
    for call in (
        lambda: file.add_connector("a", OPENAI),
        lambda: file.rename_connector("a", "B"),
        lambda: file.add_agent("r"),
    ):
        with pytest.raises(ConflictError):
            call()
    assert file.text == TEXT


def test_an_id_that_a_renamed_connector_keeps_is_a_conflict() -> None:
    """Two connectors of one id would share their secrets."""
    file = opened(TEXT)
    file.rename_connector("a", "c")
    with pytest.raises(ConflictError, match="connector 'c' has the id 'a'"):
        file.add_connector("a", OPENAI)
    assert file.add_connector("a", {**OPENAI, "id": "a-2"}).id == "a-2"


def test_a_change_that_would_not_load_is_refused_without_a_place_and_changes_nothing() -> None:
    file = opened(TEXT)
    with pytest.raises(UsageError) as caught:
        file.update_connector("a", {"hosts": ["https://x.example"]})
    assert str(caught.value) == "host 'https://x.example' has a scheme"
    assert not isinstance(caught.value, ConfigError)
    assert file.text == TEXT


def test_an_error_that_was_there_before_keeps_its_place() -> None:
    file = opened(TEXT.replace("two.example", "http://two"))
    with pytest.raises(ConfigError, match=r"connectors\.yaml:11:7"):
        file.add_connector("c", OPENAI)


def test_a_file_of_another_shape_is_not_opened() -> None:
    with pytest.raises(ConfigError):
        opened("version: 1\nconnectors: {a: 5}")


@pytest.mark.parametrize(
    "text",
    [
        "? version\n: 1\n? connectors\n: ? a\n  : {type: api_key, provider: openai}\n",
        "version: 1\nconnectors: !!map\n  a: {type: api_key, provider: openai}\n",
        "version: 1\nconnectors:\n  a: {type: api_key,\nprovider: openai}\n",
    ],
)
def test_a_layout_beyond_it_is_refused_or_edited_but_never_damaged(text: str) -> None:
    file = opened(text)
    try:
        file.rename_connector("a", "b")
    except (CannotEditError, UsageError):
        assert file.text == text
    else:
        value: Any = parse_yaml(file.text, source="f").value
        assert list(value["connectors"]) == ["b"]
