from collections.abc import Mapping
from pathlib import Path

from admin.sandbox.disclosed import keep_secrets_out, without_disclosing_files
from admin.sandbox.environment import Passed
from admin.sandbox.shares import Share
from proxy.server.control_client import LONGEST_TEXT

SECRET = "canary-0123456789"


class Vault:
    def disclosed(self, texts: Mapping[str, str]) -> set[str]:
        return {name for name, text in texts.items() if SECRET in text}


def test_a_variable_with_a_secret_stays_out_and_is_told_by_name() -> None:
    passed = Passed({"EDITOR": f"x {SECRET}", "LANG": "C"}, ("OTHER",))
    kept, words = keep_secrets_out(passed, {}, Vault())
    assert kept == Passed({"LANG": "C"}, ("EDITOR", "OTHER"))
    assert words == ["EDITOR: taken out; a secret of the vault is in it"]
    assert SECRET not in repr(words)


def test_one_that_would_not_go_in_is_told_of_as_well() -> None:
    _, words = keep_secrets_out(Passed({}, ("MY_KEY",)), {"MY_KEY": SECRET}, Vault())
    assert words == ["MY_KEY: taken out; a secret of the vault is in it"]


def test_one_that_is_too_long_to_be_searched_stays_out() -> None:
    kept, words = keep_secrets_out(Passed({"LESS": "x" * (LONGEST_TEXT + 1)}, ()), {}, Vault())
    assert kept.variables == {}
    assert "too long" in words[0]


def test_a_settings_file_with_a_secret_is_not_opened_by_a_profile(tmp_path: Path) -> None:
    for name, text in {"good": "x", "bad": SECRET, "long": "x" * (LONGEST_TEXT + 1)}.items():
        (tmp_path / name).write_text(text)
    shares = [Share(tmp_path / n, False, "profile codex") for n in ("good", "bad", "long")]
    opened, closed = without_disclosing_files(shares, Vault())
    assert [share.path.name for share in opened] == ["good"]
    assert {share.path.name for share in closed} == {"bad", "long"}


def test_what_the_operator_names_himself_is_his_to_open(tmp_path: Path) -> None:
    (tmp_path / "bad").write_text(SECRET)
    share = Share(tmp_path / "bad", writable=False)
    assert without_disclosing_files([share], Vault()) == ([share], [])
