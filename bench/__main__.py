"""`make bench`: Keyhatch against plain mitmdump with a naive addon; README.md says how to read it."""

import argparse
import os
import platform
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from bench.contenders import (
    UNSCRUBBED_HOST,
    Bench,
    CannotRunError,
    NotInstalledError,
    keyhatch,
    mitmdump,
    origin,
    pick_cores,
)
from bench.load import Sample, Scenario, Target, measure
from bench.scrubbing import ROWS, Pairs, round_of
from bench.scrubbing import table as scrubbing_table

type Contender = Callable[[Bench], AbstractContextManager[Target]]
type Results = dict[Scenario, dict[str, list[Sample]]]

# Keyhatch first: mitmdump borrows its CA.
CONTENDERS: Mapping[str, Contender] = {"keyhatch": keyhatch, "mitmdump": mitmdump}
CANNOT_RUN = 1


@dataclass(frozen=True, slots=True)
class Plan:
    """How long and how hard: rounds, measured seconds of each, clients at a time."""

    rounds: int
    seconds: float
    clients: int


SHORT = Plan(rounds=3, seconds=1.6, clients=16)
LONG = Plan(rounds=9, seconds=5.0, clients=16)


def main(arguments: Sequence[str] | None = None) -> int:
    """Return the exit code; a machine without nginx is told so and is no failure."""
    parser = argparse.ArgumentParser(prog="bench", description=(__doc__ or "").partition(";")[0])
    parser.add_argument("--long", action="store_true", help="more and longer rounds")
    plan = LONG if parser.parse_args(arguments).long else SHORT
    try:
        results, scrubbing = run(plan)
    except NotInstalledError as error:
        print(f"skipped: {error}")
        return 0
    except CannotRunError as error:
        print(f"error: {error}", file=sys.stderr)
        return CANNOT_RUN
    print(table(results), scrubbing_table(scrubbing), sep="\n\n")
    return 0


def run(plan: Plan) -> tuple[Results, Pairs]:
    """Start everything, then measure in interleaved rounds: the machine's moods hit all alike."""
    cores = pick_cores()
    scrubbing: Pairs = {row: [] for row in ROWS}
    results: Results = {scenario: {name: [] for name in CONTENDERS} for scenario in Scenario}
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="keyhatch-bench-")))
        bench = stack.enter_context(origin(folder.resolve(), cores))
        targets = {name: stack.enter_context(start(bench)) for name, start in CONTENDERS.items()}
        os.sched_setaffinity(0, {bench.other_core})
        print(introduction(plan, cores), flush=True)
        for number in range(plan.rounds):
            print(f"round {number + 1} of {plan.rounds}", file=sys.stderr, flush=True)
            for scenario in Scenario:
                for name, target in targets.items():
                    sample = measure(target, scenario, clients=plan.clients, seconds=plan.seconds)
                    results[scenario][name].append(sample)
            found = round_of(targets["keyhatch"], UNSCRUBBED_HOST, seconds=plan.seconds / 2)
            for row, pairs in found.items():
                scrubbing[row] += pairs
    return results, scrubbing


def introduction(plan: Plan, cores: tuple[int, int]) -> str:
    """Say what is measured, where."""
    shared = " (the same: ratios only)" if cores[0] == cores[1] else ""
    return (
        f"Python {platform.python_version()}, {platform.machine()}; "
        f"proxies on core {cores[0]}, nginx and load on core {cores[1]}{shared}; "
        f"{plan.clients} clients, median of {plan.rounds} rounds of {plan.seconds} s"
    )


def table(results: Results) -> str:
    """Return the medians, and the ratios Keyhatch / mitmdump (medians over the rounds)."""
    titles = ("req/s", "cpu µs", "p50 ms", "p99 ms", "ratio", "of cpu")
    lines = [" " * 28 + "".join(f"{title:>9}" for title in titles)]
    for scenario, by_name in results.items():
        for name, samples in by_name.items():
            cells = [f"{median(s.rate for s in samples):9.0f}"]
            cells += [f"{median(s.cpu for s in samples):9.0f}"]
            cells += [f"{median(s.p50 for s in samples):9.2f}"]
            cells += [f"{median(s.p99 for s in samples):9.2f}"]
            if name == "keyhatch":
                cells += [f"{ratio:8.2f}x" for ratio in ratios_of(by_name)]
            lines.append(f"{scenario:18}{name:10}" + "".join(cells))
    return "\n".join(lines)


def ratios_of(by_name: Mapping[str, Sequence[Sample]]) -> tuple[float, float]:
    """Return how many times mitmdump's requests Keyhatch carries: per second, and per CPU second."""
    pairs = list(zip(by_name["keyhatch"], by_name["mitmdump"], strict=True))
    return (
        median(ours.rate / theirs.rate for ours, theirs in pairs),
        median(theirs.cpu / ours.cpu for ours, theirs in pairs),
    )


if __name__ == "__main__":
    sys.exit(main())
