"""How many threads compute and how they wait: chosen by measuring, at the start and when the speed changes.

Other programs come and go while a model trains, so what is best changes. It is measured on the updates of the run
itself, a tenth of a second each, so that nothing is computed twice and no random number is drawn.

How threads wait has no influence on results. How many there are has a small one, since sums are then divided
otherwise (about 1e-6 of a gradient in float32). So a run that ends after a number of updates or epochs keeps its number
of threads, also when it is resumed, and stays the same bit for bit; only a run with a limit of time, which follows the
clock anyway, may change it.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

import torch

from unrolled.openmp import Sleep
from unrolled.plural import counted

SLICE = 0.15
"""Seconds for which one setting is measured; at least one update."""
TURNS = 2
"""How often each setting is measured in a trial."""
WATCHED = 1.0
"""Seconds over which the speed is compared with that right after the last trial; at least four updates."""
CHANGED = 0.75
"""A speed below this part of the one measured, or above its inverse, asks for a new trial."""
PAUSE, LONGEST = 15.0, 60.0
"""Seconds until a trial without such a reason. This and the time until one with a reason are doubled by each trial that
changes nothing, up to the longest."""
RARE = 10
"""A trial without a reason comes at the earliest after so many times the seconds of the last one."""
BETTER = 1.05
"""How many times quicker than the one in force another setting must be."""


class Threads(NamedTuple):
    """A setting."""

    number: int
    asleep: bool
    """whether threads that wait sleep at once, rather than spin for a moment"""

    def __str__(self) -> str:
        waiting = "" if self.number == 1 else " asleep while they wait" if self.asleep else " that spin for a moment"
        return counted(self.number, "thread") + waiting


def settings_to_try(count: int, *, can_sleep: bool, fixed: bool) -> list[Threads]:
    """The settings to choose among, the one to begin with first: fewer threads too unless their number is `fixed`."""
    if count < 2:
        return [Threads(count, False)]
    tried = [Threads(count, False)]
    if can_sleep:
        tried.append(Threads(count, True))
    while count > 1 and not fixed:
        count //= 2
        tried.append(Threads(count, False))
    return tried


class ThreadChooser:
    """Chooses among settings by the speed of updates. Knows no clock: it is told what an update took."""

    def __init__(self, settings: list[Threads], apply: Callable[[Threads], None]) -> None:
        self.chosen = settings[0]
        self._settings, self._apply = settings, apply
        self._pause, self._rest = PAUSE, WATCHED
        self._turns: list[Threads] = []
        self._done: dict[Threads, tuple[float, float]] = {}
        self._since = self._work = self._seconds = 0.0
        self._updates, self._new = 0, True
        self._usual: float | None = None
        self._begin_trial()

    @property
    def trying(self) -> bool:
        """Whether a trial is going on."""
        return bool(self._turns) and len(self._settings) > 1

    def speeds(self) -> dict[Threads, float]:
        """Work per second of each setting in the last trial, or so far in the one that goes on."""
        return {setting: self._speed(setting) for setting, (_, seconds) in self._done.items() if seconds > 0}

    def update(self, work: float, seconds: float) -> None:
        """One update has been done: how much work it was (any unit), and how long it took."""
        if len(self._settings) < 2:
            return
        self._since += seconds
        if self._new and seconds < SLICE:  # a short update after a change pays for the change too
            self._new = False
            return
        self._work += work
        self._seconds += seconds
        self._updates += 1
        if not self._turns:
            self._watch()
        elif self._seconds >= SLICE:
            self._next_turn()

    def _begin_trial(self) -> None:
        order = [self.chosen, *(setting for setting in self._settings if setting != self.chosen)]
        # There and back again, so that a machine that slows down meanwhile is unfair to nobody.
        self._turns = [setting for turn in range(TURNS) for setting in (order if turn % 2 == 0 else order[::-1])]
        self._done = dict.fromkeys(self._settings, (0.0, 0.0))
        self._since = 0.0
        self._use(self._turns[0])

    def _next_turn(self) -> None:
        setting = self._turns.pop(0)
        work, seconds = self._done[setting]
        self._done[setting] = work + self._work, seconds + self._seconds
        if self._turns:
            self._use(self._turns[0])
            return
        best = max(self._settings, key=self._speed)
        better = self._speed(best) > BETTER * self._speed(self.chosen)
        self.chosen = best if better else self.chosen
        self._pause = max(PAUSE if better else min(2 * self._pause, LONGEST), RARE * self._since)
        self._rest = WATCHED if better else min(2 * self._rest, LONGEST)
        self._since, self._usual = 0.0, None
        self._use(self.chosen)

    def _watch(self) -> None:
        watched = self._seconds >= WATCHED and self._updates >= 4
        speed = self._work / self._seconds if watched else 0.0
        if watched and self._usual is None:  # not that of the trial, whose updates were the first of their kind
            self._usual = speed
        other = watched and self._usual is not None and not CHANGED * self._usual <= speed <= self._usual / CHANGED
        if (other or self._since >= self._pause) and self._since >= self._rest:
            self._begin_trial()
        elif watched:
            self._work, self._seconds, self._updates = 0.0, 0.0, 0

    def _speed(self, setting: Threads) -> float:
        work, seconds = self._done[setting]
        return work / seconds

    def _use(self, setting: Threads) -> None:
        self._apply(setting)
        self._work, self._seconds, self._updates, self._new = 0.0, 0.0, 0, True


@contextmanager
def choosing_threads(device: torch.device, *, fixed: int | None) -> Iterator[ThreadChooser]:
    """A chooser that sets this process's threads, and puts them back at the end. On a GPU there is nothing to choose.

    Their number stays if it is `fixed`, or if the user set OMP_NUM_THREADS.
    """
    before, sleep = torch.get_num_threads(), Sleep()

    def apply(setting: Threads) -> None:
        if setting.number != torch.get_num_threads():
            torch.set_num_threads(setting.number)
        if setting.asleep:
            sleep.begin()
        else:
            sleep.end()

    settings = settings_to_try(
        before if fixed is None else fixed,
        can_sleep=sleep.possible,
        fixed=fixed is not None or threads_asked_for() is not None,
    )
    try:
        yield ThreadChooser(settings if device.type == "cpu" else settings[:1], apply)
    finally:
        apply(Threads(before, False))


def threads_asked_for() -> str | None:
    """What the user's environment says of the number of threads."""
    return os.environ.get("OMP_NUM_THREADS")
