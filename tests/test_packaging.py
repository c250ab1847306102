"""What is shipped is what is in the tree, and it disturbs nobody else's packages."""

import os
import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ROOMS = ("proxy", "addons", "config", "admin", "certs")
HOSTILE = "raise SystemExit('a stranger was imported')\n"


def run(*command: str | Path, cwd: Path, **environ: str) -> str:
    """Run a command to its successful end and return what it printed."""
    done = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env={**os.environ, **environ},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the sdist, and the wheel that was built from it."""
    folder = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "build", "--no-isolation", "--outdir", folder, ROOT, cwd=folder)
    return folder


@pytest.fixture(scope="module")
def wheel(built: Path) -> Path:
    return next(built.glob("*.whl"))


@pytest.fixture(scope="module")
def site(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site-packages of a fresh environment with nothing but the wheel."""
    environment = tmp_path_factory.mktemp("fresh")
    run(sys.executable, "-m", "venv", "--without-pip", environment, cwd=environment)
    python = environment / "bin" / "python"
    pip = (sys.executable, "-m", "pip", "--python", python)
    run(*pip, "install", "--quiet", "--no-deps", "--no-index", wheel, cwd=environment)
    return Path(
        run(
            python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", cwd=environment
        ).strip()
    )


def tree() -> set[str]:
    """Return the files of the rooms as they lie in the checkout."""
    files = (path for room in ROOMS for path in (ROOT / room).rglob("*") if path.is_file())
    names = {path.relative_to(ROOT).as_posix() for path in files}
    return {name for name in names if "__pycache__" not in name}


def test_the_wheel_has_every_file_of_the_rooms_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if ".dist-info/" not in name}
    assert names == {"keyhatch.py"} | {f"keyhatch_app/{name}" for name in tree()}


def test_the_wheel_has_the_providers_and_the_licence(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    assert [name for name in names if name.endswith((".yaml", ".yml"))]
    assert [name for name in names if name.endswith("licenses/LICENSE")]


def test_the_sdist_can_be_built_and_tested_from(built: Path) -> None:
    with tarfile.open(next(built.glob("*.tar.gz"))) as archive:
        inside = {name.partition("/")[2] for name in archive.getnames()}
    assert {"pyproject.toml", "README.md", "LICENSE", "Makefile"} <= inside
    assert {"tests/test_packaging.py", ".ci/setup"} <= inside
    assert not [name for name in inside if name.startswith((".venv", ".git/"))]


def test_site_packages_gains_only_what_is_ours(site: Path) -> None:
    gained = {path.name for path in site.iterdir()} - {"__pycache__"}
    assert {name for name in gained if not name.endswith(".dist-info")} == {
        "keyhatch.py",
        "keyhatch_app",
    }


@pytest.fixture
def with_dependencies(site: Path) -> Iterator[Path]:
    """The same, now with the dependencies of the running environment in reach, but not its Keyhatch."""
    link = site / "outer.pth"
    link.write_text("".join(sysconfig.get_path(kind) + "\n" for kind in ("purelib", "platlib")))
    yield site
    link.unlink()


def test_a_command_with_secrets_starts_anew_from_the_wheel(
    with_dependencies: Path, hostile: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Isolated, it finds itself and its dependencies, and none of the stranger's packages."""
    script = with_dependencies.parents[2] / "bin" / "keyhatch"
    home = tmp_path_factory.mktemp("wheel") / "home"
    environ = {"PYTHONPATH": str(hostile), "KEYHATCH_HOME": str(home)}
    assert "initialised" in run(script, "init", "--key-source", "file", cwd=hostile, **environ)
    assert "sealed" in run(script, "vault", "rotate-key", cwd=hostile, **environ)
    assert run(script, "run", "--", "printenv", "PYTHONPATH", cwd=hostile, **environ) == (
        f"{hostile}\n"
    )
    assert "stopped" in run(script, "stop", cwd=hostile, **environ)


@pytest.fixture
def hostile(tmp_path: Path) -> Path:
    """A folder to stand in, with a stranger's packages under all our names."""
    for room in ROOMS:
        (tmp_path / room).mkdir()
        (tmp_path / room / "__init__.py").write_text(HOSTILE)
    return tmp_path


@pytest.mark.parametrize("through", ["script", "module", "path"])
def test_a_strangers_packages_are_never_imported(
    with_dependencies: Path, hostile: Path, through: str
) -> None:
    binaries = with_dependencies.parents[2] / "bin"
    script: tuple[Path | str, ...] = (binaries / "keyhatch", "--version")
    module = (binaries / "python", "-m", "keyhatch", "--version")
    match through:
        case "script":
            printed = run(*script, cwd=hostile)
        case "module":
            printed = run(*module, cwd=hostile)
        case _:
            printed = run(*script, cwd=hostile, PYTHONPATH=str(hostile))
    assert version("keyhatch") in printed
