"""How good predicted classes are: accuracy, F1, area under the ROC curve, log-loss; one label per record."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from unrolled.scoring.bootstrap import Measure, Metric, add_up, mean_defined, measure, record_units


class ClassScores(NamedTuple):
    """How well one class is recognised."""

    label: str
    support: int
    """records (or steps, or spans) of this class in the truth"""
    precision: Metric
    recall: Metric
    f1: Metric


def classification_metrics(
    truth: Int[np.ndarray, " records"],
    probabilities: Float[np.ndarray, "records classes"],
    *,
    predicted: Int[np.ndarray, " records"] | None = None,
    groups: Int[np.ndarray, " records"] | None = None,
    seed: int = 0,
) -> dict[str, Metric]:
    """Accuracy, balanced accuracy, macro-F1, ROC-AUC and log-loss (nats).

    `predicted` is the likeliest class if not given. A label that the model does not know is a further class of
    probability zero. Balanced accuracy is over the classes in the truth, macro-F1 over those in the truth or predicted,
    both as in scikit-learn. ROC-AUC is that of class 1 of two, or the mean over classes of one against the rest; it is
    undefined if a class does not occur in the truth. With `groups` groups are resampled, not records.
    """
    records, classes = probabilities.shape
    predicted = probabilities.argmax(axis=1) if predicted is None else predicted
    unit = record_units(records, groups, most=most_units(7 * classes), seed=seed)
    tiny = np.finfo(np.float64).eps
    loss = -np.log(np.clip(probabilities[np.arange(records), truth].astype(float), tiny, 1.0))
    scored = [1] if classes == 2 else list(range(classes))
    areas = [area_statistics(truth == index, probabilities[:, index]) for index in scored]
    statistics = np.concatenate(
        [class_counts(unit, truth, predicted, classes), add_up(unit, loss[:, None])]
        + [add_up(unit, area) for area in areas],
        axis=1,
    )
    return measure(
        statistics,
        [
            *count_measures(classes),
            Measure(
                "roc_auc",
                "higher",
                lambda s: mean_area(s[..., 3 * classes + 1 :]),
                trials=lambda s: area_trials(s[..., 3 * classes + 1 :]),
            )
            if _absent(truth, classes) is None
            else Measure("roc_auc", "higher", _nothing, undefined=str(_absent(truth, classes))),
            Measure("log_loss", "lower", lambda s: s[..., 3 * classes] / s[..., 2 * classes : 3 * classes].sum(-1)),
        ],
        seed=seed,
    )


def confusion_counts(
    truth: Int[np.ndarray, " records"], predicted: Int[np.ndarray, " records"], classes: int
) -> Int[np.ndarray, "classes classes"]:
    """How many records of each class (row) were taken for each class (column)."""
    return np.bincount(truth * classes + predicted, minlength=classes * classes).reshape(classes, classes)


def per_class_scores(
    truth: Int[np.ndarray, " records"],
    predicted: Int[np.ndarray, " records"],
    labels: Sequence[str],
    *,
    groups: Int[np.ndarray, " records"] | None = None,
    seed: int = 0,
) -> list[ClassScores]:
    """Precision, recall and F1 of each class, in the order of `labels`."""
    unit = record_units(len(truth), groups, most=most_units(3 * len(labels)), seed=seed)
    return scores_from_counts(class_counts(unit, truth, predicted, len(labels)), labels, seed=seed)


def class_counts(
    unit: Int[np.ndarray, " rows"], truth: Int[np.ndarray, " rows"], predicted: Int[np.ndarray, " rows"], classes: int
) -> Float[np.ndarray, "units counts"]:
    """For each unit of resampling: how often each class was right, then predicted, then true (`counts` = 3 classes)."""
    units = int(unit.max(initial=-1)) + 1
    right = truth == predicted

    def count(units_of: np.ndarray, kinds: np.ndarray) -> np.ndarray:
        return np.bincount(units_of * classes + kinds, minlength=units * classes).reshape(units, classes)

    return np.concatenate(
        [count(unit[right], truth[right]), count(unit, predicted), count(unit, truth)], axis=1
    ).astype(float)


def count_measures(classes: int) -> list[Measure]:
    """Accuracy, balanced accuracy and macro-F1 from the sums of `class_counts`."""

    def split(sums: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        return sums[..., :classes], sums[..., classes : 2 * classes], sums[..., 2 * classes : 3 * classes]

    def accuracy(sums: np.ndarray) -> np.ndarray:
        right, _, true = split(sums)
        return right.sum(-1) / true.sum(-1)

    def balanced(sums: np.ndarray) -> np.ndarray:
        right, _, true = split(sums)
        return mean_defined(right / true)

    def macro(sums: np.ndarray) -> np.ndarray:
        right, guessed, true = split(sums)
        return mean_defined(2 * right / (guessed + true))

    return [
        Measure("accuracy", "higher", accuracy, trials=lambda s: split(s)[2].sum(-1)),
        Measure("balanced_accuracy", "higher", balanced, trials=lambda s: split(s)[2]),
        Measure("macro_f1", "higher", macro, trials=lambda s: split(s)[1] + split(s)[2], f1=True),
    ]


def retrieval_measures(recall: str, precision: str, f1: str, no_truth: str, none_found: str) -> list[Measure]:
    """Precision, recall and F1 under these names, from sums of what is right, what was found and what is true."""

    def either(s: np.ndarray) -> np.ndarray:
        return s[..., 1] + s[..., 2]

    return [
        Measure(precision, "higher", lambda s: s[..., 0] / s[..., 1], none_found, trials=lambda s: s[..., 1]),
        Measure(recall, "higher", lambda s: s[..., 0] / s[..., 2], no_truth, trials=lambda s: s[..., 2]),
        Measure(f1, "higher", lambda s: 2 * s[..., 0] / either(s), no_truth, trials=either, f1=True),
    ]


def scores_from_counts(
    counts: Float[np.ndarray, "units counts"], labels: Sequence[str], *, seed: int = 0
) -> list[ClassScores]:
    """Precision, recall and F1 of each class from `class_counts`."""
    classes = len(labels)
    measures = []
    for index in range(classes):

        def guessed(s: np.ndarray, i: int = index) -> np.ndarray:
            return s[..., classes + i]

        def true(s: np.ndarray, i: int = index) -> np.ndarray:
            return s[..., 2 * classes + i]

        def either(s: np.ndarray, i: int = index) -> np.ndarray:
            return s[..., classes + i] + s[..., 2 * classes + i]

        def precision(s: np.ndarray, i: int = index) -> np.ndarray:
            return s[..., i] / s[..., classes + i]

        def recall(s: np.ndarray, i: int = index) -> np.ndarray:
            return s[..., i] / s[..., 2 * classes + i]

        def f1(s: np.ndarray, i: int = index) -> np.ndarray:
            return 2 * s[..., i] / (s[..., classes + i] + s[..., 2 * classes + i])

        measures += [
            Measure(f"precision {index}", "higher", precision, "never predicted", trials=guessed),
            Measure(f"recall {index}", "higher", recall, "not in the truth", trials=true),
            Measure(f"f1 {index}", "higher", f1, "neither in the truth nor predicted", trials=either, f1=True),
        ]
    measured = measure(counts, measures, seed=seed)
    support = counts[:, 2 * classes :].sum(axis=0)
    return [
        ClassScores(
            label,
            int(support[index]),
            *(measured[f"{name} {index}"]._replace(name=name) for name in ("precision", "recall", "f1")),
        )
        for index, label in enumerate(labels)
    ]


def area_statistics(
    positive: np.ndarray, scores: Float[np.ndarray, " records"]
) -> Float[np.ndarray, "records statistics"]:
    """Per record what `mean_area` needs: the share of the other side it is ranked rightly against, and its side.

    The area under the ROC curve is the mean over positives of the share of negatives scored lower. To resample it
    without sorting anew, it is taken as linear in both sides, which leaves out terms of order 1/records.
    Source: DeLong, DeLong and Clarke-Pearson 1988, "Comparing the areas under two or more correlated ROC curves".
    """
    positive = positive.astype(bool)
    _, rank = np.unique(scores, return_inverse=True)
    groups = rank.max(initial=-1) + 1
    ties = np.stack([np.bincount(rank[side], minlength=groups) for side in (~positive, positive)])
    below = np.cumsum(ties, axis=1) - 0.5 * ties  # negatives and positives scored lower, half of those that tie
    negatives, positives = np.maximum(ties.sum(axis=1), 1)
    share = np.where(positive, below[0, rank] / negatives, 1 - below[1, rank] / positives)
    area = share[positive].mean() if positive.any() else 0.0
    side = positive.astype(float)
    return np.stack([side * share, side, (1 - side) * (share - area), 1 - side], axis=1)


def mean_area(sums: Float[np.ndarray, "samples statistics"]) -> np.ndarray:
    """Mean of the areas under the ROC curves whose sums of `area_statistics` stand one after the other."""
    each = sums.reshape(len(sums), sums.shape[1] // 4, 4)
    areas = each[..., 0] / each[..., 1] + each[..., 2] / each[..., 3]
    return mean_defined(np.clip(areas, 0.0, 1.0))


def area_trials(statistics: Float[np.ndarray, "units statistics"]) -> np.ndarray:
    """What an area is measured on: the units of its rarer side, `[units, areas]`."""
    each = statistics.reshape(len(statistics), statistics.shape[1] // 4, 4)
    positive, negative = each[..., 1], each[..., 3]
    fewer = (positive > 0).sum(axis=0) <= (negative > 0).sum(axis=0)
    return np.where(fewer, positive, negative)


def most_units(statistics: int) -> int:
    """How many units to resample so that very many classes cost no more time than few."""
    return int(np.clip(1_000_000 // statistics, 300, 10_000))


def _absent(truth: np.ndarray, classes: int) -> str | None:
    missing = classes - len(np.unique(truth))
    return f"{missing} of {classes} classes do not occur in the truth" if missing else None


def _nothing(sums: np.ndarray) -> np.ndarray:
    return np.full(len(sums), np.nan)
