"""What a language is learned from: running text."""

from collections.abc import Sequence

from unrolled.data.records import Field, Wish
from unrolled.tasks.reads import Described, Reads, kinds, shape_of


class ReadsText(Reads):
    wish = Wish(("text",), "none")

    def fits(self, inputs: Sequence[Field], target: Field | None) -> bool:
        return target is None and kinds(inputs) <= {"text", "token"}

    def claims(self, data: Described) -> bool:
        return shape_of(data) == "text"
