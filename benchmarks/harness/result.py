"""What a benchmark says at its end: machine, table and notes; on the screen, and as Markdown if asked for."""

import math
import statistics
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

RESULTS = Path(__file__).parents[1] / "results"


class Spread(NamedTuple):
    """Median and quartiles."""

    low: float
    median: float
    high: float
    size: int

    def say(self, form: str = ".2f") -> str:
        """The median, and the middle half of the values if there are several."""
        middle = format(self.median, form)
        return middle if self.size < 2 else f"{middle} ({format(self.low, form)} to {format(self.high, form)})"


def spread(values: Sequence[float]) -> Spread:
    """Median and quartiles of one or more values. Raises `ValueError` for a value that is not finite."""
    if not values or not all(map(math.isfinite, values)):
        raise ValueError(f"a spread needs finite values, got {list(values)}")
    if len(values) == 1:
        return Spread(values[0], values[0], values[0], 1)
    low, median, high = statistics.quantiles(values, n=4, method="inclusive")
    return Spread(low, median, high, len(values))


def ratios(ours: Sequence[float], theirs: Sequence[float]) -> Spread:
    """Ours over theirs, pair by pair: both of a pair ran one right after the other."""
    return spread([a / b for a, b in zip(ours, theirs, strict=True)])


def alternate(rounds: int, *sides: Callable[[], float]) -> list[list[float]]:
    """Call every side once a round, in turning order, and collect what each returns."""
    readings: list[list[float]] = [[] for _ in sides]
    for turn in range(rounds):
        for offset in range(len(sides)):
            side = (turn + offset) % len(sides)
            readings[side].append(sides[side]())
    return readings


def machine() -> str:
    """One line about where this ran."""
    from unrolled.training.environment import environment

    facts = environment()
    features = ", ".join(facts["cpu features"])
    return (
        f"{facts['cpu']} ({facts['cores']} cores, {facts['threads']} threads; {features}), torch {facts['torch']}, "
        f"Python {facts['python']}, unrolled {facts['unrolled']}"
    )


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table with aligned columns."""
    lines = [header, *rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(header))]
    drawn = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) + " |" for line in lines
    ]
    return "\n".join([drawn[0], "|" + "|".join("-" * (width + 2) for width in widths) + "|", *drawn[1:]])


def publish(name: str, title: str, body: Sequence[str], *, write: bool, quick: bool, folder: Path = RESULTS) -> None:
    """Print a result; with `write` also put it into `folder/name.md`, with the date and the machine.

    Raises `SystemExit` if the result of a quick run is to be written: it measures nothing.
    """
    where = f"Machine: {machine()}"
    print("", title, *body, where, sep="\n\n", flush=True)
    if not write:
        return
    if quick:
        raise SystemExit("--quick measures nothing, so it is not written; leave out --quick or --write")
    folder.mkdir(parents=True, exist_ok=True)
    paragraphs = [f"# {title}", *body, f"Date: {datetime.now(UTC):%Y-%m-%d}. {where}."]
    (folder / f"{name}.md").write_text("\n\n".join(paragraphs) + "\n", encoding="utf-8")
    print(f"written: {folder / f'{name}.md'}")
