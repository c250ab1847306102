import pytest

from config.catalog import load_catalog
from config.errors import ConfigError, UsageError
from config.load import load_registry
from config.sandbox import NO_SANDBOX, Sandbox, require_wall_for, split_share


def read(text: str) -> Sandbox:
    lines = f"version: 1\nagents:\n  researcher:\n    connectors: []\n{text}"
    registry = load_registry(lines, source="connectors.yaml", catalog=load_catalog())
    return registry.agents["researcher"].sandbox


def fault(text: str) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        read(text)
    return caught.value


def test_an_agent_says_nothing_of_the_wall_by_default() -> None:
    assert read("") == NO_SANDBOX


def test_required_in_short_is_required_in_full() -> None:
    assert read("    sandbox: required\n") == read("    sandbox: {required: on}\n")
    assert read("    sandbox: required\n") == Sandbox(required=True)


def test_everything_that_can_be_said() -> None:
    said = "    sandbox: {profile: codex, share: [~/a:ro, /b], hide: [.env], env: [MY_*, X]}\n"
    assert read(said) == Sandbox(
        profile="codex", share=("~/a:ro", "/b"), hide=(".env",), env=("MY_*", "X")
    )


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("    sandbox: requird\n", "5:14", "did you mean 'required'"),
        ("    sandbox: {profil: codex}\n", "5:15: unknown key 'profil'", "profile"),
        ("    sandbox: {profile: claude}\n", "5:24", "claude-code"),
        ("    sandbox: {share: [data]}\n", "5:23: 'data' does not say where it lies", "~/data"),
        ("    sandbox: {env: ['*']}\n", "5:21: '*' is not the name of a variable", "MY_*"),
        ("    sandbox: {env: [A=b]}\n", "is not the name of a variable", "MY_*"),
    ],
)
def test_a_mistake_is_pointed_at(text: str, message: str, hint: str) -> None:
    found = fault(text)
    assert message in str(found)
    assert hint in found.hint


@pytest.mark.parametrize(
    ("text", "path", "writable"),
    [("/a", "/a", True), ("/a:ro", "/a", False), ("/a:rw", "/a", True), ("/a:b", "/a:b", True)],
)
def test_a_share_is_a_path_and_a_way(text: str, path: str, writable: bool) -> None:
    assert split_share(text) == (path, writable)


def test_an_agent_that_must_have_the_wall_is_not_run_without() -> None:
    required = Sandbox(required=True)
    require_wall_for("a", required, sandbox=True)
    require_wall_for("a", NO_SANDBOX, sandbox=False)
    with pytest.raises(UsageError, match="behind the wall only") as caught:
        require_wall_for("a", required, sandbox=False)
    assert "--sandbox" in caught.value.hint
