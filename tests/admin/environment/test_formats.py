import json
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from admin.environment.formats import FORMATS, as_docker, as_dotenv, as_json, as_shell, as_systemd
from config.errors import UsageError

PRINTABLE = st.text(st.characters(min_codepoint=32, max_codepoint=126))
HARD = "a b'c\"d\\e$HOME`id`#;&*"


@given(PRINTABLE)
def test_a_json_object_reads_back(text: str) -> None:
    assert json.loads(as_json({"A": text})) == {"A": text}


@pytest.mark.parametrize("text", ["", "plain", HARD, "http://a:kh_x-Y_z@127.0.0.1:8321"])
def test_a_shell_reads_back_what_was_meant(text: str) -> None:
    script = as_shell({"A": text, "B": "2"}) + 'printf %s "$A"'
    done = subprocess.run(["/bin/sh", "-c", script], capture_output=True, check=True)
    assert done.stdout.decode() == text


@pytest.mark.parametrize("text", ["", "plain", "a b$c", HARD])
def test_a_dotenv_file_reads_back_in_a_shell_too(text: str) -> None:
    script = as_dotenv({"A": text}) + 'printf %s "$A"'
    done = subprocess.run(["/bin/sh", "-c", script], capture_output=True, check=True)
    assert done.stdout.decode() == text


@given(PRINTABLE)
def test_docker_takes_a_text_as_it_is(text: str) -> None:
    assert as_docker({"A": text}) == f"A={text}\n"


def test_docker_cannot_have_line_breaks() -> None:
    with pytest.raises(UsageError, match="docker"):
        as_docker({"A": "1\nB=2"})


@given(PRINTABLE)
def test_systemd_unquotes_to_what_was_meant(text: str) -> None:
    """In double quotes only a backslash and a double quote are escaped (systemd.exec(5))."""
    line = as_systemd({"A": text})
    assert line.startswith('A="')
    assert line.endswith('"\n')
    inner, found, rest = line[3:-2], "", iter(line[3:-2])
    for character in rest:
        found += next(rest) if character == "\\" else character
    assert found == text
    assert '"' not in inner.replace("\\\\", "").replace('\\"', "")


def test_every_format_has_every_variable() -> None:
    for write in FORMATS.values():
        written = write({"ONE": "1", "TWO": "2"})
        assert "ONE" in written
        assert "TWO" in written
