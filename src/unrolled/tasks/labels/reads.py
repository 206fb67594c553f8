"""What labels are learned from, and which fields are labels: of a record (classify, regress) or of its steps (tag)."""

from collections.abc import Sequence

from unrolled.data.records import Field, Wish
from unrolled.tasks.reads import Described, Reads, kinds


class ReadsClasses(Reads):
    wish = Wish(("wide", "long", "labelled-text", "texts", "series"), "label")
    target = "a label per record"

    def can_be_target(self, field: Field) -> bool:
        return field.kind == "categorical" and not field.timed

    def obvious(self, data: Described) -> list[Field]:
        return self.candidates(data.fields)

    def fits(self, inputs: Sequence[Field], target: Field | None) -> bool:
        return target is not None and self.can_be_target(target)


class ReadsNumbers(Reads):
    wish = Wish(("wide", "long", "labelled-text", "texts", "series"), "number")
    target = "a number per record"

    def can_be_target(self, field: Field) -> bool:
        return field.kind == "numeric" and not field.timed

    def fits(self, inputs: Sequence[Field], target: Field | None) -> bool:
        return target is not None and self.can_be_target(target)


class ReadsSteps(Reads):
    wish = Wish(("series", "long", "wide", "tagged-words"), "steps")
    target = "a label, a number or an event per step"

    def can_be_target(self, field: Field) -> bool:
        return field.timed and field.kind in ("categorical", "numeric", "event")

    def candidates(self, fields: Sequence[Field]) -> list[Field]:
        return [field for field in fields if field.timed and field.kind in ("categorical", "event")]

    def obvious(self, data: Described) -> list[Field]:
        events = [field for field in data.fields if field.kind == "event"]
        if events or "token" not in kinds(data.fields):
            return events
        return [field for field in data.fields if field.timed and field.kind == "categorical"][:1]

    def fits(self, inputs: Sequence[Field], target: Field | None) -> bool:
        return target is not None and self.can_be_target(target)

    def hint(self, data: Described, target: Field | None) -> str:
        if target is None or target.kind != "numeric" or not data.dated:
            return ""
        return f"tag tells {target.name} from the other columns of the same step; --task forecast tells it ahead"
