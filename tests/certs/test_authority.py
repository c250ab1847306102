"""Making, keeping, re-issuing and refusing the CA."""

import os
import stat
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from certs.authority import (
    CertificateAuthority,
    LeafRefusedError,
    ensure_authority,
    load_authority,
)
from certs.profile import sign_authority
from config.errors import KeyhatchError, OperatorNeededError
from config.home import Home
from tests.certs.properties import (
    assert_is_ca,
    assert_is_leaf,
    assert_issued_by,
    extension,
    permitted_by,
)
from tests.support.fuzzing import examples

NAMES = frozenset({"api.example.com"})
ROOT = Path(__file__).parents[2]


def test_a_new_home_gets_a_private_key_a_certificate_and_a_bundle(
    home: Home, now: datetime
) -> None:
    authority = ensure_authority(home, NAMES, now=now)
    assert_is_ca(authority.certificate)
    assert permitted_by(authority.certificate) == {"api.example.com", "keyhatch.internal"}
    assert (home.ca / "ca.pem").read_bytes() == authority.pem
    assert authority.pem in (home.ca / "bundle.pem").read_bytes()
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in home.ca.iterdir()}
    assert modes == dict.fromkeys(("ca.key", "ca.pem", "ca.lock", "bundle.pem"), 0o600)


def test_the_same_names_change_no_file(home: Home, now: datetime) -> None:
    first = ensure_authority(home, NAMES, now=now)
    before = snapshot(home)
    again = ensure_authority(home, NAMES, now=now + timedelta(days=300))
    assert again.certificate == first.certificate
    assert snapshot(home) == before


@pytest.mark.parametrize(
    "changed",
    [frozenset({"api.example.com", "other.example"}), frozenset[str](), None],
    ids=["one more", "none left", "no constraints"],
)
def test_other_names_issue_anew_over_the_same_key_and_subject(
    home: Home, now: datetime, changed: frozenset[str] | None
) -> None:
    first = ensure_authority(home, NAMES, now=now)
    second = ensure_authority(home, changed, now=now)
    assert second.permitted == (None if changed is None else changed | {"keyhatch.internal"})
    assert second.certificate.serial_number != first.certificate.serial_number
    assert second.certificate.subject == first.certificate.subject
    assert second.certificate.public_key() == first.certificate.public_key()
    assert key_identifier(second) == key_identifier(first)
    assert_issued_by(second.issue("keyhatch.internal", now=now).certificate, first.certificate)
    bundle = (home.ca / "bundle.pem").read_bytes()
    assert second.pem in bundle
    assert first.pem not in bundle


@pytest.mark.parametrize("days", [700, 800, -2], ids=["near its end", "past it", "clock set back"])
def test_a_certificate_out_of_its_time_is_issued_anew(home: Home, now: datetime, days: int) -> None:
    first = ensure_authority(home, NAMES, now=now)
    moment = now + timedelta(days=days)
    second = ensure_authority(home, NAMES, now=moment)
    assert second.certificate != first.certificate
    assert second.certificate.not_valid_before_utc <= moment
    assert second.certificate.not_valid_after_utc >= moment + timedelta(days=700)


def test_a_lost_certificate_comes_back_with_the_same_subject(home: Home, now: datetime) -> None:
    first = ensure_authority(home, NAMES, now=now)
    (home.ca / "ca.pem").unlink()
    assert ensure_authority(home, NAMES, now=now).certificate.subject == first.certificate.subject


def test_a_lost_bundle_comes_back(home: Home, now: datetime) -> None:
    authority = ensure_authority(home, NAMES, now=now)
    (home.ca / "bundle.pem").unlink()
    ensure_authority(home, NAMES, now=now)
    assert authority.pem in (home.ca / "bundle.pem").read_bytes()


def test_loading_reads_what_was_made_and_writes_nothing(home: Home, now: datetime) -> None:
    made = ensure_authority(home, NAMES, now=now)
    before = snapshot(home)
    loaded = load_authority(home)
    assert loaded.certificate == made.certificate
    assert loaded.permitted == made.permitted
    assert snapshot(home) == before


