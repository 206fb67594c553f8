"""How good predicted values are: squared and absolute errors, and the share of the variance explained."""

import numpy as np
from jaxtyping import Float, Int

from unrolled.scoring.bootstrap import Measure, Metric, add_up, mean_defined, measure, record_units


def regression_metrics(
    truth: Float[np.ndarray, "records targets"],
    predicted: Float[np.ndarray, "records targets"],
    *,
    groups: Int[np.ndarray, " records"] | None = None,
    seed: int = 0,
) -> dict[str, Metric]:
    """MSE, MAE and R² of values, each the mean over targets, as in scikit-learn.

    R² is undefined if a target has the same value in all records. With `groups` groups are resampled, not records.
    """
    targets = truth.shape[1]
    wide = truth.astype(np.float64)
    error = predicted.astype(np.float64) - wide
    centred = wide - wide.mean(axis=0)  # so that the difference of squares in R² loses no digits
    statistics = np.concatenate([error**2, np.abs(error), centred, centred**2, np.ones((len(truth), 1))], axis=1)

    def part(s: np.ndarray, index: int) -> np.ndarray:
        return s[..., targets * index : targets * (index + 1)] / s[..., -1:]

    def explained(s: np.ndarray) -> np.ndarray:
        variance = part(s, 3) - part(s, 2) ** 2
        return mean_defined(np.where(variance > 1e-15 * (1 + variance), 1 - part(s, 0) / variance, np.nan))

    constant = len(truth) < 2 or bool((wide == wide[0]).all(axis=0).any())
    return measure(
        add_up(record_units(len(truth), groups, seed=seed), statistics),
        [
            Measure("mse", "lower", lambda s: part(s, 0).mean(-1), undefined="not all values are finite"),
            Measure("mae", "lower", lambda s: part(s, 1).mean(-1), undefined="not all values are finite"),
            Measure(
                "r2",
                "higher",
                (lambda s: np.full(len(s), np.nan)) if constant else explained,
                undefined="a target has one value in all records" if constant else "not all values are finite",
            ),
        ],
        seed=seed,
    )
