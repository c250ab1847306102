"""The reference documents list exactly what the program has."""

import inspect
import json
import re
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

import click
import pytest
from prometheus_client.parser import text_string_to_metric_families

from addons.http1 import MAX_FRAMING
from admin import failures
from admin.cli import root
from admin.options.lazy import LazyGroup
from admin.process.background import IDLE
from config import errors
from config.duration import parse_duration
from config.limits import Limits
from config.policy import Rule
from config.schema import json_schema
from proxy.audit.chain import START, link
from proxy.audit.record import Result, intent_members, outcome_members
from proxy.policy.rules import allowed
from proxy.problems import KINDS, ProblemCode
from proxy.server import service
from proxy.telemetry.exposition import render
from proxy.telemetry.meters import Meters
from proxy.telemetry.observer import Renewal
from proxy.wire import coding
from tests.docs.documents import (
    DOCUMENTS,
    ROOT,
    blocks,
    first_words,
    read,
    rows,
    section,
    spans,
    title,
)
from tests.docs.reference import CLI, commands, option_names, with_reference
from tests.support.journals import NOW, a_subject
from tests.support.meters import a_result, some_gauges

CONFIGURATION = read("docs/configuration.md")
POLICY = read("docs/policy.md")
PROBLEMS = read("docs/problems.md")
# `keyhatch record` and `keyhatch wrapped key` are labels in the vault's associated data;
# `sudo -Hu keyhatch keyhatch init` is a command after a user.
COMMAND = re.compile(r"(?:^|[\s(|])(keyhatch (?!record|wrapped|keyhatch)[a-z-][^`\")]*)")


class TestCommands:
    def test_the_reference_is_what_the_program_says(self) -> None:
        """`python -m tests.docs` mends it."""
        assert CLI.read_text() == with_reference(CLI.read_text())

    def test_the_commands_without_json_are_named(self) -> None:
        told = re.search(r"Every command takes it but (.*?)\.", read("docs/cli.md"), re.DOTALL)
        assert told
        without = {name for name, command in commands() if "--json" not in option_names(command)}
        named = {f"keyhatch {word}" for word in re.findall(r"`([\w ]+)`", told[1])}
        assert named == without

    def test_every_command_takes_a_home(self) -> None:
        assert all("--home" in option_names(command) for _, command in commands())

    def test_exit_codes_are_those_of_the_errors(self) -> None:
        kinds = [kind for _, kind in inspect.getmembers(errors, inspect.isclass)]
        codes = {k.exit_code for k in kinds if issubclass(k, errors.KeyhatchError)}
        told = {int(cells[0]) for cells in rows(read("docs/cli.md")) if cells[0].isdigit()}
        assert told == {0, *codes, failures.INTERRUPTED}

    @pytest.mark.parametrize("path", DOCUMENTS, ids=title)
    def test_a_command_that_a_document_names_exists(self, path: Any) -> None:
        for line in _command_lines(path.read_text()):
            _require_command(line)

    def test_a_command_that_does_not_exist_is_noticed(self) -> None:
        for line in ("keyhatch connector frob x", "keyhatch uis", "keyhatch run --wall -- x"):
            with pytest.raises(AssertionError):
                _require_command(line)


