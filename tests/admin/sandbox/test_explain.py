from pathlib import Path

from admin.sandbox.environment import Passed
from admin.sandbox.explain import WIDTH, Told, explain
from admin.sandbox.mounts import Kind, Mount, Plan
from admin.sandbox.profile import load_profile

HOME = Path("/u/ada")


def told(*mounts: Mount, words: list[str] | None = None, command: str = "claude") -> str:
    passed = Passed({"PATH": "/bin", "HOME": "/u/ada"}, ("AWS_SECRET_ACCESS_KEY",))
    plan = Plan(mounts, HOME / "p", HOME)
    lines = explain(Told([command], load_profile("script"), HOME, plan, passed, words or []))
    assert all(len(line) <= WIDTH for line in lines)
    return "\n".join(lines)


def test_what_is_open_is_told_with_its_reason() -> None:
    text = told(
        Mount(Kind.READ, Path("/usr"), Path("/usr")),
        Mount(Kind.WRITE, HOME / "p", HOME / "p", origin="the working directory"),
        Mount(Kind.READ, Path("/srv/d"), Path("/srv/d"), origin="--share"),
    )
    assert "writable    ~/p  (the working directory)" in text
    assert "/srv/d  (--share)" in text
    assert "/usr  (the system)" in text


def test_what_is_hidden_is_told_and_the_systems_own_in_short() -> None:
    system = [Mount(Kind.HIDDEN_FILE, Path(f"/etc/secret{n}")) for n in range(9)]
    text = told(*system, Mount(Kind.HIDDEN_FOLDER, HOME / ".aws", origin="credentials"))
    assert "~/.aws  (credentials)" in text
    assert "and 5 more" in text


def test_files_that_are_made_are_named_and_never_shown() -> None:
    text = told(Mount(Kind.MADE, HOME / ".tool.json", text=b"inside"))
    assert "made        ~/.tool.json" in text
    assert "inside" not in text


def test_variables_are_named_and_never_shown() -> None:
    text = told(words=["EDITOR: taken out; a secret of the vault is in it"])
    assert "variables   HOME PATH" in text
    assert "kept out    AWS_SECRET_ACCESS_KEY" in text
    assert "EDITOR: taken out" in text
    assert "/bin" not in text


def test_what_a_terminal_would_obey_is_escaped() -> None:
    assert "\x1b" not in told(command="x\x1b[31m")


def test_what_is_denied_of_the_kernel_is_named() -> None:
    assert "io_uring_setup" in told()
