"""What a live stream tells: the answers to the steps of a record as they come, in words."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from unrolled.tasks.labels.event_steps import EventState, EventSteps, FoundEvents
from unrolled.tasks.labels.tag_decoding import Rules
from unrolled.tasks.labels.tag_steps import TagState, TagSteps
from unrolled.tasks.predictions import plain

Told = dict[str, Any]
"""One answer, for JSON."""


class LiveAnswers(ABC):
    """The step form of what a kind of target says: answers `[time, outputs]` of a network piece by piece to what is
    told. Its state is a tuple of NumPy arrays, those that grow on axis 0."""

    delay: float = 0.0
    """seconds after a step until what is told of it is certain"""

    @abstractmethod
    def begin(self) -> Any:
        """Before the first step of a record."""

    @abstractmethod
    def feed(self, answers: np.ndarray, first: int, rate: float, state: Any) -> tuple[list[Told], Any]:
        """The answers to the next steps, of which the first has the number `first` (from 0); `rate` is the steps per
        second of the signal as it comes, if there is one."""

    @abstractmethod
    def finish(self, steps: int, rate: float, state: Any) -> list[Told]:
        """What is told at the end of a record of so many steps; the last has `"end": true`."""

    @abstractmethod
    def check(self, state: Any) -> None:
        """Raises `ValueError` for a state that no answers leave behind."""


class LastAnswer(NamedTuple):
    answer: np.ndarray
    """float32 `[outputs]`: the last one; 0 before the first step"""


class AnswerSoFar(LiveAnswers):
    """The answer of each step: that for the step, or `pooled` that for the record so far, which is told once more at
    its end."""

    def __init__(self, words: Callable[[np.ndarray], Told], outputs: int, *, pooled: bool) -> None:
        """`words` says what an answer `[outputs]` means."""
        self.words, self.outputs, self.pooled = words, outputs, pooled

    def begin(self) -> LastAnswer:
        return LastAnswer(np.zeros(self.outputs, dtype=np.float32))

    def feed(self, answers: np.ndarray, first: int, rate: float, state: LastAnswer) -> tuple[list[Told], LastAnswer]:
        told = [{"step": first + number, **self.words(answer)} for number, answer in enumerate(answers, 1)]
        return told, LastAnswer(answers[-1].astype(np.float32)) if len(answers) else state

    def finish(self, steps: int, rate: float, state: LastAnswer) -> list[Told]:
        last = self.words(state.answer) if self.pooled else {}
        return [{"step": steps, **last, "end": True}]

    def check(self, state: LastAnswer) -> None:
        if not np.isfinite(state.answer).all():
            raise ValueError("the saved state has a last answer that is no number")


class BestTags(LiveAnswers):
    """The tag of each step, the best now; where it turns out that an earlier one was another, that is `revised`."""

    def __init__(self, labels: Sequence[str], rules: Rules) -> None:
        self.labels, self._steps = labels, TagSteps(rules)

    def begin(self) -> TagState:
        return self._steps.begin()

    def feed(self, answers: np.ndarray, first: int, rate: float, state: TagState) -> tuple[list[Told], TagState]:
        told, state = self._steps.feed(answers, state)
        rows = zip(told.tags.tolist(), answers, told.revised, strict=True)
        return [
            {"step": first + number, **tag_in_words(self.labels, answer, tag), **self._revised(revised)}
            for number, (tag, answer, revised) in enumerate(rows, 1)
        ], state

    def finish(self, steps: int, rate: float, state: TagState) -> list[Told]:
        return [{"step": steps, **self._revised(self._steps.finish(state)), "end": True}]

    def check(self, state: TagState) -> None:
        self._steps.check(state)

    def _revised(self, pairs: list[tuple[int, int]]) -> Told:
        changes = [{"step": step + 1, "tag": self.labels[tag]} for step, tag in pairs]
        return {"revised": changes} if changes else {}


class CertainEvents(LiveAnswers):
    """Each event once, as soon as nothing that may still come can change it."""

    def __init__(self, labels: Sequence[str], reach: int, rate: float) -> None:
        """`rate`: steps per second of what the network reads."""
        self.labels, self.rate, self._steps = labels, rate, EventSteps(reach, len(labels))
        self.delay = self._steps.delay / rate

    def begin(self) -> EventState:
        return self._steps.begin()

    def feed(self, answers: np.ndarray, first: int, rate: float, state: EventState) -> tuple[list[Told], EventState]:
        events, state = self._steps.feed(answers, state)
        return self._in_words(events, rate), state

    def finish(self, steps: int, rate: float, state: EventState) -> list[Told]:
        return [*self._in_words(self._steps.finish(state), rate), {"seconds": round(steps / self.rate, 6), "end": True}]

    def check(self, state: EventState) -> None:
        self._steps.check(state)

    def _in_words(self, events: FoundEvents, rate: float) -> list[Told]:
        return [
            {
                "step": round(step / self.rate * rate),
                "seconds": round(step / self.rate, 6),
                "label": self.labels[kind],
                "probability": plain(chance),
            }
            for step, kind, chance in zip(
                events.places.tolist(), events.kinds.tolist(), events.probabilities, strict=True
            )
        ]


def tag_in_words(labels: Sequence[str], answer: np.ndarray, tag: int) -> Told:
    """The tag of a step, of probabilities `[labels]`."""
    return {"tag": labels[tag], "probability": plain(answer[tag]), "probabilities": shares(labels, answer)}


def shares(labels: Sequence[str], answer: np.ndarray) -> dict[str, float]:
    """The probability of each label."""
    return {label: plain(share) for label, share in zip(labels, answer, strict=True)}
