"""A text to write down, by connectionist temporal classification."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Any, ClassVar

import numpy as np

from unrolled.data.config import DataConfig
from unrolled.data.encoders.characters import CharVocabulary
from unrolled.data.encoders.codec import Vocabulary
from unrolled.data.encoders.encoding import Encoding, Input
from unrolled.data.encoders.vocabulary import vocabulary_from_json
from unrolled.data.feeds.examples import Examples
from unrolled.data.records import Field, Record
from unrolled.scoring import baselines
from unrolled.scoring.bootstrap import Metric
from unrolled.scoring.text import edit_distances, transcription_metrics
from unrolled.tasks.labels.live_answers import LiveAnswers
from unrolled.tasks.labels.scores import RecordScores
from unrolled.tasks.labels.target import Naive, Target, Values
from unrolled.tasks.predictions import Kind, Row

STRANGE = "\ufffd"
SHOWN = 10
"""Texts of a part that are shown."""


@dataclass(frozen=True)
class TranscriptTarget(Target):
    """A text to write down: tokens from 1 on, 0 is the blank of connectionist temporal classification.

    An answer is the logarithms of probabilities `[time, tokens + 1]`, the blank first.
    """

    field: str
    vocabulary: Vocabulary

    labels = ()
    pooled = False
    loss_in_words = "Loss (nats per text)"
    reads: ClassVar[dict[str, Any]] = {"hop": 0.020}  # letters last longer than a sound, and steps cost time

    @classmethod
    def fit(cls, field: Field, values: Values, inputs: tuple[Input, ...], data: DataConfig) -> "TranscriptTarget":
        texts = (value for value in values() if value is not None)
        return cls(field.name, CharVocabulary.fit(itertools.chain([STRANGE], texts)))

    def encode(self, value: str | None) -> np.ndarray:
        """int64 `[tokens]`. A character that training did not see becomes U+FFFD, so that it counts as an error."""
        if value is None:
            return np.zeros(0, dtype=np.int64)
        known = set(self.vocabulary.tokens)
        return self.vocabulary.encode("".join(c if c in known else STRANGE for c in value)) + 1

    def decode(self, tokens: Sequence[int] | np.ndarray) -> str:
        """The text of tokens without blanks."""
        return self.vocabulary.decode(np.asarray(tokens, dtype=np.int64) - 1)

    def to_json(self) -> dict[str, Any]:
        return {"kind": "transcript", "field": self.field, "vocabulary": self.vocabulary.to_json()}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> "TranscriptTarget":
        return cls(data["field"], vocabulary_from_json(data["vocabulary"]))

    @property
    def outputs(self) -> int:
        return len(self.vocabulary) + 1

    def loss(self, outputs: Any, batch: Any, *, weights: Any = None, label_smoothing: float = 0.0) -> Any:
        """The mean of the losses of the members."""
        import torch

        from unrolled.objectives.ctc import ctc_loss

        if not len(batch.lengths):
            return outputs.sum() * 0
        wanted = torch.arange(batch.targets.shape[1], device=batch.targets.device) < batch.lengths[:, None]
        losses = [
            ctc_loss(member, batch.targets - 1, mask=batch.mask, target_mask=wanted, row_weights=batch.weights)[0]
            for member in outputs
        ]
        return torch.stack(losses).mean()

    def meaning(self, outputs: Any) -> np.ndarray:
        """The logarithm of the mean of the probabilities of the members."""
        return outputs.softmax(-1).mean(0).log().cpu().numpy()

    def live(self) -> LiveAnswers:
        from unrolled.tasks.transcribe.live_text import GrowingText

        return GrowingText(self.vocabulary)

    def value(self, record: Record, answer: np.ndarray) -> str:
        return self.text(answer)

    def text(self, answer: np.ndarray) -> str:
        """The text of an answer, by the best path."""
        from unrolled.tasks.transcribe.decode import greedy

        best = greedy(answer[None], np.array([len(answer)]))[0]
        return self.decode(np.array(best.tokens, dtype=np.int64) + 1)

    def score(self, examples: Examples, answers: list[np.ndarray]) -> RecordScores:
        import torch

        from unrolled.objectives.ctc import ctc_loss

        truth, known = examples.targets(), _with_text(examples)
        loss = 0.0
        for number in known:
            answer, wanted = torch.from_numpy(answers[number]), torch.from_numpy(truth[number])
            loss += float(ctc_loss(answer[None], wanted[None] - 1)[0]) / len(known)
        metrics = self._metrics(examples, [self.text(answer) for answer in answers])
        return RecordScores(loss, metrics, "cer", len(known), len(examples) - len(known))

    def _metrics(self, examples: Examples, texts: list[str]) -> dict[str, Metric]:
        truth, known = examples.targets(), _with_text(examples)
        return transcription_metrics(
            [self.decode(truth[number]) for number in known],
            [texts[number] for number in known],
            groups=examples.group_numbers(known),
        )

    def naive(self, training: Examples, encoding: Encoding) -> Naive:
        """The text that is nearest to all transcripts."""
        text = baselines.central_text([self.decode(tokens) for tokens in training.targets() if len(tokens)])
        shown = text if len(text) <= 40 else f"{text[:37]}..."
        return Naive(f"always {shown!r}, nearest to all transcripts of the training part", text)

    def score_naive(self, naive: Naive, examples: Examples) -> dict[str, Metric]:
        return self._metrics(examples, [str(naive.answer)] * len(examples))

    def columns(self, words: str | None) -> dict[str, Kind]:
        return {"text": "text"}

    def rows(self, record: Record, answer: np.ndarray, words: str | None) -> list[Row]:
        return [{"text": self.text(answer)}]

    def pictures(self, examples: Examples, answers: list[np.ndarray], encoding: Encoding) -> list[tuple[str, str]]:
        """Some texts beside the transcripts, and how many letters one would have to change."""
        known = _with_text(examples)
        numbers = known[:: max(1, len(known) // SHOWN)][:SHOWN]
        targets = examples.targets()
        truth = [self.decode(targets[number]) for number in numbers]
        texts = [self.text(answers[number]) for number in numbers]
        rows = "".join(
            f"<tr><td>{escape(true)}</td><td>{escape(text) or '<small>(nothing)</small>'}</td><td>{edits:,}</td></tr>"
            for true, text, edits in zip(truth, texts, edit_distances(truth, texts).tolist(), strict=True)
        )
        head = "<tr><th>true</th><th>transcript</th><th>letters wrong</th></tr>"
        return [("Transcripts", f"<table>{head}{rows}</table>")]


def _with_text(examples: Examples) -> list[int]:
    """The numbers of the records whose text is known."""
    return [number for number, tokens in enumerate(examples.targets()) if len(tokens)]