class TestConfiguration:
    def test_every_key_of_the_schema_is_told_and_no_other(self) -> None:
        schema = json_schema()["properties"]
        connectors = _keys(schema["connectors"])
        nested = {"headers", "methods", "paths", *_keys(_property(schema, "placement"))}
        types = connectors - nested
        heading = "### Keys of OAuth and Intercom connectors"
        told = first_words(section(CONFIGURATION, "## connectors").partition("\n### ")[0])
        assert told | first_words(section(CONFIGURATION, heading)) == types | {"headers"}
        settings = section(CONFIGURATION, "## settings").partition("\n### ")[0]
        assert first_words(settings) == _keys(schema["settings"])
        agents = section(CONFIGURATION, "## agents").partition("\n### ")[0]
        assert first_words(agents) == _keys(schema["agents"])
        sandbox = section(CONFIGURATION, "### sandbox")
        assert first_words(sandbox) == _keys(_agent(schema, "sandbox"))
        assert first_words(CONFIGURATION.partition("\n## ")[0]) == set(schema)

    @pytest.mark.parametrize("key", ["placement", "strip", "keep"])
    def test_the_keys_of_a_nested_section_are_told(self, key: str) -> None:
        heading = f"### {key}" if key == "placement" else "### headers, strip and keep"
        found = _keys(_property(json_schema()["properties"], key))
        assert first_words(section(CONFIGURATION, heading)) == found

    def test_the_limits_are_told_with_their_defaults(self) -> None:
        cells = [row for row in rows(section(CONFIGURATION, "### limits")) if len(row) == 4]
        told = {row[0].strip("`"): _number(row[1].strip("`")) for row in cells}
        assert told == asdict(Limits())
        assert set(told) == _limits()

    def test_the_keys_of_a_policy_are_told(self) -> None:
        schema = json_schema()["properties"]
        [grant] = [
            member
            for member in _agent(schema, "connectors")["items"]["anyOf"]
            if "properties" in member
        ]
        told = first_words(POLICY.partition("\n## ")[0])
        assert told | {"connector"} == grant["properties"].keys()
        for key, heading in (("allow", "## Rules"), ("hours", "## hours")):
            text = section(POLICY, heading).partition("`*` stands")[0]
            assert first_words(text) == _keys(_property(schema, key)), key
        egress = first_words(section(POLICY, "## Hosts that no connector owns"))
        assert egress == _keys(schema["settings"]["anyOf"][0]["properties"]["egress"])

    def test_the_globs_match_what_the_table_says(self) -> None:
        table = section(POLICY, "## Rules").partition("does not match")[2]
        told = [[re.findall(r"`([^`]+)`", cell) for cell in cells] for cells in rows(table)]
        assert len(told) == 4
        for [glob], matching, others in told:
            rule = [Rule(frozenset(), (glob,))]
            assert all(allowed(rule, "GET", path) for path in matching), glob
            assert not any(allowed(rule, "GET", path) for path in others), glob

    def test_environment_variables_are_those_that_the_code_names(self) -> None:
        rooms = ("config", "certs", "proxy", "addons", "admin")
        sources = [path for room in rooms for path in (ROOT / room).rglob("*.py")]
        found = {
            name
            for path in sources
            for name in re.findall(r"\"(KEYHATCH_[A-Z_]*[A-Z])\"", path.read_text())
        }
        told = first_words(section(CONFIGURATION, "## Environment variables"))
        assert told - {"NO_COLOR"} == found

    def test_the_fields_of_a_record_are_told(self) -> None:
        table = section(read("docs/audit.md"), "## Records").partition("\n### ")[0]
        line, _ = link(START, outcome_members(NOW, a_subject(), Result(200, None, 0, 0, 1.0)), None)
        assert first_words(table) == set(json.loads(line))

    def test_every_act_is_told(self) -> None:
        rooms = [ROOT / room for room in ("admin", "proxy")]
        text = "".join(path.read_text() for room in rooms for path in room.rglob("*.py"))
        found = set(re.findall(r"(?:Act|note_act)\(\s*\"([a-z-]+\.[a-z-]+)\"", text))
        found |= set(
            re.findall(r"\"((?:agent|connector)\.(?:grant|revoke|enable|disable))\"", text)
        )
        told: set[str] = set()
        for line in section(read("docs/audit.md"), "### Acts").split("\n- ")[1:]:
            group = ""
            for word in spans(line):
                group = word.partition(".")[0] or group
                told.add(f"{group}.{word.partition('.')[2]}")
        assert {act for act in told if act != ".set"} == found

    def test_the_order_of_a_records_fields_is_told(self) -> None:
        text = section(read("docs/audit.md"), "## Records")
        line, _ = link(START, intent_members(NOW, a_subject()), None)
        assert list(json.loads(line))[-2:] == ["path", "mac"]
        assert "in an intent ends with `path`" in text


