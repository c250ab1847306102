"""What scrubbing costs: the same answers through two connectors, one of which has it off."""

import gzip
import json
import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from typing import Final

from bench.load import Sample, Scenario, Target, measure

SIZES: Mapping[str, int] = {"2 KiB": 2 * 1024, "1 MiB": 1024 * 1024}  # bytes of JSON
CODINGS: Mapping[str, str] = {"identity": "json", "gzip": "gz"}  # and the files' suffixes


CLIENTS: Final = 2  # many would each wait longer for 1 MiB than is measured


@dataclass(frozen=True, slots=True)
class Row:
    """One kind of answer."""

    size: str
    coding: str

    @property
    def path(self) -> str:
        return f"/bodies/{self.size.replace(' ', '')}.{CODINGS[self.coding]}"

    def __str__(self) -> str:
        return f"JSON {self.size}, {self.coding}"


ROWS = tuple(Row(size, coding) for size in SIZES for coding in CODINGS)

type Pairs = dict[Row, list[tuple[Sample, Sample]]]


def write_bodies(folder: Path) -> None:
    """Write the answers: JSON that compresses like a service's, not like zeros."""
    folder.mkdir()
    for row in ROWS:
        text = "".join(_json(SIZES[row.size])).encode()
        body = gzip.compress(text, mtime=0) if row.coding == "gzip" else text
        (folder / Path(row.path).name).write_bytes(body)


def _json(size: int) -> Iterator[str]:
    """Yield a JSON array of records, in all of about that many bytes."""
    chance = random.Random(size)
    yield "["
    written = 0
    while written < size:
        record = {
            "id": f"{chance.getrandbits(64):016x}",
            "email": f"{chance.choice(_NAMES)}{chance.randrange(10**4)}@example.com",
            "name": f"{chance.choice(_NAMES)} {chance.choice(_NAMES)}",
            "amount": chance.randrange(10**6) / 100,
            "url": f"https://api.example.com/v3/contacts/{chance.randrange(10**9)}?archived=false",
        }
        text = json.dumps(record) + ","
        written += len(text)
        yield text
    yield "{}]"


_NAMES = ("ada", "grace", "alan", "edsger", "barbara", "donald", "radia", "tim", "vint", "ken")


def round_of(on: Target, off_host: str, *, seconds: float) -> Pairs:
    """Measure each row with scrubbing on and off, one after the other."""
    off = replace(on, host=off_host)
    return {
        row: [
            (
                _measured(on, row, seconds),
                _measured(off, row, seconds),
            )
        ]
        for row in ROWS
    }


def _measured(target: Target, row: Row, seconds: float) -> Sample:
    asked = replace(target, path=row.path)
    return measure(asked, Scenario.KEEP_ALIVE_HTTPS, clients=CLIENTS, seconds=seconds)


def table(pairs: Pairs) -> str:
    """Return what each answer takes with scrubbing on and off, and how many times as much."""
    titles = ("on µs", "off µs", "cpu", "rate")
    lines = [f"{'scrubbing':28}" + "".join(f"{title:>9}" for title in titles)]
    for row, samples in pairs.items():
        cells = [f"{_median(samples, lambda on, _off: on.cpu):9.0f}"]
        cells += [f"{_median(samples, lambda _on, off: off.cpu):9.0f}"]
        cells += [f"{_median(samples, lambda on, off: on.cpu / off.cpu):8.2f}x"]
        cells += [f"{_median(samples, lambda on, off: on.rate / off.rate):8.2f}x"]
        lines.append(f"{row!s:28}" + "".join(cells))
    return "\n".join(lines)


def _median(
    samples: list[tuple[Sample, Sample]], figure: Callable[[Sample, Sample], float]
) -> float:
    return median(figure(on, off) for on, off in samples)
