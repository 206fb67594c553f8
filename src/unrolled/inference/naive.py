"""What a naive answer to the records of a task would be, from the training part."""

from typing import NamedTuple

import numpy as np

from unrolled.data.encoders.targets import NO_TARGET, ClassTarget, NumberTarget, StepTarget
from unrolled.data.encoding import Encoding
from unrolled.data.examples import Examples
from unrolled.inference.metrics import baselines


class Naive(NamedTuple):
    """An answer that is the same for every record and step: the least a model has to beat."""

    name: str
    answer: list[float]
    """`[labels]` probabilities, or `[targets]` values"""


def naive_of(encoding: Encoding, training: Examples) -> Naive | None:
    """The shares of the classes, the mean value or the shares of the tags in the training part; None for events and
    texts."""
    target = encoding.target
    known = [one for one in (training[n].target for n in range(len(training))) if one is not None]
    if isinstance(target, ClassTarget):
        if target.many:
            wanted = np.stack([one for one in known if np.isfinite(one).all()]) > 0.5
            shares = baselines.label_shares(wanted, 1)[0]
        else:
            labels = np.array([int(one) for one in known if one != NO_TARGET], dtype=np.int64)
            shares = baselines.class_shares(labels, len(target.labels), 1)[0]
        return Naive("class shares of the training part", shares.tolist())
    if isinstance(target, NumberTarget):
        values = np.concatenate([np.atleast_2d(target.scaler.unscale(one)) for one in known])
        mean = baselines.mean_value(values[np.isfinite(values).all(1)], 1)[0]
        return Naive("mean of the training part", mean.tolist())
    if isinstance(target, StepTarget):
        tags = np.concatenate(known)
        shares = np.bincount(tags[tags >= 0], minlength=len(target.labels)) / max(1, (tags >= 0).sum())
        return Naive("most frequent tag", shares.tolist())
    return None
