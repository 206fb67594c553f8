"""The training loop: full and truncated backpropagation through time, with exact resume."""

import contextlib
import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

import numpy as np
import torch
from accelerate import Accelerator
from torch import Tensor

from unrolled.errors import UserError
from unrolled.layers import state as states
from unrolled.layers.state import State
from unrolled.models.on_device import on_device
from unrolled.training.config import TrainConfig
from unrolled.training.gradients import GradientWatch, clip_gradients, first_nonfinite
from unrolled.training.interruption import Interruption
from unrolled.training.limits import Limits, duration_in_words, parse_duration
from unrolled.training.optimizers import learning_rate_factor, set_learning_rate
from unrolled.training.parallel import full_tensor
from unrolled.training.progress import Progress
from unrolled.training.threads import ThreadChooser, choosing_threads

VALIDATIONS = 12
"""Validations over a run, unless `validate_every` says how often."""
RECORD_EVERY = 10
"""Updates between two lines of metrics.jsonl; each holds the mean over them."""
CHECKPOINT_SECONDS = 30.0
"""Time between checkpoints, unless `checkpoint_every` says how often."""


@runtime_checkable
class Batch(Protocol):
    """A `NamedTuple` of arrays: what an objective takes in one forward pass."""

    @property
    def scored(self) -> int:
        """How many terms its loss has (tokens to predict, labelled records or steps)."""
        ...

    @property
    def fresh(self) -> bool:
        """Whether it begins from the initial state."""
        ...


@runtime_checkable
class Feed(Protocol):
    """Batches as a pure function of their number, so that a run resumes from the number alone."""

    batches_per_epoch: int

    def batch(self, index: int) -> Any:
        """A `Batch`."""
        ...


@runtime_checkable
class Scores(Protocol):
    """What a validation found."""

    @property
    def loss(self) -> float: ...

    @property
    def criterion(self) -> float:
        """What the best model has least of."""
        ...

    def facts(self) -> dict[str, Any]:
        """The scores by name, for metrics.jsonl."""
        ...

    def words(self) -> str:
        """The scores for a person."""
        ...


@dataclass
class Position:
    """Where a run stands: all of it that is not a tensor. Kept in every checkpoint."""

    step: int = 0
    """updates done"""
    batch: int = 0
    """batches consumed"""
    tokens: int = 0
    elapsed: float = 0.0
    """seconds of training so far, over all sessions"""
    best: float | None = None
    """the least criterion of all validations"""
    best_step: int = 0
    without_progress: int = 0
    """validations since the best one"""
    recent_loss: float = 0.0
    """summed over the tokens since the last record"""
    recent_tokens: int = 0
    recent_seconds: float = 0.0


@dataclass
class Training:
    """A run in progress: what the loop changes, and what it calls."""

    network: torch.nn.Module
    objective: torch.nn.Module
    """called with a batch and a state: the loss, summed over the scored terms, and the state after; perhaps wrapped
    for several processes"""
    optimizers: list[torch.optim.Optimizer]
    feed: Feed
    config: TrainConfig
    carry: bool
    accelerator: Accelerator
    progress: Progress
    validate: Callable[[], Scores] | None
    """None where nothing is held out: then the last model is the best one"""
    save_best: Callable[[Position, Scores | None], None]
    checkpoint: Callable[["Training"], None]
    record: Callable[[dict[str, Any]], None]
    bytes_per_token: float | None = None
    unit: str = "tokens"
    """what is counted"""
    nats: bool = True
    """whether the loss is one of probabilities"""
    threads: int | None = None
    """with how many it computes from beginning to end; None if that may change on the way"""
    position: Position = field(default_factory=Position)
    state: State | None = None
    work: float = 0.0
    """entries of the arrays of the last update's batches, which its time is about proportional to"""


def train(run: Training, interruption: Interruption) -> str:
    """Train until a limit is reached, the loss stops improving or someone interrupts; the reason, in words.

    Raises `UserError` if the loss, the gradient or a weight stops being finite; no checkpoint holds such weights.
    """
    with choosing_threads(run.accelerator.device, fixed=run.threads) as threads:
        return _train(run, interruption, threads)


