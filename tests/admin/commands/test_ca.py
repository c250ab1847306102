import stat
from pathlib import Path

import pytest
from cryptography import x509

from tests.support.command_line import CommandLine


def test_path_names_the_certificate_and_the_bundle(keyhatch: CommandLine) -> None:
    for words, name in ((["ca", "path"], "ca.pem"), (["ca", "path", "--bundle"], "bundle.pem")):
        path = Path(keyhatch(*words).out.strip())
        assert path == keyhatch.home / "ca" / name
        assert path.read_bytes().startswith(b"-----BEGIN CERTIFICATE-----")


def test_show_follows_the_connectors(keyhatch: CommandLine) -> None:
    before = keyhatch("ca", "show", "--json").json
    assert before["permitted_names"] == ["keyhatch.internal"]
    keyhatch("connector", "add", "X", "--type", "api-key", "--host", "x.example.com", "--no-secret")
    after = keyhatch("ca", "show", "--json").json
    assert after["permitted_names"] == ["keyhatch.internal", "x.example.com"]
    assert after["constrained"] is True


def test_pem_and_der_are_the_same_certificate_without_its_key(keyhatch: CommandLine) -> None:
    pem, der = keyhatch("ca", "export"), keyhatch("ca", "export", "--format", "der")
    assert x509.load_pem_x509_certificate(pem.raw) == x509.load_der_x509_certificate(der.raw)
    assert b"PRIVATE" not in pem.raw


def test_the_bundle_has_the_system_s_roots_too(keyhatch: CommandLine) -> None:
    bundle = keyhatch("ca", "export", "--format", "bundle").raw
    assert bundle.count(b"BEGIN CERTIFICATE") > 1


def test_an_exported_file_can_be_read_as_the_caller_s_umask_says(
    keyhatch: CommandLine, tmp_path: Path
) -> None:
    keyhatch.umask = 0o027
    out = tmp_path / "ca.cer"
    outcome = keyhatch("ca", "export", "--format", "der", "-o", str(out))
    assert (outcome.code, outcome.out) == (0, "")
    assert stat.S_IMODE(out.stat().st_mode) == 0o640
    assert x509.load_der_x509_certificate(out.read_bytes()).subject


@pytest.mark.parametrize("where", ["missing/ca.pem", ""])
def test_a_file_that_cannot_be_written_is_named(
    keyhatch: CommandLine, tmp_path: Path, where: str
) -> None:
    outcome = keyhatch("ca", "export", "-o", str(tmp_path / where))
    assert outcome.code in (1, 2)
    assert outcome.hint
