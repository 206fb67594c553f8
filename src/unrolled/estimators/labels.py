"""Labels as they were given, of the words that a model knows them by."""

import json
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from unrolled.data.readers.array_targets import word_of
from unrolled.untrusted import parse_json, read_text, sound, typed

FILE = "estimator.json"


class Labels(NamedTuple):
    """The labels that may be predicted, in the order of `classes_`, and their words."""

    values: np.ndarray
    words: list[str]
    indicator: bool = False
    """whether several labels at once are a row of 0 and 1, one for each"""

    def write(self, folder: Path) -> None:
        """Beside the model."""
        content = {"classes": self.values.tolist(), "words": self.words, "indicator": self.indicator}
        (folder / FILE).write_text(json.dumps(content) + "\n", encoding="utf-8")

    def given(self, words: list[str]) -> np.ndarray:
        """The labels of some words, as they were given."""
        number = {word: index for index, word in enumerate(self.words)}
        return self.values[[number[word] for word in words]]

    def columns(self, answer: np.ndarray, known: tuple[str, ...]) -> np.ndarray:
        """Probabilities `[..., known]` in the order of the labels; 0 for those that training did not see."""
        column = {word: number for number, word in enumerate(known)}
        empty = np.zeros((*answer.shape[:-1], 1), dtype=answer.dtype)
        return np.concatenate([answer, empty], axis=-1)[..., [column.get(word, len(known)) for word in self.words]]


def labels_of(y: Any) -> Labels:
    """The labels in y: one per record, several per record, or one per step."""
    array = y if isinstance(y, np.ndarray) else None
    if array is not None and array.ndim == 2 and array.dtype.kind in "biuf" and np.isin(array, (0, 1)).all():
        count = array.shape[1]
        return Labels(np.arange(count), [str(number) for number in range(count)], indicator=True)
    given: dict[str, Any] = {}
    for entry in y:
        for value in entry if isinstance(entry, list | tuple | set | frozenset | np.ndarray) else [entry]:
            word = word_of(value)
            if word is not None:
                given.setdefault(word, value.item() if isinstance(value, np.generic) else value)
    plain = all(isinstance(value, str | int | float | bool) for value in given.values())
    try:
        words = sorted(given, key=lambda word: given[word]) if plain else sorted(given)
    except TypeError:  # words beside numbers
        plain, words = False, sorted(given)
    return Labels(np.array([given[word] if plain else word for word in words]), words)


def read_labels(folder: Path, known: tuple[str, ...]) -> Labels:
    """The labels beside a model; the words themselves if there are none."""
    path = folder / FILE
    if not path.is_file():
        return Labels(np.array(known), list(known))
    with sound(f"{folder} holds a damaged {FILE}", "use another copy or train again"):
        content = parse_json(read_text(path))
        return typed(Labels(np.array(content["classes"]), content["words"], content["indicator"]))
