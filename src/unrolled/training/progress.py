"""What a person sees while a run goes on: a bar on a terminal, plain lines elsewhere. All of it on stderr."""

import contextlib
import math
import sys
import time
from collections import deque
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, TextIO

import rich.console
import rich.progress
from rich.console import RenderableType
from rich.text import Text

from unrolled.atomic import cannot_write
from unrolled.formats import format_count, format_duration
from unrolled.training.forgiving import Forgiving
from unrolled.visible import visible

LINE_EVERY = 10.0
"""seconds between plain lines"""
QUIET_SECONDS = 2.0
"""Other work than training gets plain lines only if it lasts longer."""
_DRAW_EVERY = 0.1


class Pace:
    """How fast the fraction done grows, over the last half of the time since it began, but at least ten seconds.

    So it forgets a slow start, and what comes at intervals (validations, checkpoints) stays counted.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._points: deque[tuple[float, float]] = deque()
        self._began = clock()

    def remaining(self, fraction: float) -> float | None:
        """Take in the fraction done now; the seconds that are left at this pace, or None while it is unknown."""
        now = self._clock()
        elapsed = now - self._began
        points = self._points
        if not points or now - points[-1][0] > elapsed / 500:  # so that a long run keeps few points
            points.append((now, fraction))
        window = max(10.0, elapsed / 2)
        while len(points) > 2 and now - points[1][0] >= window:
            points.popleft()
        then, before = points[0]
        if fraction <= before or now <= then:
            return None
        return (1.0 - fraction) * (now - then) / (fraction - before)


class _TwoLines(rich.progress.Progress):
    """A bar with the facts in a line of their own below it, so that 80 columns are enough."""

    def get_renderables(self) -> Iterable[RenderableType]:
        for task in self.tasks:
            yield self.make_tasks_table([task])
            yield Text(f"  {task.fields['facts']}", no_wrap=True, overflow="ellipsis", style="dim")


class Progress:
    """The progress of encoding, training and validation. Use it in a `with` block.

    On a terminal, one bar that is redrawn. Elsewhere plain lines, at most one in `LINE_EVERY` seconds, plus every
    validation and message. `silent` shows nothing. With `log`, the plain lines are also appended to that file. Where
    standard error is closed, full or read by nobody any more, the work goes on; a `log` that cannot be written raises
    `UserError`.
    """

    def __init__(
        self,
        *,
        silent: bool = False,
        log: Path | None = None,
        console: rich.console.Console | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        stderr: Any = Forgiving(sys.stderr)
        self._console = console or rich.console.Console(file=stderr, highlight=False)
        self._silent = silent
        self._live = self._console.is_terminal and not silent
        self._log_path = log
        self._log: TextIO | None = None
        self._clock = clock
        self._pace: dict[str, Pace] = {}
        self._begun: dict[str, float] = {}
        self._last_line: dict[str, float] = {}
        self._last_draw: dict[str, float] = {}
        self._tasks: dict[str, rich.progress.TaskID] = {}
        self._bars: rich.progress.Progress | None = None

    def __enter__(self) -> "Progress":
        if self._log_path is not None:
            self._log = _opened(self._log_path)
        if self._live:
            self._bars = _TwoLines(
                rich.progress.TextColumn("{task.description}", markup=False),
                rich.progress.BarColumn(bar_width=None),
                rich.progress.TextColumn("{task.percentage:>3.0f}%  {task.fields[left]}", markup=False),
                console=self._console,
                transient=True,
                expand=True,
                refresh_per_second=5,
            )
            self._bars.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._bars is not None:
            self._bars.stop()
            self._bars = None
        if self._log is not None:
            with contextlib.suppress(OSError):  # every line was flushed; a refused one was reported then
                self._log.close()
            self._log = None

    def train(
        self,
        step: int,
        progress: float,
        loss: float,
        tokens_per_second: float,
        grad_norm: float,
        *,
        bits_per_byte: float | None = None,
        epoch: float | None = None,
        unit: str = "tokens",
        nats: bool = True,
    ) -> None:
        """One update is done. `progress` is the part of the limit that ends first, 0 to 1; `loss` is per scored unit.

        For tokens it shows the bits per byte if given, else the perplexity.
        """
        quality = f" | {bits_per_byte:.3f} bits/byte" if bits_per_byte is not None else ""
        if not quality and nats and unit == "tokens":
            quality = f" | perplexity {_perplexity(loss)}"
        passes = "" if epoch is None else f" | epoch {epoch:.2f}"

        self._update(
            "training",
            progress,
            lambda: (
                f"step {step:,} | loss {loss:.3f}{' nats' if nats else ''}{quality} | "
                f"{format_count(tokens_per_second)} {unit}/s | gradient {grad_norm:.2g}{passes}"
            ),
        )

    def validation(self, step: int, scores: str, best: bool = False) -> None:
        """A validation is done: always one line, with its scores in words."""
        self.message(f"validation at step {step:,}: {scores}{' (best so far)' if best else ''}")

    def message(self, text: str) -> None:
        """One line, shown at once; above the bar on a terminal."""
        text = visible(text)
        if not self._silent:
            self._print(text)
        self._write_log(text)

    def work(self, label: str, done: int, total: int, *, unit: str = "B") -> None:
        """`done` of `total` units of some other work are done, and for bytes how many a second. On plain lines, work of
        a moment stays unmentioned."""
        fraction = done / total if total else 1.0

        def facts() -> str:
            if unit != "B":
                return f"{done:,} of {total:,}{unit}"
            seconds = self._clock() - self._begun[label]
            pace = f", {format_count(done / seconds, unit)}/s" if done and seconds > 0 else ""
            return f"{format_count(done, unit)} of {format_count(total, unit)}{pace}"

        self._update(label, fraction, facts, finished=done >= total, quiet=QUIET_SECONDS)

    def _update(
        self, label: str, fraction: float, facts: Callable[[], str], *, finished: bool = False, quiet: float = 0.0
    ) -> None:
        """Redraw or print if it is time; the text is made only then."""
        if (pace := self._pace.get(label)) is None:
            if finished:  # too quick to be worth a line
                return
            pace = self._pace[label] = Pace(self._clock)
            self._begun[label] = self._clock()
        now = self._clock()
        seconds = pace.remaining(fraction)
        left = "ETA -" if seconds is None else f"ETA {format_duration(seconds)}"
        if self._bars is not None and (finished or now - self._last_draw.get(label, -math.inf) >= _DRAW_EVERY):
            self._last_draw[label] = now
            self._draw(self._bars, label, fraction, facts(), left, finished)
        due = now - self._last_line.get(label, -math.inf) >= LINE_EVERY or finished or fraction >= 1.0
        due = due and now - self._begun[label] >= quiet
        if due and (self._log is not None or not (self._live or self._silent)):
            self._last_line[label] = now
            line = f"{visible(label)} {fraction:.0%} | {facts()}" + ("" if fraction >= 1.0 else f" | {left}")
            if not (self._live or self._silent):
                self._print(line)
            self._write_log(line)

    def _draw(
        self, bars: rich.progress.Progress, label: str, fraction: float, facts: str, left: str, finished: bool
    ) -> None:
        if (task := self._tasks.get(label)) is None:
            task = self._tasks[label] = bars.add_task(visible(label), total=1.0, facts="", left="")
        bars.update(task, completed=fraction, facts=facts, left=left)
        if finished:
            bars.remove_task(self._tasks.pop(label))

    def _print(self, line: str) -> None:
        self._console.print(line, markup=False, highlight=False, soft_wrap=True)

    def _write_log(self, line: str) -> None:
        if self._log is not None and self._log_path is not None:
            try:
                self._log.write(f"{time.strftime('%Y-%m-%d %H:%M:%S')} {line}\n")
                self._log.flush()
            except OSError as error:
                raise cannot_write(self._log_path, error) from error


def _opened(path: Path) -> TextIO:
    try:
        return path.open("a", encoding="utf-8")
    except OSError as error:
        raise cannot_write(path, error) from error


def _perplexity(loss: float) -> str:
    return f"{math.exp(loss):.4g}" if loss < 50 else ">1e21"
