"""What is described: a text, words or numbers over time, from what is known of each. It is never guessed."""

from unrolled.data.records import Field, Wish
from unrolled.tasks.reads import Reads


class ReadsSequences(Reads):
    wish = Wish(("wide", "long", "texts", "series"), "sequence")
    target = "a text, words or numbers over time"

    def can_be_target(self, field: Field) -> bool:
        return field.kind == "text" or (field.timed and field.kind in ("token", "categorical", "numeric"))

    def trusts(self, guess: Field) -> bool:
        return self.can_be_target(guess)
