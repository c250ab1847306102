"""The rules that hold the rooms apart, read off the syntax trees."""

import ast
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ROOMS = ("config", "certs", "proxy", "addons", "admin")  # each imports only those before it


def modules(*folders: str) -> list[Path]:
    return sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))


SHIPPED = [*modules(*ROOMS), ROOT / "keyhatch.py"]
OURS = [*SHIPPED, *modules("tests", "bench")]
MAX_LINES = 400

# Who may import what the rest of the code must not know.
CONFINED = {
    "mitmproxy": ("addons/", "proxy/server/master.py"),
    "click": ("admin/",),
    "rich": ("admin/",),
    "fastapi": ("admin/web/",),
    "starlette": ("admin/web/",),
    "uvicorn": ("admin/web/",),
    "jinja2": ("admin/web/",),
    "sqlalchemy": ("proxy/vault/",),
    "keyring": ("proxy/vault/",),
    "pydantic": ("config/", "admin/web/api/"),
    "prometheus_client": ("proxy/telemetry/",),
    "opentelemetry": ("proxy/telemetry/",),
}

# Invariant 7: every place that takes a secret out of its type, as module: functions.
REVEALS: dict[str, set[str]] = {
    "addons/injection.py": {"Injection._place"},  # what is placed
    "admin/process/background.py": {"_start"},  # the passphrase, through a pipe
    "admin/commands/agent_token.py": {"print_token"},  # shown once
    "admin/commands/api_token.py": {"add"},  # shown once
    "admin/operations/desk.py": {"Desk.values", "token_values"},  # what is placed in a test call
    "admin/web/access/entrance.py": {"entrance.enter"},  # the cookie, into its browser
    "admin/web/serving.py": {"PageServer.new_link"},  # the link, to the person
    "admin/web/api/agents.py": {"issued"},  # shown once
    "admin/web/api/api_tokens.py": {"create_api_token"},  # shown once
    "admin/environment/proxy.py": {"proxy_url"},  # the agent's own token
    "proxy/audit/anchor.py": {"load_key"},  # the audit key, into what computes MACs
    "proxy/callers.py": {"Callers.close_lease"},
    "proxy/engine.py": {"Material.reveal"},  # called by what places
    # A lease's token, to its holder, and its digest.
    "proxy/server/control.py": {"ControlServer._answer", "ControlServer._lease_facts"},
    "proxy/server/doors.py": {"Doors.open_for", "Doors.close_for"},  # its digest
    "proxy/server/disclosure.py": {"values_of"},  # what variables are searched for
    "proxy/oauth/authorize.py": {"finish"},  # the state that came back, compared
    "proxy/oauth/keeper.py": {"_written"},  # tokens that no disk took, from process to process
    "proxy/oauth/request.py": {"_plain", "basic", "bearer"},  # what goes to a token endpoint
    "proxy/oauth/signing.py": {"load_signer"},
    "proxy/oauth/token_set.py": {"dump", "load"},  # on the way to the vault and back
    "proxy/vault/keys/file_source.py": {"FileSource.create"},
    "proxy/vault/keys/keyring_source.py": {"KeyringSource.create"},
    "proxy/vault/keys/passphrase_source.py": {"PassphraseSource.create", "_stretch"},
    "proxy/vault/record.py": {"seal_record"},
    "proxy/vault/sealing.py": {"wrap_key"},
    "proxy/vault/tokens.py": {"AgentTokens._add", "AgentTokens.revoke_token", "id_of"},
}

# A home, the superuser's folder, a drive: nothing in the tree depends on where it lies.
MACHINE_PATH = re.compile(rb"(?<![\w.~$}>-])(?:/(?:home|Users|root|work)/[\w.]|[A-Z]:\\\\?Users)")