def test_loading_before_init_asks_for_it(home: Home, tmp_path: Path) -> None:
    for empty in (home, Home(tmp_path / "nowhere")):
        with pytest.raises(OperatorNeededError) as caught:
            load_authority(empty)
        assert "keyhatch init" in caught.value.hint


def test_ten_callers_at_once_make_one_authority(home: Home, now: datetime) -> None:
    with ThreadPoolExecutor(10) as pool:
        made = list(pool.map(lambda _: ensure_authority(home, NAMES, now=now), range(10)))
    assert {each.pem for each in made} == {(home.ca / "ca.pem").read_bytes()}


def test_three_processes_at_once_make_one_authority(home: Home) -> None:
    script = (
        "import sys; from datetime import UTC, datetime; from pathlib import Path;"
        "from certs.authority import ensure_authority; from config.home import Home;"
        "made = ensure_authority(Home(Path(sys.argv[1])), frozenset(), now=datetime.now(UTC));"
        "print(made.certificate.serial_number)"
    )
    command = [sys.executable, "-c", script, str(home.root)]
    running = [subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) for _ in range(3)]
    serials = {process.communicate()[0] for process in running}
    assert [process.returncode for process in running] == [0, 0, 0]
    assert serials == {str(load_authority(home).certificate.serial_number).encode() + b"\n"}


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o622, 0o700])
def test_a_loose_key_file_is_refused(
    home: Home, authority: CertificateAuthority, now: datetime, mode: int
) -> None:
    (home.ca / "ca.key").chmod(mode)
    error = refusal(home, now)
    assert f"open to others (mode {mode:04o})" in str(error)
    assert "chmod 600" in error.hint


@pytest.mark.parametrize("name", ["ca.key", "ca.pem"])
def test_a_symbolic_link_is_refused(
    home: Home, authority: CertificateAuthority, now: datetime, name: str
) -> None:
    path = home.ca / name
    moved = path.rename(home.root / name)
    path.symlink_to(moved)
    assert "is a symbolic link" in str(refusal(home, now))


@pytest.mark.parametrize("plant", [os.mkfifo, os.mkdir], ids=["fifo", "folder"])
def test_a_key_that_is_no_plain_file_is_refused_without_waiting(
    home: Home, now: datetime, plant: Callable[[Path, int], None]
) -> None:
    plant(home.ca / "ca.key", 0o600)
    assert "is not a plain file" in str(refusal(home, now))


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give a file away")
def test_a_key_of_another_user_is_refused(
    home: Home, authority: CertificateAuthority, now: datetime
) -> None:
    os.chown(home.ca / "ca.key", 65534, 65534)
    assert "belongs to another user" in str(refusal(home, now))


def test_a_certificate_of_another_key_is_refused(
    home: Home, authority: CertificateAuthority, now: datetime
) -> None:
    stranger = sign_authority(ec.generate_private_key(ec.SECP256R1()), NAMES, now)
    (home.ca / "ca.pem").write_bytes(stranger.public_bytes(Encoding.PEM))
    assert "does not belong to ca.key" in str(refusal(home, now))


def test_a_certificate_without_its_key_is_refused(
    home: Home, authority: CertificateAuthority, now: datetime
) -> None:
    """A new key behind the operator's back would break every client that trusts the old one."""
    (home.ca / "ca.key").unlink()
    assert "ca.key is missing" in str(refusal(home, now))
    assert not (home.ca / "ca.key").exists()


@pytest.mark.parametrize("name", ["ca.key", "ca.pem"])
@pytest.mark.parametrize("content", [b"", b"junk", b"-----BEGIN CERTIFICATE-----\nMII="])
def test_a_damaged_file_is_refused(
    home: Home, authority: CertificateAuthority, now: datetime, name: str, content: bytes
) -> None:
    (home.ca / name).write_bytes(content)
    assert f"{name} is damaged" in str(refusal(home, now))


