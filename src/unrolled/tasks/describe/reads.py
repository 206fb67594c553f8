"""What is described: a text, words or numbers over time, from what is known of each. It is never guessed."""

from dataclasses import replace

from unrolled.data.config import DataConfig
from unrolled.data.records import Field, Source, Wish
from unrolled.tasks.reads import Reads
from unrolled.tasks.schema import Schema


class ReadsSequences(Reads):
    wish = Wish(("wide", "long", "texts", "series"), "sequence")
    target = "a text, words or numbers over time"

    def can_be_target(self, field: Field) -> bool:
        return field.kind == "text" or (field.timed and field.kind in ("token", "categorical", "numeric"))

    def found(self, schema: Schema, source: Source, data: DataConfig) -> str:
        return super().found(by_channel(schema), source, data)

    def trusts(self, guess: Field) -> bool:
        return self.can_be_target(guess)


def by_channel(schema: Schema) -> Schema:
    """The schema with an input for each number that is known, as a person gives them."""
    inputs = [
        replace(field, name=name, channels=(name,)) if field.kind == "numeric" else field
        for field in schema.inputs
        for name in (field.channels if field.kind == "numeric" else (field.name,))
    ]
    return replace(schema, inputs=tuple(inputs))
