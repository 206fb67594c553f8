"""What is transcribed: signals with a text each."""

from collections.abc import Sequence

from unrolled.data.records import Field, Wish
from unrolled.tasks.reads import Described, Reads, kinds


class ReadsTranscripts(Reads):
    wish = Wish(("wide", "long", "series"), "text")
    target = "a text"

    def can_be_target(self, field: Field) -> bool:
        return field.kind == "text"

    def obvious(self, data: Described) -> list[Field]:
        return self.candidates(data.fields)[-1:] if "signal" in kinds(data.fields) else []

    def fits(self, inputs: Sequence[Field], target: Field | None) -> bool:
        return target is not None and target.kind == "text" and "signal" in kinds(inputs)
