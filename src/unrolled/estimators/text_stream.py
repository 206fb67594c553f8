"""A live stream of a language model that takes text."""

from unrolled.estimators.intake import require_text
from unrolled.tasks.language.load import Loaded
from unrolled.tasks.language.stream import LanguageStream, StreamStep


class TextStream(LanguageStream):
    """A stream that takes text beside tokens."""

    def __init__(self, loaded: Loaded, *, top: int = 5) -> None:
        super().__init__(loaded.network, top=top)
        self.vocabulary = loaded.vocabulary

    def feed_text(self, text: str) -> list[StreamStep]:
        """Consume a text token by token; the answer at each of its tokens.

        Raises `UserError` for text outside the vocabulary, and then nothing moved.
        """
        require_text(text, "the text")
        return [self.feed(int(token)) for token in self.vocabulary.encode(text)]