def _train(run: Training, interruption: Interruption, threads: ThreadChooser) -> str:
    config, position = run.config, run.position
    limits = Limits(
        config.max_steps, config.max_epochs, None if config.max_time is None else parse_duration(config.max_time)
    )
    watch = GradientWatch(clip_norm=config.clip_norm)
    started = time.perf_counter() - position.elapsed
    last_checkpoint = time.perf_counter()
    run.objective.train()

    def part_done() -> float:
        return limits.progress(position.step, position.batch / run.feed.batches_per_epoch, position.elapsed)

    done = part_done()
    while done < 1 and not _given_up(config, position):
        step_started = time.perf_counter()
        factor = learning_rate_factor(_schedule(config), done, position.step, config.warmup_steps or 0)
        set_learning_rate(run.optimizers, factor)
        loss, tokens = accumulate_gradients(run)
        norm = clip_gradients(run.network.parameters(), max_norm=config.clip_norm, max_value=config.clip_value)
        if not (math.isfinite(loss) and math.isfinite(norm)):
            raise _not_finite(run, loss, norm)
        for optimizer in run.optimizers:
            optimizer.step()
            optimizer.zero_grad()
        now = time.perf_counter()
        position.step += 1
        position.tokens += tokens
        position.elapsed = now - started
        position.recent_loss += loss * tokens
        position.recent_tokens += tokens
        position.recent_seconds += now - step_started
        threads.update(run.work, now - step_started)
        before, done = done, _agreed(run.accelerator, part_done())
        if position.step % RECORD_EVERY == 0 or done >= 1:
            _write_record(run, norm, factor)
        if (warning := watch.observe(position.step, norm)) is not None:
            run.progress.message(f"warning: {warning}")
        _show(run, done, loss, norm)
        if _validation_due(config, position, before, done):
            _validate(run)
        # Processes must agree, or one would wait for ever for the others in the next reduction.
        asked = _total(run.accelerator, float(interruption.asked)) > 0
        due = _agreed(run.accelerator, float(_checkpoint_due(config, position, last_checkpoint))) > 0
        if asked or due or done >= 1 or _given_up(config, position):
            _require_finite_weights(run)
            run.checkpoint(run)
            last_checkpoint = time.perf_counter()
        if asked:
            return "interrupted"
    if position.best_step == 0:  # resumed with a limit that was passed before the first validation
        _validate(run)
    if done < 1:
        return f"stopped early: {position.without_progress} validations without a better loss"
    return ended(position, position.batch / run.feed.batches_per_epoch, limits)


def ended(position: Position, epochs: float, limits: Limits) -> str:
    """Why a run is over: all that was planned is done, or the time ran out before."""
    planned = [
        (done, wanted, nouns)
        for done, wanted, nouns in (
            (float(position.step), limits.max_steps, "updates"),
            (epochs, limits.max_epochs, "passes over the data"),
        )
        if wanted is not None
    ]
    if not planned or limits.max_time is None or any(done >= wanted for done, wanted, _ in planned):
        return "done"
    done, wanted, nouns = max(planned, key=lambda plan: plan[0] / plan[1])
    minutes = 1.1 * position.elapsed * wanted / max(done, 1e-9) / 60
    whole = duration_in_words(60.0 * math.ceil(round(minutes, 3)))
    return (
        f"cut by its limit of {duration_in_words(limits.max_time)} after {done:,.3g} of {wanted:,.10g} planned "
        f"{nouns}; to do all of them allow about --train.max_time {whole}"
    )


def accumulate_gradients(run: Training) -> tuple[float, int]:
    """Forward and backward over the batches of one update: the loss per real token, and how many there were.

    Losses are summed over time and rows and divided by the tokens of all batches and processes together, so that the
    gradient does not depend on how an update is cut into batches, rows and processes.
    """
    accelerator, position = run.accelerator, run.position
    batches = [run.feed.batch(position.batch + offset) for offset in range(run.config.accumulate)]
    device = accelerator.device
    here = sum(batch.scored for batch in batches)
    run.work = float(sum(np.size(array) for batch in batches for array in batch if array is not None))
    tokens = int(_total(accelerator, float(here)))
    total = 0.0
    for number, batch in enumerate(batches):
        if batch.fresh or not run.carry:
            run.state = None
        last = number == len(batches) - 1
        with contextlib.nullcontext() if last else accelerator.no_sync(run.objective):
            loss, state = run.objective(on_device(batch, device), run.state)
            # Wrappers average gradients over processes; the sum is wanted.
            accelerator.backward(loss * (accelerator.num_processes / max(tokens, 1)))
        total += loss.item()
        run.state = states.detach(state) if run.carry else None
    position.batch += len(batches)
    return _total(accelerator, total) / max(tokens, 1), tokens


