"""A live stream of records: messages in, answers out, with a state that can be saved and brought back."""

import functools
import json
import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from jaxtyping import Int, UInt8
from torch import Tensor

from unrolled.data.encoders.live_rows import LiveRows, LiveState
from unrolled.data.encoders.messages import example_of
from unrolled.data.feeds.delayed_records import blank_steps
from unrolled.data.feeds.examples import Example
from unrolled.data.records import Field
from unrolled.errors import UserError
from unrolled.layers import state as states
from unrolled.layers.state import State
from unrolled.models.records import RecordInputs
from unrolled.tasks.causal import require_live
from unrolled.tasks.labels.answers import RecordModel
from unrolled.tasks.labels.live_answers import Told
from unrolled.tasks.saved_streams import model_digest, require_saved_by

CHUNK = 4096
"""Rows that the network reads at once."""
CONTROLS = ("reset", "end")
"""Keys of a message that hold no values of the record."""


class RecordStreamState(NamedTuple):
    """What a stream of records remembers of the one that is coming."""

    network: State
    rows: LiveState
    """what is not encoded yet"""
    answers: Any
    """what is not told yet (see `LiveAnswers`)"""
    steps: int
    """how many steps the network has read"""


class SavedRecordStream(NamedTuple):
    """A stream on disk, as tensors with a batch of one: its state and which model's it is."""

    network: State
    rows: State
    answers: State
    steps: Int[Tensor, " batch"]
    model: UInt8[Tensor, "batch digest"]


