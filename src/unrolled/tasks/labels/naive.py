"""What a naive answer to the records of a task would be, from the training part."""

from typing import NamedTuple

import numpy as np

from unrolled.data.encoders.encoding import Encoding
from unrolled.data.encoders.targets import (
    NO_TARGET,
    ClassTarget,
    EventTarget,
    NumberTarget,
    StepTarget,
    TextTarget,
    event_centres,
)
from unrolled.data.feeds.examples import Examples
from unrolled.scoring import baselines


class Naive(NamedTuple):
    """An answer that looks at no record, or at single words of it: the least a model has to beat."""

    name: str
    answer: list[float] | float | str | list[int]
    """for every record and step the same `[labels]` probabilities or `[targets]` values; for events the steps from
    one to the next; for transcripts the text; for tags of words the tag of each word of the vocabulary"""
    by_word: bool = False


def naive_of(encoding: Encoding, training: Examples) -> Naive | None:
    """What the training part says without a look at the inputs: the shares of the classes or of the tags, the tag
    that each word has most often, the mean value, events at their mean interval, or the transcript nearest to all
    (`baselines.central_text`).

    None where it has no two events in a record.
    """
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
        if encoding.tables:
            rows = [training[n] for n in range(len(training))]
            words = np.concatenate(
                [one.tokens[:, 0] for one in rows if one.tokens is not None and one.target is not None]
            )
            usual = baselines.frequent_tags(words, tags, encoding.tables[0])
            return Naive("the most frequent tag of each word", usual.tolist(), by_word=True)
        shares = np.bincount(tags[tags >= 0], minlength=len(target.labels)) / max(1, (tags >= 0).sum())
        return Naive("most frequent tag", shares.tolist())
    if isinstance(target, EventTarget):
        gap = baselines.event_gap([event_centres(one, target.reach) for one in known])
        if not np.isfinite(gap):
            return None
        return Naive(f"an event every {gap / target.rate:.3g} s, the mean of the training part", gap)
    if isinstance(target, TextTarget):
        text = baselines.central_text([target.decode(one) for one in known if len(one)])
        return Naive(f"always {shorten(text)!r}, nearest to all transcripts of the training part", text)
    return None


def shorten(text: str, most: int = 40) -> str:
    """At most `most` letters of a text."""
    return text if len(text) <= most else f"{text[: most - 3]}..."
