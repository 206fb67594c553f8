"""Files as a trained model reads them: the series in a file, and the parts of those it was trained with."""

from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np

from unrolled.data.readers.registry import find_reader, open_source
from unrolled.data.records import Notes, Source
from unrolled.errors import UserError
from unrolled.tasks.choose_reading import open_files
from unrolled.tasks.forecast.data import known_of, prepare_forecast
from unrolled.tasks.forecast.known_ahead import note_missing, without_future
from unrolled.tasks.forecast.load import LoadedForecast, reading_by
from unrolled.tasks.forecast.series import Series, read_all
from unrolled.tasks.forecast.windows import ForecastWindows
from unrolled.tasks.run_data import data_of_run


class Windows(NamedTuple):
    """Windows to judge forecasts on, and the scaled series they lie in."""

    windows: ForecastWindows
    values: list[np.ndarray]


def read_series(loaded: LoadedForecast, files: list[str], notes: Notes) -> list[Series]:
    """The series of some files with the columns that the model reads, in the order of the files.

    Raises `UserError` for a file that is not there, lacks such a column (with the nearest name) or has other steps than
    the model was trained on.
    """
    encoding = loaded.encoding
    series = []
    for file in files:
        if not Path(file).exists():
            raise UserError(f"there is no file {file}; give a file with a series")
        for one_series in read_all(_open(Path(file), loaded, notes), notes, wanted=encoding.columns):
            encoding.require_step(one_series)
            series.append(one_series)
    return series


def _open(path: Path, loaded: LoadedForecast, notes: Notes) -> Source:
    encoding = loaded.encoding
    # Columns by name; which of them is a target makes no difference. Those that the model does not read may hold
    # anything. The channels of arrays have no names of their own.
    reading = replace(reading_by(encoding), ahead=loaded.network.config.horizon)
    reader = find_reader([path], reading)
    if reader is not None and reader[0] != "array_files":
        reading = replace(reading, inputs=encoding.columns)
    try:
        return open_source([path], reading, notes)
    except UserError as error:
        raise UserError(str(error).replace(" (--inputs)", ", which the model reads")) from error


def windows_of(loaded: LoadedForecast, series: list[Series], notes: Notes, name: str) -> Windows:
    """All windows over some series. Raises `UserError` with the name if none is long enough for one."""
    network, encoding = loaded.network, loaded.encoding
    context, horizon = network.config.context, network.config.horizon
    ahead = encoding.known_ahead
    series = [without_future(one_series, encoding.targets, ahead) for one_series in series]
    longest = max((len(one_series) for one_series in series), default=0)
    if longest < context + horizon:
        raise UserError(
            f"{name}: the longest series has {longest:,} steps, and to compare a forecast with what came takes "
            f"{context} steps of past and {horizon} ahead; give longer ones"
        )
    values = [encoding.encode(one_series, notes) for one_series in series]
    windows = ForecastWindows(
        values,
        context=context,
        horizon=horizon,
        targets=encoding.target_channels,
        known=known_of(encoding, series),
    )
    note_missing(series, ahead, notes)
    notes.add("series too short for a window, left out", windows.series_without)
    return Windows(windows, values)


def own_parts(loaded: LoadedForecast, wanted: str) -> dict[str, Windows]:
    """The part of the files that a run was trained with, `train`, `valid` or `test`; `auto` is all that were held out.

    Raises `UserError` if there is no such part, or the files have changed since.
    """
    files, data, _ = data_of_run(loaded.folder)
    opened = open_files(files, data, "forecast")
    prepared = prepare_forecast(opened, data)
    if prepared.encoding != loaded.encoding:
        raise UserError(
            f"the series of the run ({', '.join(files)}) have changed since, so its parts are others now; "
            "name the files to judge"
        )
    names = [name for name in ("valid", "test") if name in prepared.windows] if wanted == "auto" else [wanted]
    if not names or names[0] not in prepared.windows:
        raise UserError(
            f"the run has no {'part held out' if wanted == 'auto' else f'{wanted} part'}; it has "
            f"{', '.join(prepared.windows)}"
        )
    return {name: Windows(prepared.windows[name], prepared.values[name]) for name in names}
