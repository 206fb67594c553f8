"""What is read of records and what is learned, as numbers: fitted on the training part and saved beside the model."""

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from unrolled.data.config import DataConfig
from unrolled.data.encoders.encoding import Encoding, fit_inputs, inputs_from_json
from unrolled.data.feeds.examples import Example
from unrolled.data.records import Record
from unrolled.tasks.labels.target import Target
from unrolled.tasks.labels.targets.events import EventTarget
from unrolled.tasks.labels.targets.labels import ClassTarget
from unrolled.tasks.labels.targets.numbers import NumberTarget, StepNumberTarget
from unrolled.tasks.labels.targets.tags import TagTarget
from unrolled.tasks.schema import Schema
from unrolled.tasks.transcribe.target import TranscriptTarget
from unrolled.untrusted import parse_json

OF_FIELDS: dict[str, tuple[type[Target], type[Target]]] = {
    "categorical": (ClassTarget, TagTarget),
    "numeric": (NumberTarget, StepNumberTarget),
    "event": (EventTarget, EventTarget),
    "text": (TranscriptTarget, TranscriptTarget),
}
"""The targets that a field of a kind becomes: with one value per record, and with one per step."""
KINDS: dict[str, type[Target]] = {
    "class": ClassTarget,
    "number": NumberTarget,
    "step number": StepNumberTarget,
    "step": TagTarget,
    "event": EventTarget,
    "transcript": TranscriptTarget,
}
"""by their names in a file; there is none for "step number", which is told by the task"""


@dataclass(frozen=True)
class RecordEncoding(Encoding):
    """The encoders of what is read, and what is learned."""

    task: str
    target: Target

    def encode(self, record: Record, *, targets: bool = True) -> Example:
        """One record. Raises `UserError` naming it if its fields do not fit together or lack a step."""
        example = super().encode(record)
        return example._replace(target=self.target.of_record(record, example.time)) if targets else example

    def to_text(self) -> str:
        """As JSON."""
        content = {
            "format": "unrolled encoding",
            "task": self.task,
            "inputs": self.inputs_to_json(),
            "target": self.target.to_json(),
        }
        return json.dumps(content, indent=1) + "\n"

    @classmethod
    def from_text(cls, text: str) -> "RecordEncoding":
        """The inverse of `to_text`. Raises `ValueError` or `KeyError` for anything else."""
        data = parse_json(text)
        if not isinstance(target := data["target"], dict):
            raise ValueError("it has no target")
        kind = "step number" if (target["kind"], data["task"]) == ("number", "tag") else target["kind"]
        return cls(inputs_from_json(data["inputs"]), data["task"], KINDS[kind].from_json(target))


def fit_encoding(
    schema: Schema, records: Callable[[], Iterable[Record]], count: int, data: DataConfig
) -> RecordEncoding:
    """The encoders of a schema and its target, from the `count` training records, which `records` gives anew each time.

    Raises `UserError` for data they cannot express.
    """
    field = schema.target
    assert field is not None

    def values() -> Iterable[Any]:
        return (record.values.get(field.name) for record in records())

    kind = OF_FIELDS[field.kind][field.timed]
    inputs = fit_inputs(schema.inputs, records, count, data, **kind.reads)
    return RecordEncoding(inputs, schema.task, kind.fit(field, values, inputs, data))
