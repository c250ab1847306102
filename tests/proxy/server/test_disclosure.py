import asyncio
import base64
import json
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

import pytest

from config.errors import UsageError
from config.home import Home
from config.oauth import PRIVATE_KEY, TOKEN_SET
from proxy.oauth.token_set import TokenSet, dump
from proxy.secret import Secret
from proxy.server.control_client import LONGEST_TEXT, open_lease_socket, request
from proxy.server.disclosure import Disclosure
from tests.support.control import running_control

KEY = "canary/key+0123456789="
ACCESS, REFRESH = "canary-access-0123456789", "canary-refresh-0123456789"
TOKENS = TokenSet(
    Secret(ACCESS), Secret(REFRESH), "Bearer", (), datetime(2026, 5, 9, tzinfo=UTC), None
)
PEM = "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASC\n-----END PRIVATE KEY-----\n"
STORED = [
    ("secret", Secret(KEY)),
    (TOKEN_SET, dump(TOKENS)),
    (PRIVATE_KEY, Secret(json.dumps({"client_email": "robot@example.com", "private_key": PEM}))),
]


def found(text: str) -> bool:
    return Disclosure(lambda: STORED, lambda: 1).find({"NAME": text}) == ["NAME"]


@pytest.mark.parametrize(
    "text",
    [
        KEY,
        f"Bearer {KEY}",
        base64.b64encode(KEY.encode()).decode(),
        base64.b64encode(b"user:" + KEY.encode()).decode(),
        f"https://user:{quote(KEY, safe='')}@example.com/",
        json.dumps({"headers": {"x": KEY}}),
        ACCESS,
        REFRESH,
        PEM,
        json.dumps({"private_key": PEM}),
        "MIIEvQIBADANBgkqhkiG9w0BAQEFAASC",
    ],
)
def test_a_secret_is_found_in_each_form(text: str) -> None:
    assert found(text)


@pytest.mark.parametrize(
    "text", ["", "canary", "robot@example.com", "/usr/bin", "\udcff", "Bearer"]
)
def test_other_texts_hold_none(text: str) -> None:
    assert not found(text)


def test_the_vault_is_read_again_only_after_a_change() -> None:
    reads: list[int] = []
    generation = 1

    def read() -> list[tuple[str, Secret]]:
        reads.append(generation)
        return STORED

    search = Disclosure(read, lambda: generation)
    search.find({"A": KEY})
    search.find({"A": KEY})
    assert len(reads) == 1
    generation = 2
    search.find({"A": KEY})
    assert len(reads) == 2


@pytest.mark.parametrize("texts", [None, [], {"A": 1}, {"A": None}])
def test_anything_else_is_refused(texts: object) -> None:
    with pytest.raises(UsageError):
        asyncio.run(Disclosure(lambda: STORED, lambda: 1).answer({"texts": texts}))


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home")


class TestOverTheControlSocket:
    def test_names_come_back_and_nothing_of_what_was_found(self, home: Home) -> None:
        with running_control(home) as running:
            running.stored.append(("secret", Secret(KEY)))
            told = request(home, {"op": "disclosed", "texts": {"A": f"x{KEY}", "B": "harmless"}})
        assert told == {"found": ["A"]}

    def test_many_and_long_texts_are_asked_for_in_parts(self, home: Home) -> None:
        texts = {f"V{n}": "\x01" * (LONGEST_TEXT - 1) for n in range(5)} | {"LAST": KEY}
        with running_control(home) as running:
            running.stored.append(("secret", Secret(KEY)))
            lease = open_lease_socket(home, None, None, sandbox=True)
            assert lease is not None
            with lease:
                assert lease.disclosed(texts) == {"LAST"}
