"""A live forecast: the values of one step in, the forecast from there out, with a window that is carried along."""

import functools
import json
import math
from typing import Any, NamedTuple

import numpy as np
import torch
from jaxtyping import Int, UInt8
from torch import Tensor

from unrolled.data.encoders.messages import listed, nearest, shown
from unrolled.data.json_values import excerpt
from unrolled.data.readers.time_formats import TimeFormat, local, written
from unrolled.data.readers.time_steps import Step, times_from
from unrolled.errors import UserError
from unrolled.layers import state as states
from unrolled.layers.state import State
from unrolled.tasks.forecast.encoding import ForecastEncoding
from unrolled.tasks.forecast.forecast import point_of
from unrolled.tasks.forecast.load import LoadedForecast
from unrolled.tasks.forecast.network import ForecastInputs
from unrolled.tasks.forecast.predict import plain_number
from unrolled.tasks.forecast.series import Series
from unrolled.tasks.saved_streams import model_digest, require_saved_by


class ForecastStreamState(NamedTuple):
    """What a live forecast remembers. One row per stream."""

    network: State
    """the window that is read"""
    steps: Int[Tensor, " batch"]
    """how many steps came"""


class When(NamedTuple):
    """The time of a step."""

    value: np.datetime64 | float
    form: TimeFormat
    """how the message writes it, and the answer too"""


class SavedForecastStream(NamedTuple):
    """A stream on disk: its state and which model's it is."""

    stream: ForecastStreamState
    model: UInt8[Tensor, "batch digest"]


class ForecastStream:
    """Feeds a forecasting model one step at a time. Holds its state openly in `state`; assigning it moves it."""

    example = '{"COLUMN": 1.5}'

    def __init__(self, loaded: LoadedForecast) -> None:
        self.network, self.encoding = loaded.network.eval(), loaded.encoding
        if self.encoding.known_ahead and "known" in self.encoding.columns:
            raise UserError(
                'the model reads a column "known", which in a stream is the key of what is known ahead; rename the '
                "column and train again"
            )
        self.device = next(self.network.parameters()).device
        self._expected: dict[str | int | float, When] = {}
        """the next step's time as it would be written: to read one takes longer than to forecast"""
        self.state = self.beginning()

    def answers(self, message: Any) -> list[dict[str, Any]]:
        """One for each message, see `feed`."""
        return [self.feed(message)]

    def end(self) -> list[dict[str, Any]]:
        """Nothing is held back."""
        return []

    def beginning(self) -> ForecastStreamState:
        """The state before the first step."""
        steps = torch.zeros(1, dtype=torch.long, device=self.device)
        return ForecastStreamState(self.network.initial_state(1, device=self.device), steps)

    def reset(self) -> None:
        """Forget everything."""
        self.state = self.beginning()

    @torch.inference_mode()
    def feed(self, message: Any) -> dict[str, Any]:
        """The values of one step, `{"OT": 30.5, "HUFL": null}`, to the forecast from there.

        A column that is absent or null is missing at this step. `"time"` is the time of the step, which a model that
        knows the calendar needs; `"known": {"price": [...]}` the values of the columns known ahead at the steps of the
        horizon; `"reset": true` forgets what came before. The answer has the number of the `step`,
        the `times` ahead if they are known, and the `forecast`: for each channel its `prediction` and quantiles, a list
        over the steps ahead. Raises `UserError` before anything changes.
        """
        if not isinstance(message, dict):
            raise UserError('expected the values of a step, such as {"COLUMN": 1.5}')
        values, time, ahead, reset = self._read(message)
        before = self.beginning() if reset else self.state
        predicted, window = self.network.step(self._inputs(values, time, ahead), before.network)
        after = ForecastStreamState(window, before.steps + 1)
        answer = self._answer(predicted.float().cpu().numpy(), time, int(after.steps[0]))
        self.state = after
        return answer

    def save(self) -> bytes:
        """The stream as safetensors bytes."""
        return states.save(SavedForecastStream(self.state, self._model))

    def load(self, data: bytes) -> None:
        """Bring back a saved stream of the same model.

        Raises `ValueError`, before anything changes, if the bytes are another model's or no state of it.
        """
        saved: Any = states.load(data, like=SavedForecastStream(self.beginning(), self._model))
        require_saved_by(self._model, saved.model, saved.stream.steps)
        if not all(bool(leaf.isfinite().all()) for leaf in saved.stream.network):
            raise ValueError("the saved state holds numbers that are not finite")
        self.state = saved.stream

    def _read(self, message: dict[str, Any]) -> tuple[np.ndarray, When | None, np.ndarray, bool]:
        """Values float32 `[1, channels]`, scaled; the time; what is known ahead `[horizon, columns]`; whether to begin
        anew.
        """
        encoding = self.encoding
        reset = message.get("reset", False)
        if not isinstance(reset, bool):
            raise UserError('"reset" must be true or false')
        others = ("time", "reset", "known") if encoding.known_ahead else ("time", "reset")
        values = {name: value for name, value in message.items() if name not in others}
        for name in values:
            if name not in encoding.columns:
                advice = nearest(name, encoding.columns) or f"it reads {listed(encoding.columns)}"
                raise UserError(f'the model reads no "{excerpt(name)}"; {advice}')
        if not values:
            raise UserError(f'expected the values of a step, such as {{"{encoding.targets[0]}": 1.5}}')
        numbers = {name: np.array([_number(name, values.get(name))], dtype=np.float32) for name in encoding.numbers}
        words = {name: [_word(name, values.get(name))] for name in encoding.words}
        given_time = message.get("time")
        time = (self._expected.get(given_time) if isinstance(given_time, str) else None) or _time(given_time, encoding)
        if encoding.cycles and time is None:
            raise UserError(
                'the model knows the calendar; give the time of the step, such as "time": "2012-01-31 18:00"'
            )
        ahead = _ahead(message.get("known"), encoding, self.network.config.horizon)
        return encoding.encode(Series("", "the line", numbers, words, None, None)), time, ahead, reset

    def _inputs(self, values: np.ndarray, time: When | None, ahead: np.ndarray) -> ForecastInputs:
        """What the network reads at a step, of values `[1, channels]` and those known ahead `[horizon, columns]`."""
        encoding = self.encoding
        read = torch.from_numpy(values).to(self.device)
        if not encoding.features:
            return ForecastInputs(read)
        parts = []
        if encoding.cycles:
            assert time is not None
            now = Series("", "the line", {}, {}, np.array([time.value]), encoding.step)
            parts.append(encoding.calendar(now, len(ahead)))
        if encoding.known_ahead:
            parts.append(np.concatenate([encoding.known_values(values), ahead]))
        known = torch.from_numpy(np.concatenate(parts, axis=1)).to(self.device)
        return ForecastInputs(read, known[:1], known[None, 1:])

    def _answer(self, predicted: np.ndarray, time: When | None, number: int) -> dict[str, Any]:
        encoding = self.encoding
        point = encoding.unscale(point_of(self.network, predicted))[0]
        levels = encoding.unscale_levels(predicted)[0] if encoding.levels else None
        if not (np.isfinite(point).all() and (levels is None or np.isfinite(levels).all())):
            raise UserError(
                "the forecast from these values is no finite number: they, or those before them, lie too far from what "
                'the model has learned from; send others, or begin anew with "reset": true'
            )
        forecasts: dict[str, Any] = {}
        for channel, name in enumerate(encoding.targets):
            forecasts[name] = {"prediction": list(map(plain_number, point[:, channel].tolist()))}
            for index, level in enumerate(encoding.levels):
                assert levels is not None
                forecasts[name][f"q{level:g}"] = list(map(plain_number, levels[:, channel, index].tolist()))
        answer: dict[str, Any] = {"step": number}
        step: Step | None = encoding.step
        if time is not None and step is not None:
            times = times_from(time.value, step, np.arange(1, len(point) + 1))
            answer["times"] = written(times, time.form)
            self._expected = {answer["times"][0]: When(times[0], time.form)} if _is_plain(time.form, times) else {}
        return answer | {"forecast": forecasts}

    @functools.cached_property
    def _model(self) -> Tensor:
        return model_digest(self.network)


