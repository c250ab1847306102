"""One home, one clock and a small set of roots for the certificate tests."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from certs.authority import CertificateAuthority, ensure_authority
from config.home import Home

HOST = "api.example.com"


@pytest.fixture(scope="session")
def now() -> datetime:
    """The real time: the clients that check these certificates know no other."""
    return datetime.now(UTC)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    created = Home(tmp_path / "home")
    created.create()
    return created


@pytest.fixture
def authority(home: Home, now: datetime) -> CertificateAuthority:
    return ensure_authority(home, frozenset({HOST, "tenant.example", "localhost"}), now=now)
