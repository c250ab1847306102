"""What the settings page takes to draw, with few connectors and with 1,000.

`python -m bench.pages`. Times are of the server alone, over a connection that is kept: from the request
to the last byte of its answer, the best and the median of many, after the first.
"""

import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from statistics import median
from typing import Final

from config.connector import binding_of
from config.files import write_private
from config.home import Home
from config.load import read_registry
from proxy.secret import Secret
from tests.support.vaults import create
from tests.support.web import Browser, signed_in

SIZES: Final = (10, 1_000)
ROUNDS: Final = 25
PATHS: Final = {
    "the list": "/settings/connectors",
    "a search": "/settings/connectors?q=service-7",
    "one connector": "/settings/connectors/service-7",
    "whether anything changed": "/settings/mark",
}


def main() -> None:
    """Print milliseconds for each page and size."""
    rows = {size: measured(size) for size in SIZES}
    small, large = SIZES
    print(f"{'milliseconds':26}{small:>8,}{large:>16,} connectors    ratio   the first")
    for name in PATHS:
        (first_small, few), (first, many) = rows[small][name], rows[large][name]
        ratio = median(many) / median(few)
        print(
            f"{name:26}{median(few):8.1f}{median(many):16.1f} (best {min(many):.1f})"
            f"{ratio:9.1f}{first:10.1f} ({first_small:.1f})"
        )


def measured(size: int) -> dict[str, tuple[float, list[float]]]:
    """Return the milliseconds of the first answer of each page, and of those after it."""
    with tempfile.TemporaryDirectory() as folder, visited(Path(folder), size) as browser:
        return {name: _taken(browser, path) for name, path in PATHS.items()}


@contextmanager
def visited(folder: Path, size: int) -> Iterator[Browser]:
    """Serve the page of a home with so many connectors, each with its key."""
    home = Home(folder / "home")
    home.create()
    entries = "".join(
        f"  service-{n}: {{type: api_key, hosts: [service-{n}.example]}}\n" for n in range(size)
    )
    text = f"version: 1\nconnectors:\n{entries}agents:\n  ada: {{connectors: [service-7]}}\n"
    write_private(home.connectors, text.encode())
    with create(home) as vault:
        for connector in read_registry(home).connectors.values():
            vault.put(connector.id, "secret", binding_of(connector), Secret("a-key-of-the-bench"))
    with signed_in(home) as browser:
        yield browser


def _taken(browser: Browser, path: str) -> tuple[float, list[float]]:
    front = browser.page.front
    connection = HTTPConnection("127.0.0.1", front.port, timeout=60)
    headers = {"Host": front.authority, "Cookie": browser.cookie}
    times = []
    for _ in range(ROUNDS + 1):
        began = time.perf_counter()
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        answer.read()
        times.append((time.perf_counter() - began) * 1000)
        assert answer.status == 200
    connection.close()
    return times[0], times[1:]


if __name__ == "__main__":
    main()
