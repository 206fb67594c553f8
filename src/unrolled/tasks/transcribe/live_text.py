"""The text so far, while what is heard comes step by step."""

from typing import NamedTuple

import numpy as np

from unrolled.data.encoders.codec import Vocabulary
from unrolled.tasks.labels.live_answers import LiveAnswers, Told


class TextSoFar(NamedTuple):
    last: np.ndarray
    """int64 `[]`: the best class of the last step; 0, the blank, before the first"""
    tokens: np.ndarray
    """int64 `[tokens]`: of the text, from 0 on"""


class GrowingText(LiveAnswers):
    """The text by the best path (see `decode.greedy`) each time that it grows. The best path never takes a letter back,
    so all of it is `stable`."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self.vocabulary = vocabulary

    def begin(self) -> TextSoFar:
        return TextSoFar(np.array(0), np.zeros(0, dtype=np.int64))

    def feed(self, answers: np.ndarray, first: int, rate: float, state: TextSoFar) -> tuple[list[Told], TextSoFar]:
        best = answers.argmax(axis=1)
        before = np.concatenate([state.last[None], best])[:-1]
        told, tokens = [], state.tokens
        for step in np.flatnonzero((best != before) & (best > 0)).tolist():
            new = best[step] - 1
            tokens = np.append(tokens, new)
            told.append({"step": first + step + 1, "new": self.vocabulary.decode([new]), **self._text(tokens)})
        return told, TextSoFar(np.array(best[-1] if len(best) else state.last), tokens)

    def finish(self, steps: int, rate: float, state: TextSoFar) -> list[Told]:
        return [{"step": steps, **self._text(state.tokens), "end": True}]

    def check(self, state: TextSoFar) -> None:
        tokens = np.append(state.tokens, max(0, int(state.last) - 1))
        if int(state.last) < 0 or not ((tokens >= 0) & (tokens < len(self.vocabulary))).all():
            raise ValueError("the saved state has a text with letters that the model does not know")

    def _text(self, tokens: np.ndarray) -> Told:
        text = self.vocabulary.decode(tokens)
        return {"text": text, "stable": len(text)}