def _validate(run: Training) -> None:
    position = run.position
    if run.validate is None:
        position.best_step = position.step
        run.save_best(position, None)
        return
    scores = run.validate()
    run.objective.train()
    if not math.isfinite(scores.loss):
        raise UserError(f"the validation loss became {scores.loss} at step {position.step}{_what_is_kept(run)}")
    better = position.best is None or scores.criterion < position.best
    best = _agreed(run.accelerator, float(better)) > 0
    position.without_progress = 0 if best else position.without_progress + 1
    if best:
        position.best, position.best_step = scores.criterion, position.step
    run.record({"kind": "validation", "step": position.step, **scores.facts(), "seconds": position.elapsed})
    if best:
        run.save_best(position, scores)
    run.progress.validation(position.step, scores.words(), best)


def _given_up(config: TrainConfig, position: Position) -> bool:
    return config.patience is not None and position.without_progress >= config.patience


def _validation_due(config: TrainConfig, position: Position, before: float, done: float) -> bool:
    if done >= 1:
        return True
    if config.validate_every is not None:
        return position.step % config.validate_every == 0
    return math.floor(done * VALIDATIONS) > math.floor(before * VALIDATIONS)


def _checkpoint_due(config: TrainConfig, position: Position, last: float) -> bool:
    if config.checkpoint_every is not None:
        return position.step % config.checkpoint_every == 0
    return time.perf_counter() - last > CHECKPOINT_SECONDS


def _write_record(run: Training, norm: float, factor: float) -> None:
    position = run.position
    run.record(
        {
            "kind": "train",
            "step": position.step,
            "tokens": position.tokens,
            "seconds": position.elapsed,
            "loss": position.recent_loss / max(position.recent_tokens, 1),
            "gradient_norm": norm,
            "learning_rate": (run.config.learning_rate or 0.0) * factor,
            "tokens_per_second": position.recent_tokens / max(position.recent_seconds, 1e-9),
        }
    )
    position.recent_loss, position.recent_tokens, position.recent_seconds = 0.0, 0, 0.0


def _show(run: Training, done: float, loss: float, norm: float) -> None:
    position = run.position
    run.progress.train(
        position.step,
        done,
        loss,
        position.tokens / max(position.elapsed, 1e-9),
        norm,
        bits_per_byte=None if run.bytes_per_token is None else loss / math.log(2) / run.bytes_per_token,
        epoch=position.batch / run.feed.batches_per_epoch,
        unit=run.unit,
        nats=run.nats,
    )


def _not_finite(run: Training, loss: float, norm: float) -> UserError:
    """The sentence for a loss or gradient that is no number, before it has touched the weights."""
    what, value = ("gradient", norm) if math.isfinite(loss) else ("loss", loss)
    gradients = ((name, full_tensor(p.grad)) for name, p in run.network.named_parameters() if p.grad is not None)
    where = first_nonfinite(gradients)
    origin = f" (first in the gradient of {where})" if where else ""
    return UserError(f"the {what} became {value} at step {run.position.step + 1}{origin}{_what_is_kept(run)}")


def _require_finite_weights(run: Training) -> None:
    """An update can overflow although its gradient is finite. A checkpoint of that would replace a good one."""
    weights = ((name, full_tensor(parameter.detach())) for name, parameter in run.network.named_parameters())
    if (where := first_nonfinite(weights)) is not None:
        raise UserError(f"the weights {where} stopped being finite at step {run.position.step}{_what_is_kept(run)}")


def _what_is_kept(run: Training) -> str:
    best, clip = run.position.best, run.config.clip_norm
    kept = "no model is kept" if best is None else f"the best model so far (step {run.position.best_step:,}) is kept"
    clipping = "set --train.clip_norm 1" if clip is None else f"--train.clip_norm (now {clip:g})"
    rate = f"lower --train.learning_rate (now {run.config.learning_rate:g})"
    return f" and training stopped; {kept}; {rate} or {clipping}, or look for extreme values in the data"


def _schedule(config: TrainConfig) -> Any:
    return "constant" if config.schedule == "auto" else config.schedule


def _total(accelerator: Accelerator, value: float) -> float:
    """The sum of a number over the processes."""
    if accelerator.num_processes == 1:
        return value
    return float(accelerator.reduce(torch.tensor(value, dtype=torch.float64, device=accelerator.device), "sum"))


def _agreed(accelerator: Accelerator, value: float) -> float:
    """The first process's view of a number: clocks and signals differ between processes, decisions must not."""
    if accelerator.num_processes == 1:
        return value
    shared: Tensor = torch.tensor(value, dtype=torch.float64, device=accelerator.device)
    torch.distributed.broadcast(shared, src=0)
    return float(shared)