class TestProblems:
    def test_every_code_has_its_status_in_the_table(self) -> None:
        found = {code.value: str(KINDS[code].status) for code in ProblemCode}
        told = {cells[0].strip("`"): cells[1] for cells in rows(PROBLEMS) if len(cells) == 4}
        assert told == found

    @pytest.mark.parametrize("name", ["docs/problems.md", "README.md"])
    def test_an_example_is_what_the_program_answers(self, name: str) -> None:
        text = "\n".join(block.text for block in blocks(read(name), "json", "console"))
        example, _ = json.JSONDecoder().raw_decode(text[text.index("{") :])
        kind = KINDS[ProblemCode(example["code"])]
        assert (example["title"], example["status"]) == (kind.title, kind.status)
        assert list(example) == ["type", "title", "status", "detail", "code", "connector", "hint"]


def test_numbers_are_those_of_the_program() -> None:
    assert IDLE == 30.0
    assert service.GRACE == 10.0
    assert Limits().head_bytes == MAX_FRAMING == 64 * 1024
    assert (Limits().decode_ratio, coding.FREE_OUTPUT) == (200, 1024 * 1024)


def _command_lines(text: str) -> Iterator[str]:
    lines = [line for block in blocks(text, "sh", "console") for line in block.text.splitlines()]
    for line in [*lines, *spans(text)]:
        yield from COMMAND.findall(line.partition(" #")[0])


def _require_command(line: str) -> None:
    """Fail unless the words of a line are a command and options that it has."""
    words = re.sub(r"--home \S+", "", line.partition(" -- ")[0]).split()[1:]
    command: click.Command = root
    while words and isinstance(command, LazyGroup) and not words[0].startswith("-"):
        name = words.pop(0).rstrip(").,")
        for choice in name.split("|"):
            assert choice in command.entries, line
        command = command.entries[name.partition("|")[0]].load()
    options = {word.partition("=")[0] for word in words if re.match(r"--[a-z]", word)}
    assert options <= option_names(command) | {"--help", "--version"}, line


def _limits() -> set[str]:
    [settings, _] = json_schema()["properties"]["settings"]["anyOf"]
    return _keys(settings["properties"]["limits"])


def _number(text: str) -> float:
    return int(text) if text.isdigit() else parse_duration(text).total_seconds()


def _keys(schema: Any) -> set[str]:
    """Return the names of the properties of a schema's next sections, alternatives united."""
    if isinstance(schema, list):
        return set().union(*map(_keys, schema))
    if "properties" in schema:
        return set(schema["properties"])
    inner = [schema[key] for key in ("anyOf", "items", "additionalProperties") if schema.get(key)]
    return set().union(*map(_keys, inner))


def _property(schema: Any, key: str) -> Any:
    """Return the schema of one key of a connector."""
    [mapping] = [s for s in schema["connectors"]["anyOf"] if s["type"] == "object"]
    return mapping["additionalProperties"]["anyOf"][0]["properties"][key]


def _agent(schema: Any, key: str) -> Any:
    """Return the schema of one key of an agent."""
    [mapping] = [s for s in schema["agents"]["anyOf"] if s["type"] == "object"]
    [agent] = [s for s in mapping["additionalProperties"]["anyOf"] if s["type"] == "object"]
    return agent["properties"][key]


def test_the_metrics_are_told_with_their_labels() -> None:
    meters = Meters()
    meters.ended(a_subject(), a_result())
    meters.renewed("hub", Renewal.FAILED)
    text = render(meters, some_gauges(expiries={"hub": 1.0})).decode()
    families = list(text_string_to_metric_families(text))
    shown = {
        family.name + ("_total" if family.type == "counter" else ""): {
            label for sample in family.samples for label in sample.labels if label != "le"
        }
        for family in families
    }
    told: dict[str, set[str]] = {}
    for cells in rows(section(read("docs/observability.md"), "## Metrics")):
        if "keyhatch_" in cells[0]:
            told |= {name: set(spans(cells[1])) for name in spans(cells[0])}
    assert told == shown
