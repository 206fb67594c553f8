"""What a language is learned from: running text."""

from collections.abc import Sequence

from unrolled.data.config import DataConfig
from unrolled.data.records import Field, Wish
from unrolled.plural import counted
from unrolled.tasks.reads import Described, Reads, kinds, shape_of


class ReadsText(Reads):
    wish = Wish(("text",), "none")

    def fits(self, inputs: Sequence[Field], target: Field | None) -> bool:
        return target is None and kinds(inputs) <= {"text", "token"}

    def claims(self, data: Described) -> bool:
        return shape_of(data) == "text"

    def found_in_text(self, files: Sequence[str], data: DataConfig) -> str:
        from unrolled.data.readers.text import read_blocks
        from unrolled.data.splits.text_files import choose_splits

        splits = choose_splits(list(files), data)
        texts = [*splits.train, *splits.valid, *splits.test]
        for path in texts:
            next(read_blocks(path, size=1 << 16), None)
        if len(texts) == 1:
            return ""
        return f"text: {counted(len(texts), 'file')}{'; ' if splits.note else ''}{splits.note}"
