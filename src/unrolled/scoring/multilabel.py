"""How good predicted sets of labels are: several labels may hold for a record at once."""

import numpy as np
from jaxtyping import Bool, Float, Int

from unrolled.scoring.bootstrap import Measure, Metric, add_up, mean_defined, measure, record_units
from unrolled.scoring.classification import area_statistics, area_trials, mean_area, most_units


def multilabel_metrics(
    truth: Bool[np.ndarray, "records labels"],
    probabilities: Float[np.ndarray, "records labels"],
    *,
    threshold: float = 0.5,
    groups: Int[np.ndarray, " records"] | None = None,
    seed: int = 0,
) -> dict[str, Metric]:
    """Subset accuracy, micro-F1, macro-F1 and mean ROC-AUC; a label is predicted from `threshold` on.

    Subset accuracy is the share of records with all labels right. Macro-F1 is over the labels in the truth or
    predicted; the mean ROC-AUC is over the labels that hold for some records and not for others, and its note says how
    many are left out. With `groups` groups are resampled, not records.
    """
    labels = truth.shape[1]
    predicted = probabilities >= threshold
    unit = record_units(len(truth), groups, most=most_units(7 * labels), seed=seed)
    both = [index for index in range(labels) if 0 < truth[:, index].sum() < len(truth)]
    rows = [truth & predicted, predicted, truth, (truth == predicted).all(axis=1)[:, None], np.ones((len(truth), 1))]
    rows += [area_statistics(truth[:, index], probabilities[:, index]) for index in both]
    statistics = np.concatenate([add_up(unit, part.astype(float)) for part in rows], axis=1)

    def split(s: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        return s[..., :labels], s[..., labels : 2 * labels], s[..., 2 * labels : 3 * labels]

    def micro(s: np.ndarray) -> np.ndarray:
        right, guessed, true = split(s)
        return 2 * right.sum(-1) / (guessed.sum(-1) + true.sum(-1))

    def macro(s: np.ndarray) -> np.ndarray:
        right, guessed, true = split(s)
        return mean_defined(2 * right / (guessed + true))

    def either(s: np.ndarray) -> np.ndarray:
        _, guessed, true = split(s)
        return guessed + true

    def area(s: np.ndarray) -> np.ndarray:
        return mean_area(s[..., 3 * labels + 2 :]) if both else np.full(len(s), np.nan)

    nothing = "no label holds and none was predicted"
    left_out = f"without {labels - len(both)} labels that all records or none have" if len(both) < labels else ""
    return measure(
        statistics,
        [
            Measure(
                "subset_accuracy",
                "higher",
                lambda s: s[..., 3 * labels] / s[..., 3 * labels + 1],
                trials=lambda s: s[..., 3 * labels + 1],
            ),
            Measure("micro_f1", "higher", micro, nothing, trials=lambda s: either(s).sum(-1), f1=True),
            Measure("macro_f1", "higher", macro, nothing, trials=either, f1=True),
            Measure(
                "roc_auc",
                "higher",
                area,
                "every label holds for all records or for none",
                left_out,
                trials=lambda s: area_trials(s[..., 3 * labels + 2 :]),
            ),
        ],
        seed=seed,
    )