def _is_plain(form: TimeFormat, times: np.ndarray) -> bool:
    """Whether each of the times, by itself, says that it is written so: year first, every number padded, no names."""
    codes = {part for part in form.parts if part.startswith("%")}
    dated = {"%Y", "%m"} <= codes <= {"%Y", "%m", "%d", "%H", "%M", "%S"}
    return dated and form == TimeFormat(form.parts) == form.fitting(times)


def _ahead(given: Any, encoding: ForecastEncoding, horizon: int) -> np.ndarray:
    """The values known ahead, scaled, float32 `[horizon, columns]`. Raises `UserError` if they are not all there."""
    names = encoding.known_ahead
    if not names:
        return np.zeros((horizon, 0), dtype=np.float32)
    wanted = f'"known": {{{", ".join(f"{json.dumps(name, ensure_ascii=False)}: [...]" for name in names)}}}'
    if not isinstance(given, dict) or not given:
        raise UserError(
            f"the model knows {' and '.join(names)} ahead; give the values of the next {horizon} steps, as {wanted}"
        )
    for name in given:
        if name not in names:
            advice = nearest(name, names) or f"those are {listed(names)}"
            raise UserError(f'"known" holds "{excerpt(name)}", which the model does not know ahead; {advice}')
    for name in names:
        values = given.get(name)
        if not isinstance(values, list) or len(values) != horizon:
            amount = f"{len(values)} values" if isinstance(values, list) else "no list"
            raise UserError(f'"known" has {amount} of "{name}"; give {horizon}, one for each step ahead')
    numbers = {name: np.full(horizon, np.nan, dtype=np.float32) for name in encoding.numbers}
    words = {name: [""] * horizon for name in encoding.words}
    for name in names:
        if name in numbers:
            numbers[name][:] = [_number(name, value) for value in given[name]]
        else:
            words[name] = [_word(name, value) for value in given[name]]
    return encoding.known_values(encoding.encode(Series("", "the line", numbers, words, None, None)))


def _number(name: str, value: Any) -> float:
    if value is None:
        return math.nan
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < 3e38:
        raise UserError(f'"{name}" is {shown(value)}; give a finite number, or null if it is missing')
    return float(value)


def _word(name: str, value: Any) -> str:
    if value is not None and not isinstance(value, str):
        raise UserError(f'"{name}" is {shown(value)}; give a text, or null if it is missing')
    return value or ""


def _time(value: Any, encoding: ForecastEncoding) -> When | None:
    if value is None:
        return None
    from unrolled.data.readers.times import read_time

    parsed = read_time(value, encoding.time_form)
    plain = encoding.step is not None and encoding.step.unit == "units"
    if parsed is None or (encoding.step is not None and plain == (parsed.values.dtype.kind == "M")):
        example = "a number" if plain else "times such as 2012-01-31 18:30:00"
        raise UserError(f'"time" is {shown(value)}; write {example}, or as the data of training does')
    values, form = parsed
    return When(local(values, form)[0], form)
