"""One proxy for each home."""

import os
from pathlib import Path

import pytest

from config.errors import ConflictError, KeyhatchError
from config.home import Home
from proxy.server.home_lock import hold_home, holder, is_held


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home")


def test_a_second_proxy_is_told_who_holds_the_home(home: Home) -> None:
    refused = pytest.raises(ConflictError, match=str(os.getpid()))
    with hold_home(home), refused as caught, hold_home(home):
        pass
    assert "keyhatch stop" in caught.value.hint


def test_a_lock_that_a_killed_proxy_left_is_taken(home: Home) -> None:
    """K-lifecycle: the file stays, the kernel's lock does not."""
    home.create()
    (home.run / "serve.lock").write_text("99999999\n")
    assert holder(home) == 99999999
    with hold_home(home):
        assert holder(home) == os.getpid()


def test_whether_somebody_holds_it_can_be_asked(home: Home) -> None:
    assert not is_held(home)
    with hold_home(home):
        assert is_held(home)
    assert not is_held(home)


@pytest.mark.parametrize("content", ["", "x", "12\n34\n"])
def test_a_damaged_lock_names_nobody(home: Home, content: str) -> None:
    home.create()
    assert holder(home) is None
    (home.run / "serve.lock").write_text(content)
    assert holder(home) is None


def test_a_link_in_the_place_of_the_lock_is_not_written_through(home: Home, tmp_path: Path) -> None:
    home.create()
    (tmp_path / "victim").write_text("kept")
    (home.run / "serve.lock").symlink_to(tmp_path / "victim")
    with pytest.raises((OSError, KeyhatchError)), hold_home(home):
        pass
    assert (tmp_path / "victim").read_text() == "kept"