def module_id(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def imports(source: str) -> set[str]:
    """Return the dotted names of everything imported, inside functions too."""
    names = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add(node.module if node.module and not node.level else "." * node.level)
    return names


def against_the_grain(room: str, source: str) -> set[str]:
    """Return the imports of rooms that come after this one, and relative ones."""
    forbidden = {*ROOMS[ROOMS.index(room) + 1 :], "tests", "bench", "keyhatch", ""}
    return {name for name in imports(source) if name.partition(".")[0] in forbidden}


def out_of_bounds(module: str, source: str) -> set[str]:
    """Return the confined libraries that a module imports without being among their users."""
    found = {name.partition(".")[0] for name in imports(source)} & CONFINED.keys()
    return {library for library in found if not module.startswith(CONFINED[library])}


def reveals(source: str) -> set[str]:
    """Return the qualified names of the functions in which `reveal` is named at all."""
    return set(_reveals_in(ast.parse(source), ""))


def _reveals_in(node: ast.AST, where: str) -> Iterator[str]:
    if isinstance(node, ast.Attribute) and node.attr == "reveal":
        yield where or "<module>"
    if isinstance(node, ast.Constant) and node.value == "reveal":
        yield where or "<module>"
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield from _reveals_in(child, f"{where}.{child.name}".lstrip("."))
        else:
            yield from _reveals_in(child, where)


@pytest.mark.parametrize("path", SHIPPED, ids=module_id)
def test_imports_run_one_way(path: Path) -> None:
    room = module_id(path).partition("/")[0]
    allowed_all = room == "keyhatch.py"
    assert allowed_all or against_the_grain(room, path.read_text()) == set()


@pytest.mark.parametrize("path", SHIPPED, ids=module_id)
def test_libraries_stay_in_their_rooms(path: Path) -> None:
    assert out_of_bounds(module_id(path), path.read_text()) == set()


def test_operations_know_none_of_the_faces_they_serve() -> None:
    """Whatever they import on their way counts: an operation runs in a command and in a server."""
    names = [module_id(path)[:-3].replace("/", ".") for path in modules("admin/operations")]
    source = f"import sys, {', '.join(names)}\nprint(sorted(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", source], cwd=ROOT, check=True, capture_output=True, text=True
    )
    loaded = ast.literal_eval(done.stdout)
    assert set(loaded) & {"click", "fastapi", "starlette", "uvicorn", "jinja2"} == set()
    faces = ("admin.commands", "admin.options", "admin.terminal", "admin.web")
    assert [name for name in loaded if name.startswith(faces)] == []


@pytest.mark.parametrize("path", OURS, ids=module_id)
def test_modules_stay_small(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= MAX_LINES


def test_invariant_07_reveal_sites_are_those_listed() -> None:
    found = {module_id(path): reveals(path.read_text()) for path in SHIPPED}
    assert {module: sites for module, sites in found.items() if sites} == REVEALS


def test_no_tracked_file_names_a_path_of_one_machine() -> None:
    git = shutil.which("git")
    if git is None or not (ROOT / ".git").exists():
        pytest.skip("not a git checkout")
    listed = subprocess.run([git, "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True)
    tracked = [ROOT / name for name in listed.stdout.decode().split("\0") if name]
    guilty = [p for p in tracked if p.is_file() and MACHINE_PATH.search(p.read_bytes())]
    assert [module_id(path) for path in guilty] == []


class TestTheRulesBite:
    """Each rule finds what it is there to find."""

    def test_an_import_against_the_grain_is_seen_even_inside_a_function(self) -> None:
        source = "def late():\n    from proxy.secret import Secret\n"
        assert against_the_grain("config", source) == {"proxy.secret"}
        assert against_the_grain("admin", source) == set()

    def test_a_relative_import_is_seen(self) -> None:
        assert against_the_grain("config", "from . import home") == {"."}

    def test_a_confined_library_is_seen(self) -> None:
        assert out_of_bounds("proxy/engine.py", "import mitmproxy.http") == {"mitmproxy"}
        assert out_of_bounds("proxy/server/master.py", "import mitmproxy.http") == set()

    def test_a_reveal_is_seen_called_or_passed_on_or_by_name(self) -> None:
        source = (
            "class A:\n    def f(self, s):\n        return s.reveal()\n"
            "def g(s):\n    return map(s.reveal, [1])\n"
            "def h(s):\n    return getattr(s, 'reveal')()\n"
        )
        assert reveals(source) == {"A.f", "g", "h"}

    @pytest.mark.parametrize(
        "line", [b"see /" + b"home/ada/x", b"'/" + b"root/.cache'", b"C:" + b"\\Users\\ada"]
    )
    def test_a_machine_path_is_seen(self, line: bytes) -> None:
        assert MACHINE_PATH.search(line)

    @pytest.mark.parametrize("line", [b"https://x.example/root/y", b"$HOME/work/x", b"~/work/x"])
    def test_a_path_that_any_machine_may_have_is_not(self, line: bytes) -> None:
        assert not MACHINE_PATH.search(line)
