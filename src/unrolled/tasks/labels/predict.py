"""What a model of records says about new ones, as rows of a table: in bounded memory, in the order of the records."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

import numpy as np

from unrolled.data.encoders.encoding import Encoding
from unrolled.data.encoders.targets import ClassTarget, EventTarget, NumberTarget, StepTarget, TextTarget
from unrolled.data.feeds.examples import Example, Examples
from unrolled.data.records import Notes, Record, Source
from unrolled.tasks.labels.answers import RecordModel, events_of, text_of
from unrolled.tasks.labels.load import LoadedRecords
from unrolled.tasks.labels.tag_decoding import best_tags

Kind = Literal["text", "count", "number", "labels", "texts", "numbers"]
Row = dict[str, Any]

CHUNK_VALUES = 1 << 22
"""About so many values of encoded records are held at once."""
CHUNK_RECORDS = 1024


@dataclass(frozen=True)
class Predictions:
    """Rows and their columns.

    A column is one value a row (`text`, `count` for whole numbers, `number`), a set of texts (`labels`), or one value
    for each step of the record (`texts`, `numbers`), as many in all such columns.
    """

    columns: dict[str, Kind]
    rows: Iterator[Row]


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
    """The predictions for a source as rows, by the kind of the target:

    * a label: `record` (where it was read), `prediction`, and `p_LABEL` for each label; with several labels at once
      the prediction is those of at least one half
    * numbers: `prediction`, or `prediction_NAME` for each of several; per step if the target is
    * tags: the `token` if there are such, the `tag` and its `probability`, per step; tags of the BIO family in an order
      that is allowed
    * events: a row each with `step` (of the signal as read), `seconds`, `label` and `probability`
    * text: `text`
    """
    columns, rows_of = _form(loaded)

    def rows() -> Iterator[Row]:
        for number, (record, answer) in enumerate(predict(loaded.model, source, notes), start=1):
            yield from rows_of(record, answer)
            if progress is not None:
                progress(number, len(source))

    return Predictions(columns, rows())


RowsOf = Callable[[Record, np.ndarray], list[Row]]


def _form(loaded: LoadedRecords) -> tuple[dict[str, Kind], RowsOf]:
    encoding = loaded.model.encoding
    target = encoding.target
    columns: dict[str, Kind] = {"record": "text"}
    if isinstance(target, ClassTarget):
        columns["prediction"] = "labels" if target.many else "text"
        return columns | {f"p_{label}": "number" for label in target.labels}, partial(_label_rows, target)
    if isinstance(target, NumberTarget):
        kind: Kind = "numbers" if encoding.per_step else "number"
        names = [f"prediction_{name}" for name in target.names] if len(target.names) > 1 else ["prediction"]
        return columns | dict.fromkeys(names, kind), partial(_value_rows, names)
    if isinstance(target, StepTarget):
        tokens = next((field.name for field in loaded.recipe.inputs if field.kind == "token"), None)
        if tokens is not None:
            columns["token"] = "texts"
        return columns | {"tag": "texts", "probability": "numbers"}, partial(_tag_rows, target, tokens)
    if isinstance(target, EventTarget):
        columns |= {"step": "count", "seconds": "number", "label": "text", "probability": "number"}
        return columns, partial(_event_rows, target)
    assert isinstance(target, TextTarget)
    return columns | {"text": "text"}, partial(_text_rows, target)


def _label_rows(target: ClassTarget, record: Record, answer: np.ndarray) -> list[Row]:
    said: Any = target.labels[int(answer.argmax())]
    if target.many:
        said = [label for label, share in zip(target.labels, answer, strict=True) if share >= 0.5]
    shares = {f"p_{label}": plain(share) for label, share in zip(target.labels, answer, strict=True)}
    return [{"record": record.origin, "prediction": said} | shares]


def _value_rows(names: list[str], record: Record, answer: np.ndarray) -> list[Row]:
    columns = [plain(value) if answer.ndim == 1 else [plain(one) for one in value] for value in answer.T]
    return [{"record": record.origin} | dict(zip(names, columns, strict=True))]


def _tag_rows(target: StepTarget, tokens: str | None, record: Record, answer: np.ndarray) -> list[Row]:
    tags = best_tags([answer], target.labels, target.pairs)[0]
    row: Row = {"record": record.origin}
    if tokens is not None:
        row["token"] = record.values[tokens]
    row["tag"] = [target.labels[tag] for tag in tags]
    row["probability"] = [plain(share) for share in answer[np.arange(len(tags)), tags]]
    return [row]


def _event_rows(target: EventTarget, record: Record, answer: np.ndarray) -> list[Row]:
    places, labels = events_of(answer, target)
    rate = record.rate or target.rate
    return [
        {
            "record": record.origin,
            "step": round(place / target.rate * rate),
            "seconds": round(place / target.rate, 6),
            "label": label,
            "probability": plain(1 - answer[place, 0]),
        }
        for place, label in zip(places.tolist(), labels, strict=True)
    ]


def _text_rows(target: TextTarget, record: Record, answer: np.ndarray) -> list[Row]:
    return [{"record": record.origin, "text": text_of(answer, target)}]


def _without_signals(record: Record) -> Record:
    """What rows may need of a record: not its arrays, which may be large."""
    return record._replace(values={k: value for k, value in record.values.items() if isinstance(value, list)})


def plain(value: Any) -> float:
    """A float32 as the float with the fewest digits that means it."""
    return float(str(np.float32(value)))
