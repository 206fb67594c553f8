"""The settings of threads: the quickest is found when machines change, and results do not depend on it."""

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from small_runs import assert_same_run, text_file, train

from unrolled.training import loop, threads
from unrolled.training.threads import ThreadChooser, Threads, choosing_threads, settings_to_try

SPINNING, ASLEEP, ALONE = Threads(2, False), Threads(2, True), Threads(1, False)
QUIET = {SPINNING: 20.0, ASLEEP: 13.0, ALONE: 12.0}
BUSY = {SPINNING: 5.0, ASLEEP: 11.0, ALONE: 12.0}
"""thousand tokens a second, as measured with one other process on one of two cores"""


class Machine:
    """Updates of a model on a machine whose speed is known."""

    def __init__(self, settings: list[Threads], work: float = 0.6) -> None:
        self.seconds, self.work = 0.0, work
        self.used: list[tuple[Threads, float]] = []
        self.now = settings[0]
        self.chooser = ThreadChooser(settings, self._apply)

    def _apply(self, setting: Threads) -> None:
        self.now = setting

    def run(self, seconds: float, speed: Callable[[Threads], float], work: Iterator[float] | None = None) -> None:
        until = self.seconds + seconds
        while self.seconds < until:
            amount = self.work if work is None else next(work)
            took = amount / speed(self.now)
            self.used.append((self.now, took))
            self.seconds += took
            self.chooser.update(amount, took)

    def share(self, setting: Threads) -> float:
        """Of the time so far."""
        return sum(took for used, took in self.used if used == setting) / self.seconds


def test_what_is_tried() -> None:
    assert settings_to_try(1, can_sleep=True, fixed=False) == [ALONE]
    assert settings_to_try(2, can_sleep=True, fixed=False) == [SPINNING, ASLEEP, ALONE]
    assert settings_to_try(2, can_sleep=False, fixed=False) == [SPINNING, ALONE]
    assert settings_to_try(2, can_sleep=True, fixed=True) == [SPINNING, ASLEEP]
    assert [setting.number for setting in settings_to_try(12, can_sleep=False, fixed=False)] == [12, 6, 3, 1]


@pytest.mark.parametrize(("speeds", "best"), [(QUIET, SPINNING), (BUSY, ALONE), (BUSY | {ALONE: 1.0}, ASLEEP)])
def test_the_quickest_is_found_and_kept(speeds: dict[Threads, float], best: Threads) -> None:
    machine = Machine([SPINNING, ASLEEP, ALONE])
    machine.run(10.0, speeds.__getitem__)
    assert machine.chooser.chosen == best
    machine.run(300.0, speeds.__getitem__)
    assert machine.chooser.chosen == best
    assert machine.share(best) > 0.95


def test_a_machine_that_becomes_busy_and_quiet_again_is_noticed() -> None:
    machine = Machine([SPINNING, ASLEEP])
    machine.run(60.0, QUIET.__getitem__)
    machine.run(5.0, BUSY.__getitem__)
    assert machine.chooser.chosen == ASLEEP
    machine.run(60.0, BUSY.__getitem__)
    assert machine.chooser.chosen == ASLEEP
    machine.run(threads.LONGEST + 2, QUIET.__getitem__)
    assert machine.chooser.chosen == SPINNING


@pytest.mark.parametrize(("work", "seconds"), [(0.02, 60.0), (60.0, 1200.0)])  # an update takes 1 ms, or 3 s
def test_updates_of_any_length_are_measured_at_little_cost(work: float, seconds: float) -> None:
    machine = Machine([SPINNING, ASLEEP], work)
    machine.run(seconds, QUIET.__getitem__)
    assert machine.chooser.chosen == SPINNING
    assert machine.share(SPINNING) > 0.9


def test_ragged_batches_do_not_look_like_a_change() -> None:
    lengths = itertools.cycle([0.2, 1.5, 0.7, 3.0, 0.1])
    machine = Machine([SPINNING, ASLEEP])
    machine.run(200.0, QUIET.__getitem__, lengths)
    assert machine.share(SPINNING) > 0.95


def test_a_machine_of_changing_speed_is_not_tried_all_the_time() -> None:
    speeds = itertools.cycle([20.0] * 60 + [9.0] * 60)
    machine = Machine([SPINNING, ASLEEP])
    machine.run(600.0, lambda setting: next(speeds) * (1.0 if setting == SPINNING else 0.6))
    assert machine.share(SPINNING) > 0.85


