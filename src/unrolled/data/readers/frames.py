"""Data frames in memory (polars or pandas), and Hugging Face data sets, as tables."""

from typing import Any

import polars as pl

from unrolled.data.readers.columns import Table, table_of
from unrolled.data.readers.tables import read_open_table
from unrolled.data.records import Notes, Reading, Source
from unrolled.errors import UserError


def is_frame(data: object) -> bool:
    """Whether something is a polars or pandas frame, or a Hugging Face `Dataset`; none of these is imported."""
    return isinstance(data, (pl.DataFrame, pl.LazyFrame)) or _is_pandas(data) or is_hugging_face(data)


def is_hugging_face(data: object) -> bool:
    """Whether something has the parts of a Hugging Face `Dataset` that are needed here."""
    return all(hasattr(data, name) for name in ("column_names", "features", "__getitem__", "__len__"))


def column_names(data: Any) -> list[Any]:
    """The names of the columns of what `is_frame`."""
    if hasattr(data, "collect_schema"):
        return list(data.collect_schema())
    return list(data.column_names if is_hugging_face(data) else data.columns)


def read_frame(data: Any, reading: Reading, notes: Notes, name: str = "the frame") -> Source:
    """A frame read as a table of the same columns would be: long with `reading.id`, wide, a series, or pairs of text.

    pandas: the index is left out. Raises `UserError` as for tables, and for a frame without rows.
    """
    table = frame_table(data, name)
    return read_open_table(table, reading, notes)


def frame_table(data: Any, name: str = "the frame") -> Table:
    """A frame as a table."""
    if is_hugging_face(data):
        data = _from_hugging_face(data)
    elif _is_pandas(data):
        data = _from_pandas(data, name)
    table = table_of(name, data)
    if not table.length:
        raise UserError(f"{name} has no rows; give at least one")
    return table


def _is_pandas(data: object) -> bool:
    return type(data).__module__.partition(".")[0] == "pandas" and hasattr(data, "columns")


def _from_pandas(data: Any, name: str) -> pl.DataFrame:
    """Column by column through NumPy and lists, which needs no pyarrow."""
    columns = {}
    for label in data.columns:
        values = data[label]
        plain = values.dtype.kind in "iufbM" and hasattr(values.dtype, "itemsize") and not values.isna().any()
        try:
            cells = values.to_numpy() if plain else [None if _is_missing(cell) else cell for cell in values.tolist()]
            columns[str(label)] = pl.Series(str(label), cells, strict=True)
        except (TypeError, pl.exceptions.PolarsError) as error:
            reason = str(error).splitlines()[0]
            raise UserError(
                f"{name}: column {str(label)!r} holds values of several types or of one that is not known ({reason}); "
                "give numbers, words, times, or lists of these"
            ) from None
    return pl.DataFrame(columns)


def _is_missing(cell: object) -> bool:
    return cell is None or type(cell).__name__ in ("NAType", "NaTType") or (isinstance(cell, float) and cell != cell)


def _from_hugging_face(data: Any) -> pl.DataFrame | pl.LazyFrame:
    """Through polars' own view where the `Dataset` has one (it shares memory with its files), else by columns.

    Class numbers become class names where `features` has them.
    """
    names = list(data.column_names)
    frame = data.to_polars() if hasattr(data, "to_polars") else pl.DataFrame({name: list(data[name]) for name in names})
    for name in names:
        feature = data.features[name] if data.features else None
        inner = getattr(feature, "feature", feature)
        classes = getattr(inner, "names", None)
        if classes and frame.schema[name] != pl.String:
            mapping = dict(enumerate(classes))
            element = pl.element().replace_strict(mapping, default=None, return_dtype=pl.String)
            whole = pl.col(name).replace_strict(mapping, default=None, return_dtype=pl.String)
            frame = frame.with_columns(whole if inner is feature else pl.col(name).list.eval(element))
    return frame
