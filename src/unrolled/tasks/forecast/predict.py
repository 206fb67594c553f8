"""What comes after the end of some series, as rows of a table."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import torch

from unrolled.data.readers.time_formats import written
from unrolled.data.readers.time_steps import Step, times_from
from unrolled.data.records import Notes
from unrolled.models.evaluating import evaluating
from unrolled.tasks.forecast.encoding import ForecastEncoding
from unrolled.tasks.forecast.forecast import forecast, point_of
from unrolled.tasks.forecast.known_ahead import first_steps, note_missing, require_future
from unrolled.tasks.forecast.load import LoadedForecast
from unrolled.tasks.forecast.series import Series
from unrolled.tasks.predictions import Kind, Predictions, Row

BATCH = 256
"""Series that are computed at once."""


class Ahead(NamedTuple):
    """The forecast of one series in the units of the data."""

    point: np.ndarray
    """float `[horizon, targets]`"""
    quantiles: np.ndarray | None
    """float `[horizon, targets, levels]`"""


class Given(NamedTuple):
    """What is given to forecast one series."""

    past: Series
    whole: Series
    """and the steps after it whose columns known ahead are given"""


def given_for(
    loaded: LoadedForecast, series: Sequence[Series], *, horizon: int | None = None, notes: Notes | None = None
) -> list[Given]:
    """The past of each series, and what is known ahead: the last steps, at which all targets are missing.

    For a model without columns known ahead all of a series is past. Raises `UserError` for a series with fewer such
    steps than the horizon. Missing values of them are counted.
    """
    network, encoding = loaded.network, loaded.encoding
    ahead = encoding.known_ahead
    if not ahead:
        return [Given(one_series, one_series) for one_series in series]
    horizon = network.config.horizon if horizon is None else horizon
    # The network always looks over all of its own horizon, also where less of the forecast is wanted.
    useful = -(-horizon // network.config.horizon) * network.config.horizon
    given = []
    for one_series in series:
        begin, steps = require_future(one_series, encoding.targets, ahead, horizon)
        given.append(Given(first_steps(one_series, begin), first_steps(one_series, begin + min(steps, useful))))
    if notes is not None:
        note_missing([entry.whole for entry in given], ahead, notes)
    return given


def forecast_series(loaded: LoadedForecast, series: Sequence[Given], *, horizon: int | None = None) -> Iterator[Ahead]:
    """The steps after the past of each series. Values before the beginning of a short one count as missing.

    Raises `UserError` if the model knows the calendar and a series has no dates.
    """
    horizon = loaded.network.config.horizon if horizon is None else horizon
    for begin in range(0, len(series), BATCH):
        chosen = series[begin : begin + BATCH]
        yield from _forecast(loaded, chosen, horizon)


def _forecast(loaded: LoadedForecast, chosen: Sequence[Given], horizon: int) -> Iterator[Ahead]:
    network, encoding = loaded.network, loaded.encoding
    context = network.config.context
    device = next(network.parameters()).device
    past = np.full((len(chosen), context, encoding.channels), np.nan, dtype=np.float32)
    longest = max(horizon, *(len(entry.whole) - len(entry.past) for entry in chosen))
    known = np.zeros((len(chosen), context + longest, encoding.features), dtype=np.float32)
    for row, entry in enumerate(chosen):
        values = encoding.encode(entry.past)[-context:]
        past[row, context - len(values) :] = values
        steps = len(entry.whole) - len(entry.past) or horizon
        features = encoding.known(entry.whole, 0 if encoding.known_ahead else horizon)
        if features is not None:
            features = features[-(context + steps) :]
            known[row, context + steps - len(features) : context + steps] = features
            known[row, context + steps :] = features[-1]  # only what is cut off needs more
    with torch.inference_mode(), evaluating(network):
        ahead = torch.from_numpy(known).to(device) if encoding.features else None
        predicted = forecast(network, torch.from_numpy(past).to(device), ahead, horizon=horizon).float().cpu().numpy()
    points = encoding.unscale(point_of(network, predicted))
    quantiles = encoding.unscale_levels(predicted) if encoding.levels else None
    for row in range(len(chosen)):
        yield Ahead(points[row], None if quantiles is None else quantiles[row])


def predictions(
    loaded: LoadedForecast, series: Sequence[Series], *, horizon: int | None = None, notes: Notes | None = None
) -> Predictions:
    """One row for each series, step ahead and channel.

    Columns: `series` where there are several or the data names them; `time` (continued from the series' own steps, and
    written as it writes them) or, without times, the number of the `step`; `ahead`, from 1 on; `channel`, `prediction`,
    and `q0.1` and so on for each level.
    Raises `UserError` as `given_for` does.
    """
    encoding = loaded.encoding
    given = given_for(loaded, series, horizon=horizon, notes=notes)
    if notes is not None:
        for entry in given:
            encoding.note_unknown(entry.past, notes)
    named = len(series) > 1 or any(one_series.name for one_series in series)
    steps = loaded.network.config.horizon if horizon is None else horizon
    times = [future_times(entry.past, entry.past.step or encoding.step, steps) for entry in given]
    columns: dict[str, Kind] = {"series": "text"} if named else {}
    columns |= {"time": _kind(times)} if any(times) else {"step": "count"}
    columns |= {"ahead": "count", "channel": "text", "prediction": "number"}
    columns |= {f"q{level:g}": "number" for level in encoding.levels}

    def rows() -> Iterator[Row]:
        forecasts = forecast_series(loaded, given, horizon=horizon)
        for entry, ahead, when in zip(given, forecasts, times, strict=True):
            row: Row = {"series": entry.past.name or entry.past.origin} if named else {}
            for step in range(len(ahead.point)):
                if "time" not in columns:
                    row["step"] = len(entry.past) + step + 1
                elif columns["time"] == "text":
                    row["time"] = str(when[step]) if when else ""
                else:
                    row["time"] = when[step]
                yield from _rows(encoding, ahead, step, row)

    return Predictions(columns, rows())


def _rows(encoding: ForecastEncoding, ahead: Ahead, step: int, begin: Row) -> Iterator[Row]:
    for channel, label in enumerate(encoding.targets):
        row = {**begin, "ahead": step + 1, "channel": label, "prediction": plain_number(ahead.point[step, channel])}
        if ahead.quantiles is not None:
            levels = zip(encoding.levels, ahead.quantiles[step, channel], strict=True)
            row |= {f"q{level:g}": plain_number(value) for level, value in levels}
        yield row


def future_times(series: Series, step: Step | None, horizon: int) -> list[str | int | float]:
    """The times after the end of a series, written as its own are; none if it has none."""
    if series.times is None or step is None or (series.times.dtype.kind == "M") == (step.unit == "units"):
        return []
    return written(times_from(series.times[-1], step, np.arange(1, horizon + 1)), series.form)


def _kind(times: list[list[str | int | float]]) -> Kind:
    """What a column of such times holds; some series may have none."""
    if not all(times) or any(isinstance(time, str) for some in times for time in some):
        return "text"
    return "count" if all(isinstance(time, int) for some in times for time in some) else "number"


def plain_number(value: float) -> float:
    """Seven digits, which is what a float32 has."""
    return float(f"{value:.7g}")
