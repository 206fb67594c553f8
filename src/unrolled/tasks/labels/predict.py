"""What a model of records says about new ones, as rows of a table: in bounded memory, in the order of the records."""

from collections.abc import Callable, Iterator

import numpy as np

from unrolled.data.encoders.encoding import Encoding
from unrolled.data.feeds.examples import Example, Examples
from unrolled.data.records import Notes, Record, Source
from unrolled.tasks.labels.answers import RecordModel
from unrolled.tasks.labels.load import LoadedRecords
from unrolled.tasks.predictions import Predictions, Row

CHUNK_VALUES = 1 << 22
"""About so many values of encoded records are held at once."""
CHUNK_RECORDS = 1024


def predict(model: RecordModel, source: Source, notes: Notes | None = None) -> Iterator[tuple[Record, np.ndarray]]:
    """The records of a source, each with its answer (see `RecordModel.answers`). Their values are read as they come.

    In `notes` it is counted what of each field training did not see.
    """
    kept: list[Record] = []
    examples, values = Examples(), 0
    for record in source:
        example = model.encoding.encode(record, targets=False)
        if notes is not None:
            _count_unknown(model.encoding, record, example, notes)
        examples.append(example, record.origin)
        kept.append(_without_signals(record))
        values += sum(array.size for array in (example.numbers, example.tokens) if array is not None)
        if len(kept) == CHUNK_RECORDS or values >= CHUNK_VALUES:
            yield from zip(kept, model.answers(examples), strict=True)
            kept, examples, values = [], Examples(), 0
    if kept:
        yield from zip(kept, model.answers(examples), strict=True)


def _count_unknown(encoding: Encoding, record: Record, example: Example, notes: Notes) -> None:
    for field, unknown in encoding.unknown_columns(record, example).items():
        notes.add(f"unknown values of {field}, which training did not see or too rarely", unknown)


def predictions(
    loaded: LoadedRecords,
    source: Source,
    progress: Callable[[int, int], None] | None = None,
    notes: Notes | None = None,
) -> Predictions:
    """The predictions for a source as rows: `record` (where it was read) and the columns of its target."""
    target = loaded.model.encoding.target
    words = next((field.name for field in loaded.recipe.inputs if field.kind == "token"), None)

    def rows() -> Iterator[Row]:
        for number, (record, answer) in enumerate(predict(loaded.model, source, notes), start=1):
            for row in target.rows(record, answer, words):
                yield {"record": record.origin} | row
            if progress is not None:
                progress(number, len(source))

    return Predictions({"record": "text", **target.columns(words)}, rows())


def _without_signals(record: Record) -> Record:
    """What rows may need of a record: not its arrays, which may be large."""
    return record._replace(values={k: value for k, value in record.values.items() if isinstance(value, list)})
