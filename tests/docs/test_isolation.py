"""docs/isolation.md, as far as no machine is needed; tests/e2e/test_isolation.py runs it."""

import re
from typing import Any

import yaml

from tests.docs.documents import blocks, read, section

PAGE = read("docs/isolation.md")
CONTAINERS = section(PAGE, "## Containers")


def compose() -> Any:
    [found] = blocks(CONTAINERS, "yml")
    return yaml.safe_load(found.text)


def commands() -> str:
    return "\n".join(block.text for block in blocks(CONTAINERS, "sh"))


class TestCompose:
    def test_the_agents_only_network_leads_nowhere(self) -> None:
        found = compose()
        agent = found["services"]["researcher"]
        assert agent["networks"] == ["agents"]
        assert found["networks"]["agents"]["internal"] is True
        assert "ports" not in agent

    def test_only_the_proxy_is_on_both(self) -> None:
        found = compose()["services"]
        assert [n for n, one in found.items() if "outside" in one["networks"]] == ["keyhatch"]
        assert "agents" in found["keyhatch"]["networks"]

    def test_the_agent_has_the_certificates_to_read_and_nothing_of_the_home(self) -> None:
        found = compose()["services"]
        assert found["researcher"]["volumes"] == ["trust:/trust:ro"]
        assert "home:/home-of-keyhatch" in found["keyhatch"]["volumes"]

    def test_what_is_named_in_one_place_is_there_in_the_others(self) -> None:
        found = compose()
        [dockerfile] = blocks(CONTAINERS, "dockerfile")
        assert "ENV KEYHATCH_HOME=/home-of-keyhatch" in dockerfile.text
        assert {v.partition(":")[0] for s in found["services"].values() for v in s["volumes"]} == {
            *found["volumes"]
        }
        assert found["services"]["researcher"]["env_file"] in commands()
        assert "--ca-folder /trust" in found["services"]["keyhatch"]["command"]
        assert "--address keyhatch:8321 --ca-folder /trust" in commands()

    def test_services_that_commands_name_are_in_the_file(self) -> None:
        named = re.findall(r"docker compose (?:exec|run --rm|up -d)(?: -T)? (\w+)", commands())
        assert set(named) == set(compose()["services"])


def test_it_says_what_was_not_run() -> None:
    assert "did not run it" in CONTAINERS
    assert "None of this was tried" in section(PAGE, "## macOS and Windows")


def test_the_control_socket_and_the_ca_folder_are_never_handed_out() -> None:
    for block in blocks(PAGE):
        assert "control.sock" not in block.text
        assert "/ca:" not in block.text