@given(st.lists(st.tuples(st.floats(0, 1e9), st.floats(0, 1e4)), max_size=200))
def test_a_fixed_number_is_never_left_whatever_is_measured(updates: list[tuple[float, float]]) -> None:
    applied: list[Threads] = []
    chooser = ThreadChooser(settings_to_try(8, can_sleep=True, fixed=True), applied.append)
    for work, seconds in updates:
        chooser.update(work, seconds)
    assert {setting.number for setting in applied} == {8}
    assert chooser.chosen in (Threads(8, False), Threads(8, True))


@pytest.fixture
def two_threads(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """As in a shell where nobody said anything about threads, on a machine of two cores."""
    for name in ("OMP_NUM_THREADS", "GOMP_SPINCOUNT", "OMP_WAIT_POLICY"):
        monkeypatch.delenv(name, raising=False)
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


@pytest.mark.usefixtures("two_threads")
def test_threads_are_as_before_afterwards() -> None:
    with choosing_threads(torch.device("cpu"), fixed=1) as chooser:
        assert chooser.chosen == ALONE
        assert torch.get_num_threads() == 1
    assert torch.get_num_threads() == 2

    def fail() -> None:
        with choosing_threads(torch.device("cpu"), fixed=None):
            torch.set_num_threads(1)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert torch.get_num_threads() == 2
    with choosing_threads(torch.device("meta"), fixed=None) as chooser:
        chooser.update(1.0, 100.0)
        assert chooser.chosen == SPINNING


def changing_at_every_update(monkeypatch: pytest.MonkeyPatch) -> list[Threads]:
    """Let the chooser go to the next setting after every update, as on the most restless machine."""
    used: list[Threads] = []

    def update(self: ThreadChooser, work: float, seconds: float) -> None:
        assert work > 0
        used.append(self._settings[len(used) % len(self._settings)])
        self._apply(used[-1])

    monkeypatch.setattr(ThreadChooser, "update", update)
    return used


LARGER: dict[str, dict[str, Any]] = {"data": {"context": 32}, "model": {"width": 64}, "train": {"batch_size": 16}}


@pytest.mark.usefixtures("two_threads")
@pytest.mark.parametrize("family", ["lstm", "transformer"])
def test_a_run_is_the_same_bit_for_bit_however_its_threads_wait(
    family: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text_file(tmp_path)
    settings = LARGER | {"model": {"family": family, "width": 64}}
    train(tmp_path, "calm", **settings)
    used = changing_at_every_update(monkeypatch)
    train(tmp_path, "restless", **settings)
    assert {setting.number for setting in used} == {2}
    assert_same_run(tmp_path / "calm", tmp_path / "restless")


def threads_in_use(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    seen: list[int] = []
    real = loop.accumulate_gradients

    def watched(run: loop.Training) -> tuple[float, int]:
        seen.append(torch.get_num_threads())
        return real(run)

    monkeypatch.setattr(loop, "accumulate_gradients", watched)
    return seen


@pytest.mark.usefixtures("two_threads")
def test_a_resumed_run_computes_with_the_threads_it_began_with(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text_file(tmp_path)
    train(tmp_path, "run", train={"max_steps": 4, "max_epochs": None})
    torch.set_num_threads(1)
    seen = threads_in_use(monkeypatch)
    train(tmp_path, "run", train={"max_steps": 8, "resume": "auto"})
    assert seen == [2] * 4
    assert torch.get_num_threads() == 1


@pytest.mark.usefixtures("two_threads")
def test_the_number_that_the_user_says_counts_and_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text_file(tmp_path)
    train(tmp_path, "run", train={"max_steps": 4})
    torch.set_num_threads(1)
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    seen = threads_in_use(monkeypatch)
    train(tmp_path, "run", train={"max_steps": 8, "resume": "auto"})
    assert seen == [1] * 4
    assert "began with 2 threads and goes on with 1 (OMP_NUM_THREADS=1)" in (tmp_path / "run" / "log.txt").read_text()


@pytest.mark.usefixtures("two_threads")
def test_only_a_run_limited_by_time_changes_their_number(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text_file(tmp_path)
    used = changing_at_every_update(monkeypatch)
    train(tmp_path, "steps", train={"max_steps": 4})
    assert {setting.number for setting in used} == {2}
    used.clear()
    train(tmp_path, "time", train={"max_steps": 4, "max_time": "1h"})
    assert {setting.number for setting in used} == {1, 2}
    used.clear()
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    train(tmp_path, "asked", train={"max_steps": 4, "max_time": "1h"})
    assert {setting.number for setting in used} == {2}
