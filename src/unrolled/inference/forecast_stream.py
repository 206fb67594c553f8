"""A live forecast: the values of one step in, the forecast from there out, with a window that is carried along."""

import difflib
import functools
import math
from typing import Any, NamedTuple

import numpy as np
import torch
from jaxtyping import Int, UInt8
from torch import Tensor

from unrolled.data.forecast_series import Series
from unrolled.data.time_steps import Step, times_from
from unrolled.errors import UserError
from unrolled.inference.forecast import point_of
from unrolled.inference.forecast_loading import LoadedForecast
from unrolled.inference.forecast_predict import in_words, plain_number
from unrolled.inference.stream import model_digest
from unrolled.layers import state as states
from unrolled.layers.state import State


class ForecastStreamState(NamedTuple):
    """What a live forecast remembers. One row per stream."""

    network: State
    """the window that is read"""
    steps: Int[Tensor, " batch"]
    """how many steps came"""


class SavedForecastStream(NamedTuple):
    """A stream on disk: its state and which model's it is."""

    stream: ForecastStreamState
    model: UInt8[Tensor, "batch digest"]


class ForecastStream:
    """Feeds a forecasting model one step at a time. Holds its state openly in `state`; assigning it moves it."""

    def __init__(self, loaded: LoadedForecast) -> None:
        self.network, self.encoding = loaded.network.eval(), loaded.encoding
        self.device = next(self.network.parameters()).device
        self.state = self.beginning()

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
        knows the calendar needs; `"reset": true` forgets what came before. The answer has the number of the `step`,
        the `times` ahead if they are known, and the `forecast`: for each channel its `prediction` and quantiles, a list
        over the steps ahead. Raises `UserError` before anything changes.
        """
        encoding = self.encoding
        if not isinstance(message, dict):
            raise UserError('expected the values of a step, such as {"COLUMN": 1.5}')
        values, time, reset = self._read(message)
        known = None
        if encoding.cycles:
            known = torch.from_numpy(self._known(time)).to(self.device)
        before = self.beginning() if reset else self.state
        x = torch.from_numpy(values).to(self.device)
        predicted, window = self.network.step(x, before.network, known)  # type: ignore[arg-type]
        self.state = ForecastStreamState(window, before.steps + 1)
        return self._answer(predicted.float().cpu().numpy(), time)

    def save(self) -> bytes:
        """The stream as safetensors bytes."""
        return states.save(SavedForecastStream(self.state, self._model))

    def load(self, data: bytes) -> None:
        """Bring back a saved stream of the same model. Raises `ValueError` if the bytes are another model's."""
        saved: Any = states.load(data, like=SavedForecastStream(self.beginning(), self._model))
        if not torch.equal(saved.model, self._model):
            raise ValueError("another model saved this state")
        self.state = saved.stream

    def _read(self, message: dict[str, Any]) -> tuple[np.ndarray, np.datetime64 | None, bool]:
        """Values float32 `[1, channels]`, scaled; the time; whether to begin anew."""
        encoding = self.encoding
        reset = message.get("reset", False)
        if not isinstance(reset, bool):
            raise UserError('"reset" must be true or false')
        values = {name: value for name, value in message.items() if name not in ("time", "reset")}
        for name in values:
            if name not in encoding.columns:
                close = difflib.get_close_matches(name, encoding.columns, n=1)
                advice = f'did you mean "{close[0]}"?' if close else f"it reads {', '.join(encoding.columns)}"
                raise UserError(f'the model reads no "{name}"; {advice}')
        if not values:
            raise UserError(f'expected the values of a step, such as {{"{encoding.targets[0]}": 1.5}}')
        numbers = {name: np.array([_number(name, values.get(name))], dtype=np.float32) for name in encoding.numbers}
        words = {name: [_word(name, values.get(name))] for name in encoding.words}
        time = _time(message.get("time"))
        if encoding.cycles and time is None:
            raise UserError(
                'the model knows the calendar; give the time of the step, such as "time": "2012-01-31 18:00"'
            )
        return encoding.encode(Series("", "the line", numbers, words, None, None)), time, reset

    def _known(self, time: np.datetime64 | None) -> np.ndarray:
        """What the calendar says of the window that ends with this step and of the horizon: `[1, time, features]`."""
        context, horizon = self.network.config.context, self.network.config.horizon
        step = self.encoding.step
        assert step is not None
        times = times_from(time, step, np.arange(1 - context, 1))
        found = self.encoding.known(Series("", "the line", {}, {}, times, step), horizon)
        assert found is not None
        return found[None]

    def _answer(self, predicted: np.ndarray, time: np.datetime64 | None) -> dict[str, Any]:
        encoding = self.encoding
        point = encoding.unscale(point_of(self.network, predicted))[0]
        levels = encoding.unscale_levels(predicted)[0] if encoding.levels else None
        found: dict[str, Any] = {}
        for channel, name in enumerate(encoding.targets):
            found[name] = {"prediction": [plain_number(value) for value in point[:, channel]]}
            for place, level in enumerate(encoding.levels):
                assert levels is not None
                found[name][f"q{level:g}"] = [plain_number(value) for value in levels[:, channel, place]]
        answer: dict[str, Any] = {"step": int(self.state.steps[0])}
        step: Step | None = encoding.step
        if time is not None and step is not None and step.unit != "units":
            answer["times"] = in_words(times_from(time, step, np.arange(1, len(point) + 1)), step)
        return answer | {"forecast": found}

    @functools.cached_property
    def _model(self) -> Tensor:
        return model_digest(self.network)


def _number(name: str, value: Any) -> float:
    if value is None:
        return math.nan
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < 3e38:
        raise UserError(f'"{name}" is {value!r}; give a finite number, or null if it is missing')
    return float(value)


def _word(name: str, value: Any) -> str:
    if value is not None and not isinstance(value, str):
        raise UserError(f'"{name}" is {value!r}; give a text, or null if it is missing')
    return value or ""


def _time(value: Any) -> np.datetime64 | None:
    if value is None:
        return None
    try:
        found = np.datetime64(value.strip().replace("/", "-"), "us")
    except (ValueError, AttributeError) as error:
        raise UserError(f'"time" is {value!r}; write times such as 2012-01-31 18:30:00') from error
    if np.isnat(found):
        raise UserError(f'"time" is {value!r}; write times such as 2012-01-31 18:30:00')
    return found