class RecordStream:
    """Feeds a model of records message by message. Holds its state openly in `state`; assigning it moves the stream.

    What is told of a record until its end is what `predict` says of the whole.
    """

    def __init__(self, model: RecordModel, fields: Sequence[Field]) -> None:
        """`fields` are those the model reads. Raises `UserError` for a model that needs whole records."""
        self.model, self.network = model, model.network.eval()
        require_live(self.network.supports_step)
        self.live, self.told = LiveRows(model.encoding, fields), model.encoding.target.live()
        for field in fields:
            for name in {field.name, *field.channels} & {*self._controls}:
                raise UserError(
                    f'the model reads a column "{name}", which in a stream is a key of its own; rename the column and '
                    "train again"
                )
        self.device = next(self.network.parameters()).device
        self.state = self.beginning()
        self.example = json.dumps(example_of(fields), ensure_ascii=False)

    @property
    def _controls(self) -> tuple[str, ...]:
        return (*CONTROLS, "rate") if self.live.reads_rate else CONTROLS

    def delay(self, rate: float | None = None) -> float:
        """Seconds from a step of a signal that comes at `rate` until what is told of it."""
        return self.live.delay(rate) + self.network.latency * self.live.step_seconds + self.told.delay

    def delay_steps(self, rate: float | None = None) -> int:
        """The same in steps of what the network reads; of a signal those that have begun by then."""
        if not self.live.step_seconds:
            return self.network.latency
        return math.ceil(self.delay(rate) / self.live.step_seconds - 1e-6)

    def beginning(self) -> RecordStreamState:
        """The state before the first step of a record."""
        network = self.network.initial_state(1, device=self.device)
        return RecordStreamState(network, self.live.begin(), self.told.begin(), 0)

    def reset(self) -> None:
        """Begin another record."""
        self.state = self.beginning()

    def feed(self, message: Any) -> list[Told]:
        """The next values of a record, `{"COLUMN": 1.5}` or `{"SIGNAL": [0.1, 0.2]}`, to what is told then.

        `"reset": true` begins another record before them, `"end": true` ends this one after them, and `"rate"` is the
        steps per second at which a signal comes, if it is not that of training. Of records that are one step each is a
        message. Raises `UserError` before anything changes.
        """
        controls = {}
        if isinstance(message, dict):
            controls = {name: message[name] for name in self._controls if name in message}
            message = {name: value for name, value in message.items() if name not in controls}
        for name in CONTROLS:
            if not isinstance(controls.get(name, False), bool):
                raise UserError(f'"{name}" must be true or false')
        reset, end = controls.get("reset", False), controls.get("end", False)
        before = self.state
        if reset:
            self.reset()
        try:
            only = not message and "rate" not in controls and bool(controls)
            told = [] if only else self._values(message, controls.get("rate"))
            return told + (self.finish() if end and not (self.live.one_step and told) else [])
        except Exception:
            self.state = before
            raise

    def answers(self, message: Any) -> list[Told]:
        """See `feed`."""
        return self.feed(message)

    def end(self) -> list[Told]:
        """See `finish`; nothing where no record has begun."""
        return self.finish() if self.began else []

    def finish(self) -> list[Told]:
        """The end of the record: what was held back, and at last an answer with `"end": true`. The next message begins
        another one. Raises `UserError`, before anything changes, for a record that cannot end here."""
        rate = float(self.state.rows.rate)
        rows = self.live.finish(self.state.rows)
        told, state = self._told(rows, self.state)
        # What the model waits for does not come any more: blank steps, as in training.
        later, state = self._told(blank_steps(rows, self.network.latency), state)
        told += later
        told += self.told.finish(state.steps - self.network.latency, rate, state.answers)
        self.reset()
        return told

    @property
    def began(self) -> bool:
        """Whether some of a record has come that did not end."""
        return bool(self.state.rows.rate)

    def save(self) -> bytes:
        """The stream as safetensors bytes."""
        return states.save(self._as_tensors(self.state))

    def load(self, data: bytes) -> None:
        """Bring back a saved stream of the same model.

        Raises `ValueError`, before anything changes, if the bytes are another model's or no state of it.
        """
        saved: Any = states.load(data, like=self._as_tensors(self.beginning()))
        require_saved_by(self._model, saved.model, saved.steps)
        if any(bool((leaf.isnan() | (leaf == torch.inf)).any()) for leaf in states.leaves(saved.network)):
            raise ValueError("the saved state holds numbers that are not finite")
        rows: Any = states.map_state(lambda leaf: leaf[0].cpu().numpy(), saved.rows)
        answers: Any = states.map_state(lambda leaf: leaf[0].cpu().numpy(), saved.answers)
        self.live.check(rows)
        self.told.check(answers)
        state = RecordStreamState(saved.network, rows, answers, int(saved.steps[0]))
        if state.steps != self.live.given(rows):
            raise ValueError("the saved state has read another number of steps than it was given")
        try:
            self._outputs(self.live.no_row(), state)  # whether its parts fit each other, only the network knows
        except (IndexError, RuntimeError, ValueError) as error:
            raise ValueError("the parts of the saved state do not fit each other") from error
        self.state = state

    def _values(self, message: Any, rate: Any) -> list[Told]:
        rows, after = self.live.feed(message, self.state.rows, rate=rate)
        told, state = self._told(rows, self.state._replace(rows=after))
        self.state = self.beginning() if self.live.one_step and rows.time else state
        return told

    def _told(self, rows: Example, state: RecordStreamState) -> tuple[list[Told], RecordStreamState]:
        """What is told with the next rows, and the state after them."""
        told: list[Told] = []
        if self.model.horizon is not None and state.steps + rows.time > self.model.horizon:
            raise UserError(
                f"the model looks back at everything and knows records of up to {self.model.horizon:,} steps, and this "
                'one is longer; begin another with "reset": true, or train with --model.window N'
            )
        for begin in range(0, rows.time, CHUNK):
            numbers, tokens = (None if leaf is None else leaf[begin : begin + CHUNK] for leaf in rows[:2])
            part = Example(numbers, tokens, None)
            try:
                outputs, network = self._outputs(part, state)
            except ValueError as error:  # positions end
                raise UserError(f"the record is too long: {error}") from error
            answers = self.model.encoding.target.meaning(outputs.float().permute(1, 0, 2))
            if not np.isfinite(answers).all():
                raise UserError(
                    f"the answer after step {state.steps + 1} is no number, so the values lie too far from those of "
                    'training, or the model is damaged; send others, or begin anew with "reset": true'
                )
            first = max(0, state.steps - self.network.latency)
            late = min(len(answers), max(0, self.network.latency - state.steps))
            more, kept = self.told.feed(answers[late:], first, float(state.rows.rate), state.answers)
            told += more
            state = state._replace(network=network, answers=kept, steps=state.steps + part.time)
        return told, state

    @torch.inference_mode()
    def _outputs(self, rows: Example, state: RecordStreamState) -> tuple[Tensor, State]:
        """The outputs `[time, members, outputs]` of the next rows, and the state of the network after them."""
        numbers, tokens = (
            None if leaf is None else torch.from_numpy(np.ascontiguousarray(leaf)).to(self.device) for leaf in rows[:2]
        )
        if rows.time == 1:
            return self.network.step(RecordInputs(numbers, tokens), state.network)
        chunk = RecordInputs(*(None if leaf is None else leaf[None] for leaf in (numbers, tokens)))
        outputs, network = self.network(chunk, state.network)
        return outputs[0], network

    def _as_tensors(self, state: RecordStreamState) -> SavedRecordStream:
        rows, answers = (
            states.map_state(lambda leaf: torch.from_numpy(np.array(leaf)[None]).to(self.device), part)
            for part in (state.rows, state.answers)
        )
        steps = torch.tensor([state.steps], device=self.device)
        return SavedRecordStream(state.network, rows, answers, steps, self._model)

    @functools.cached_property
    def _model(self) -> Tensor:
        return model_digest(self.network, self.model.encoding.to_text())
