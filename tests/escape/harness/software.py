"""Keyhatch as an operator has installed it, where every user of the machine may read it.

The Python of the tests may lie in somebody's own folder. Then it is put there, too: as hard links,
in folders of its own, so that a file that an attempt adds ends up nowhere else.
"""

import os
import shutil
import subprocess
import sys
import sysconfig
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[3]
SUITE: Final = Path("tests/escape")
PACKAGES: Final = ("proxy", "addons", "config", "admin", "certs")
COMPILER: Final = shutil.which("gcc") or shutil.which("cc")


@dataclass(frozen=True, slots=True)
class Software:
    """Where things lie.

    `python` starts attempts and what stands outside, `keyhatch` the command line. `tools` has the
    attempts, `shared` are the folders that a sandbox must be given to run them.
    """

    python: Path
    keyhatch: Path
    packages: Path
    tools: Path
    shared: tuple[Path, ...]

    def program(self, name: str) -> list[str]:
        """Return the words that start an attempt; a C program has been compiled."""
        path = self.tools / SUITE / "attempts" / name
        if path.suffix == ".py":
            return [str(self.python), "-SBs", str(path.parents[1] / "outside/start.py"), path.stem]
        return ["/bin/sh", str(path)] if path.suffix == ".sh" else [str(path.with_suffix(""))]

    def outside(self, name: str) -> list[str]:
        """Return the words that start one of those who stand outside of the wall."""
        return [str(self.python), "-SBs", str(self.tools / SUITE / "outside" / f"{name}.py")]


def install(folder: Path) -> Software:
    """Install everything below a folder."""
    python, shared = _python(folder / "python")
    packages = _environment(folder / "venv", python)
    tools = folder / "tools"
    shutil.copytree(ROOT / SUITE / "attempts", tools / SUITE / "attempts")
    shutil.copytree(ROOT / SUITE / "outside", tools / SUITE / "outside")
    shutil.copytree(packages / "jeepney", tools / "jeepney")
    _compile(tools / SUITE / "attempts")
    keyhatch = folder / "venv" / "bin" / "keyhatch"
    return Software(python, keyhatch, packages, tools, (*shared, tools))


def _python(folder: Path) -> tuple[Path, tuple[Path, ...]]:
    """Return a Python that everybody may start, and the folders that it takes."""
    base = Path(sys.base_prefix)
    name = f"python{sysconfig.get_python_version()}"
    if _is_open(base / "bin" / name):
        return base / "bin" / name, () if base.is_relative_to("/usr") else (base,)
    _link(base / "lib", folder / "lib")
    (folder / "bin").mkdir()
    found = base / "bin" / name
    # It looks for its library where it was built.
    built, near = os.fsencode(base / "lib"), b"$ORIGIN/../lib"
    octets = found.read_bytes().replace(built + b"\0", near.ljust(len(built) + 1, b"\0"))
    made = folder / "bin" / name
    made.write_bytes(octets)
    made.chmod(0o755)
    return made, (folder,)


def _is_open(program: Path) -> bool:
    return all(place.stat().st_mode & 0o001 for place in (program.resolve(), *program.parents))


def _environment(folder: Path, python: Path) -> Path:
    """Make a virtual environment with Keyhatch in it, in the shape of its wheel."""
    (folder / "bin").mkdir(parents=True)
    (folder / "bin" / "python").symlink_to(python)
    (folder / "pyvenv.cfg").write_text(f"home = {python.parent}\n")
    packages = folder / "lib" / python.name / "site-packages"
    packages.parent.mkdir(parents=True)
    _link(Path(sysconfig.get_path("purelib")), packages)
    for editable in packages.glob("*keyhatch*.pth"):
        editable.unlink()
    shutil.copy(ROOT / "keyhatch.py", packages)
    for name in PACKAGES:
        shutil.copytree(ROOT / name, packages / "keyhatch_app" / name)
    words = f"#!{folder / 'bin' / 'python'}\nfrom keyhatch import main\n\nmain()\n"
    program = folder / "bin" / "keyhatch"
    program.write_text(words)
    program.chmod(0o755)
    return packages


def _link(source: Path, target: Path) -> None:
    """Copy a tree as links; where the file systems differ, as files."""
    try:
        shutil.copytree(source, target, copy_function=os.link, symlinks=True)
    except (OSError, shutil.Error):
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(source, target, symlinks=True)


def _compile(folder: Path) -> None:
    if COMPILER is None:
        return
    with ThreadPoolExecutor(2) as pool:
        for done in pool.map(compile_one, folder.glob("*.c")):
            assert done.returncode == 0, done.stderr


def root_only(tools: Path) -> Path:
    """Return the one file that the programs with more rights read, whatever they are told."""
    return tools / "root-only"


def compile_one(source: Path) -> "subprocess.CompletedProcess[str]":
    """Compile one program beside its source."""
    assert COMPILER is not None
    only = f'-DROOT_ONLY="{root_only(source.parents[3])}"'
    return subprocess.run(
        [COMPILER, "-O1", "-Wall", "-Werror", only, "-o", source.with_suffix(""), source, "-lrt"],
        capture_output=True,
        text=True,
        check=False,
    )