@pytest.mark.parametrize(
    "key",
    [ec.generate_private_key(ec.SECP384R1()), rsa.generate_private_key(65537, 2048)],
    ids=["P-384", "RSA"],
)
def test_a_key_of_another_kind_is_refused(
    home: Home,
    authority: CertificateAuthority,
    now: datetime,
    key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey,
) -> None:
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (home.ca / "ca.key").write_bytes(pem)
    assert "not an EC P-256 private key" in str(refusal(home, now))


def test_an_encrypted_key_is_refused(
    home: Home, authority: CertificateAuthority, now: datetime
) -> None:
    encryption = BestAvailableEncryption(b"passphrase")
    pem = authority.private_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption)
    (home.ca / "ca.key").write_bytes(pem)
    assert "ca.key is damaged" in str(refusal(home, now))


@pytest.mark.filterwarnings("ignore:Parsed a serial number")
@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    max_examples=examples(200),
    deadline=None,
)
@given(
    name=st.sampled_from(["key", "pem"]),
    flip=st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 7)),
)
def test_a_flipped_bit_is_either_refused_or_without_effect(
    home: Home, authority: CertificateAuthority, name: str, flip: tuple[float, int]
) -> None:
    where, bit = flip
    path = home.ca / f"ca.{name}"
    intact = path.read_bytes()
    changed = bytearray(intact)
    changed[int(where * len(intact))] ^= 1 << bit
    path.write_bytes(changed)
    try:
        assert load_authority(home).certificate == authority.certificate
    except KeyhatchError as error:
        assert error.hint  # noqa: PT017 - either outcome is right
    finally:
        path.write_bytes(intact)


def test_a_leaf_is_issued_for_a_permitted_host(
    authority: CertificateAuthority, now: datetime
) -> None:
    leaf = authority.issue("api.example.com", now=now)
    assert_is_leaf(leaf.certificate, "api.example.com")
    assert_issued_by(leaf.certificate, authority.certificate)
    assert leaf.private_key.public_key() == leaf.certificate.public_key()
    assert x509.load_pem_x509_certificate(leaf.pem) == leaf.certificate


@pytest.mark.parametrize("host", ["evil.test", "10.1.2.3", "::1", "*.tenant.example", ""])
def test_no_leaf_is_issued_outside_the_constraints(
    authority: CertificateAuthority, now: datetime, host: str
) -> None:
    with pytest.raises(LeafRefusedError) as caught:
        authority.issue(host, now=now)
    assert caught.value.hint


def test_an_expired_authority_issues_nothing(
    authority: CertificateAuthority, now: datetime
) -> None:
    with pytest.raises(KeyhatchError, match="has expired"):
        authority.issue("api.example.com", now=now + timedelta(days=800))


def test_no_text_form_shows_a_key(authority: CertificateAuthority, now: datetime) -> None:
    leaf = authority.issue("api.example.com", now=now)
    assert "rivate" not in repr(authority) + repr(leaf)
    assert b"PRIVATE" not in authority.pem + leaf.pem


def refusal(home: Home, now: datetime) -> KeyhatchError:
    """Return the error of both ways to the CA; nothing in the folder may have changed."""
    before = snapshot(home)
    with pytest.raises(KeyhatchError):
        load_authority(home)
    with pytest.raises(KeyhatchError) as caught:
        ensure_authority(home, NAMES, now=now)
    assert caught.value.hint
    assert "\n" not in str(caught.value)
    assert snapshot(home) == before
    return caught.value


def snapshot(home: Home) -> dict[str, tuple[int, int, bytes]]:
    """Return inode, time of change and content of each plain file of the CA's folder."""
    found = {}
    for path in home.ca.iterdir():
        if path.is_file() and path.name != "ca.lock":
            status = path.lstat()
            found[path.name] = (status.st_ino, status.st_mtime_ns, path.read_bytes())
    return found


def key_identifier(authority: CertificateAuthority) -> bytes:
    return extension(authority.certificate, x509.SubjectKeyIdentifier).value.digest
