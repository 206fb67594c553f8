"""The pictures people expect of a task, for the report."""

from typing import Any

import numpy as np

from unrolled.data.encoders.targets import NO_TARGET, ClassTarget
from unrolled.data.encoding import Encoding
from unrolled.data.examples import Examples
from unrolled.inference.metrics.classification import confusion_counts
from unrolled.training.pictures.confusion import confusion_matrix


def pictures_of(encoding: Encoding, part: Examples, answers: list[Any]) -> list[tuple[str, str]]:
    """Titles with HTML."""
    target = encoding.target
    if isinstance(target, ClassTarget) and not target.many:
        truth = np.array([int(part[number].target) for number in range(len(part))])  # type: ignore[arg-type]
        known = truth != NO_TARGET
        said = np.stack(answers).argmax(axis=1)
        counts = confusion_counts(truth[known], said[known], len(target.labels))
        return [("Confusion matrix", confusion_matrix(counts, list(target.labels)))]
    return []
