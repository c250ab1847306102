"""Which inherited environments are refused, and what is dropped from the others."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.server.surroundings import (
    REFUSED,
    SurroundingsError,
    is_ambient,
    own_status,
    refuse_environment,
    refuse_observers,
    without_ambient,
)

USUAL = {
    "PATH": "/usr/bin",
    "HOME": "/nowhere",
    "LANG": "C.UTF-8",
    "TERM": "xterm",
    "DBUS_SESSION_BUS_ADDRESS": "unix:path=/nowhere/bus",
    "XDG_RUNTIME_DIR": "/nowhere",
    "KEYHATCH_HOME": "/nowhere/home",
    "KEYHATCH_VAULT_KEY_FILE": "/nowhere/key",
    "LD_LIBRARY_PATH": "/opt/python/lib",
    "HTTPS_PROXY": "http://proxy.corp.example:3128",
}


@pytest.mark.parametrize("name", sorted(REFUSED))
def test_what_carries_secrets_out_or_code_in_is_refused_by_name(name: str) -> None:
    with pytest.raises(SurroundingsError, match=name) as caught:
        refuse_environment({**USUAL, name: "x"})
    assert f"env -u {name}" in caught.value.hint


def test_the_value_of_a_refused_variable_is_not_repeated() -> None:
    with pytest.raises(SurroundingsError) as caught:
        refuse_environment({"LD_PRELOAD": "/canary/library.so"})
    assert "canary" not in str(caught.value) + caught.value.hint


def test_an_empty_variable_does_nothing_and_is_not_refused() -> None:
    refuse_environment(dict.fromkeys(REFUSED, ""))


def test_an_ordinary_environment_is_neither_refused_nor_changed() -> None:
    refuse_environment(USUAL)
    assert without_ambient(USUAL) == USUAL


@pytest.mark.parametrize(
    "name",
    [
        "RES_OPTIONS", "LOCALDOMAIN", "HOSTALIASES", "OPENSSL_CONF", "OPENSSL_MODULES",
        "SSL_CERT_FILE", "SSL_CERT_DIR", "GCONV_PATH", "GLIBC_TUNABLES", "MALLOC_TRACE",
        "MALLOC_CONF", "LD_DEBUG", "LD_DEBUG_OUTPUT", "PYTHONPATH", "PYTHONHOME", "PYTHONSTARTUP",
        "PYTHONINSPECT", "PYTHONUSERBASE", "PYTHON_KEYRING_BACKEND", *REFUSED,
    ],
)  # fmt: skip
def test_what_bends_resolver_tls_or_interpreter_is_dropped(name: str) -> None:
    assert is_ambient(name)
    assert without_ambient({**USUAL, name: "x"}) == USUAL


@given(st.dictionaries(st.text(min_size=1), st.text()))
def test_dropping_keeps_every_other_variable_as_it_is(environ: dict[str, str]) -> None:
    kept = without_ambient(environ)
    assert kept.items() <= environ.items()
    assert {name for name in environ if not is_ambient(name)} == kept.keys()


def test_a_tracer_is_refused_with_its_process_id() -> None:
    with pytest.raises(SurroundingsError, match="4711"):
        refuse_observers(traced=False, status="Name:\tpython\nTracerPid:\t4711\nUid:\t0\n")


def test_a_trace_function_is_refused() -> None:
    with pytest.raises(SurroundingsError, match="debugger"):
        refuse_observers(traced=True, status="")


@pytest.mark.parametrize("status", ["", "Name:\tpython\nTracerPid:\t0\n", "TracerPid", ":::"])
def test_nobody_who_looks_on_is_fine(status: str) -> None:
    if status == "TracerPid":
        status += "s: no number"
    refuse_observers(traced=False, status=status)


def test_the_own_status_is_read_where_there_is_one() -> None:
    assert own_status() == "" or "TracerPid:" in own_status()
