from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from admin.sandbox.environment import filter_environment

HOME = Path("/home-of-mine")


def test_what_is_on_the_list_goes_in_and_nothing_else() -> None:
    environ = {"PATH": "/bin", "LC_ALL": "C", "AWS_SECRET_ACCESS_KEY": "x", "SSH_AUTH_SOCK": "/s"}
    passed = filter_environment(environ, HOME)
    assert passed.variables == {"PATH": "/bin", "LC_ALL": "C", "HOME": "/home-of-mine"}
    assert passed.kept_out == ("AWS_SECRET_ACCESS_KEY", "SSH_AUTH_SOCK")


def test_more_patterns_and_what_we_set_ourselves_go_in() -> None:
    environ = {"MY_FLAG": "1", "OPENAI_API_KEY": "placeholder", "OTHER": "2"}
    passed = filter_environment(environ, HOME, more=["MY_*"], given=["OPENAI_API_KEY"])
    assert set(passed.variables) == {"MY_FLAG", "OPENAI_API_KEY", "HOME"}


def test_keyhatchs_own_variables_stay_out_even_when_they_are_asked_for() -> None:
    passed = filter_environment({"KEYHATCH_HOME": "/x"}, HOME, more=["*"])
    assert "KEYHATCH_HOME" not in passed.variables


def test_the_home_is_the_one_inside() -> None:
    assert filter_environment({"HOME": "/outside"}, HOME).variables == {"HOME": "/home-of-mine"}


@given(st.dictionaries(st.text(min_size=1), st.text()))
def test_every_variable_goes_in_as_it_is_or_is_named_as_kept_out(environ: dict[str, str]) -> None:
    passed = filter_environment(environ, HOME)
    for name, text in passed.variables.items():
        assert name == "HOME" or environ[name] == text
    told = set(passed.variables) | set(passed.kept_out)
    assert set(environ) <= told | {"HOME", "PWD", "OLDPWD", "_"}
