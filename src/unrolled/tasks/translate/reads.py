"""What is translated: pairs of texts."""

from collections.abc import Sequence

from unrolled.data.readers.offers import Offer
from unrolled.data.records import Field, Wish
from unrolled.errors import UserError
from unrolled.tasks.reads import Described, Reads, kinds


class ReadsPairs(Reads):
    wish = Wish(("long", "parallel-text", "wide", "series"), "text")
    target = "a text"

    def can_be_target(self, field: Field) -> bool:
        return field.kind == "text"

    def candidates(self, fields: Sequence[Field]) -> list[Field]:
        return [field for field in fields if field.kind == "text"][1:]

    def obvious(self, data: Described) -> list[Field]:
        texts = [field.name for field in data.fields if field.kind == "text"]
        if len(texts) < 2:
            return []
        for name in reversed(texts):
            if isinstance(data, Offer) and name in data.single_words:
                other = next(other for other in texts if other != name)
                shown = ", ".join(texts[:8]) + (f" and {len(texts) - 8} more" if len(texts) > 8 else "")
                raise UserError(
                    f"{data.name} has texts in {shown}, and most of {name} are single words; "
                    f"choose --target {name} if those are labels, or --task translate if {other} and {name} say the "
                    "same"
                )
        return self.candidates(data.fields)[-1:]

    def fits(self, inputs: Sequence[Field], target: Field | None) -> bool:
        return target is not None and target.kind == "text" and kinds(inputs) == {"text"}
