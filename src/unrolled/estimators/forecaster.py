"""Forecasting for Python, as in scikit-learn: series in, the steps after their end out."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from unrolled.data.readers.arrays import read_arrays
from unrolled.data.readers.open_parts import reading_of
from unrolled.data.records import Notes, Reading, Source
from unrolled.errors import UserError
from unrolled.estimators.alone import alone
from unrolled.estimators.base import TrainedEstimator
from unrolled.estimators.intake import SERIES, check_data, taken_in, whole_number
from unrolled.estimators.paths import is_path, paths_of
from unrolled.estimators.settings import configs
from unrolled.tasks.choose_reading import opened_source
from unrolled.tasks.forecast.files import read_series, windows_of
from unrolled.tasks.forecast.load import LoadedForecast, load_forecast, reading_by
from unrolled.tasks.forecast.predict import Ahead, forecast_series, given_for
from unrolled.tasks.forecast.reads import ReadsSeries
from unrolled.tasks.forecast.scores import ForecastJudgement, judge_forecasts
from unrolled.tasks.forecast.series import Series, read_all


class Forecaster(TrainedEstimator):
    """What comes next in one series or several.

    X is one series, an array `[time]` or `[time, channels]` or a frame with a row per step; several, an array
    `[n, time, channels]` or a list of arrays of any lengths; or the path of anything that `unrolled train` reads.
    NaN is a missing value. The steps of every series are cut in time for validation.

    The main settings: `horizon` (steps ahead), `context` (steps looked back), `target` (the one column to forecast),
    `quantiles` (a text as on the command line, or a sequence of levels), `parts`, `family` and `known` (columns known
    ahead, such as a price). With those, the last rows given to `predict` are the steps ahead: their targets are empty.
    """

    _task = "forecast"
    quantiles: str | Sequence[float]
    parts: str | Sequence[float] | None
    known: str | Sequence[str]

    @alone()
    def fit(self, X: Any, y: Any = None) -> "Forecaster":
        """Train; y is not used. Raises `UserError` as `unrolled train` does."""
        data, model, train = configs(
            self,
            quantiles=_listed(self.quantiles) or "none",
            parts=_listed(self.parts) or None,
            known=(self.known,) if isinstance(self.known, str) else self.known,
        )
        if is_path(X):
            check_data(X, "X", SERIES)
            files, opened = paths_of(X), None
        else:
            with taken_in("X", SERIES):
                files, opened = [], opened_source(_open(X, reading_of(data, ReadsSeries.wish)), data, self._task)
        self._train(files, opened, data, model, train)
        return self

    def predict(self, X: Any, *, horizon: int | None = None) -> np.ndarray:
        """The steps after the end of X, `[horizon, targets]` or for several series `[n, horizon, targets]`.

        `horizon` may be longer than in training: then forecasts are fed back. With columns known ahead the steps after
        the last target of X are forecast; raises `UserError` if those are fewer than the horizon.
        """
        points = np.stack([ahead.point for ahead in self._ahead(X, horizon)])
        return points if _is_several(X) or len(points) > 1 else points[0]

    def predict_quantiles(self, X: Any, *, horizon: int | None = None) -> np.ndarray:
        """The same for each level, ascending: `[horizon, targets, levels]` or `[n, horizon, targets, levels]`.

        Raises `UserError` for a model that was trained without.
        """
        quantiles = [ahead.quantiles for ahead in self._ahead(X, horizon) if ahead.quantiles is not None]
        if not quantiles:
            raise UserError("the model forecasts one value per step; train it with quantiles such as (0.1, 0.5, 0.9)")
        stacked = np.stack(quantiles)
        return stacked if _is_several(X) or len(quantiles) > 1 else stacked[0]

    def score(self, X: Any, y: Any = None) -> float:
        """The mean absolute error over all windows of X, in standard deviations of each channel, times -1."""
        value = self.evaluate(X).metrics["mae"].value
        return float("nan") if value is None else -value

    def evaluate(self, X: Any) -> ForecastJudgement:
        """All metrics over all windows of X, beside those of forecasts without a model."""
        loaded: LoadedForecast = self._model
        with taken_in("X", SERIES):
            part = windows_of(loaded, self._series(X), Notes(), str(X) if is_path(X) else "X")
        return judge_forecasts(loaded.network, loaded.encoding, part.windows, part.values)

    def _load(self, folder: Path) -> LoadedForecast:
        return load_forecast(folder)

    def _ahead(self, X: Any, horizon: int | None) -> list[Ahead]:
        if horizon is not None:
            horizon = whole_number(horizon, "horizon", 1)
        with taken_in("X", SERIES):
            given = given_for(self._model, self._series(X), horizon=horizon)
        return list(forecast_series(self._model, given, horizon=horizon))

    def _series(self, X: Any) -> list[Series]:
        loaded: LoadedForecast = self._model
        if is_path(X):
            return read_series(loaded, paths_of(X), Notes())
        source = _open(X, reading_by(loaded.encoding))
        return read_all(source, Notes(), wanted=loaded.encoding.columns)


def _listed(values: Any) -> Any:
    """Numbers as the command line takes them, with commas between; a text or None as it is."""
    if values is None or isinstance(values, str):
        return values
    return ",".join(f"{number:g}" for number in values)


def _open(X: Any, reading: Reading) -> Source:
    """Series in memory as records. Raises `UserError` for what cannot be."""
    check_data(X, "X", SERIES)
    from unrolled.data.readers.frames import is_frame, read_frame

    if is_frame(X):
        return read_frame(X, reading, Notes(), "X")
    several: Sequence[Any] = X if _is_several(X) else [np.asarray(X)]
    arrays = [_numbers(series, number if len(several) > 1 else None) for number, series in enumerate(several)]
    return read_arrays(
        [array[:, None] if array.ndim == 1 else array for array in arrays], None, None, wish=ReadsSeries.wish
    )


def _numbers(series: Any, number: int | None) -> np.ndarray:
    """float32 `[time]` or `[time, channels]`."""
    name = "X" if number is None else f"X[{number}]"
    try:
        array = np.asarray(series, dtype=np.float32)
    except (TypeError, ValueError):
        raise UserError(f"{name} holds what is no number; {SERIES}") from None
    if not array.size:
        raise UserError(f"{name} has the shape {list(array.shape)}, and a series needs a step or more; {SERIES}")
    if array.ndim not in (1, 2):
        raise UserError(f"{name} has the shape {list(array.shape)}; {SERIES}")
    return array


def _is_several(X: Any) -> bool:
    """Whether it is a list of series, or an array with an axis for them."""
    if isinstance(X, list | tuple):
        return bool(X) and np.ndim(X[0]) > 0
    return isinstance(X, np.ndarray) and X.ndim == 3
