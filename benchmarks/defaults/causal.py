"""Families that read forward, for `--model.causal true` of the tasks on records, compared on validation parts.

With `--model.causal true` the family is that of training without flags, made causal, and inception to transcribe
(`tasks/labels/defaults.py`); this holds it against the others. A candidate is a set of flags beside the defaults, all
with `--model.bidirectional false`; "both ends" is what training without flags takes, for what seeing the whole record
is worth. All are trained for the same few updates, with one network. Test parts are left alone: of UCR sets and of TREC
only the training file is read, of the spoken digits what is not the test set, of the weather and the heart record the
first part in time. `--data` is a folder with data sets in the sub-folders that the rows name; what is not there is left
out, and those that are made up are always there. With `--write` scores are kept in results/causal.json as they come, so
that the table can be made piece by piece with `--only` and `--candidates`.
"""

import sys
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from harness.defaults import Candidates, DataSet, compare_on_validation
from harness.digits import joined_digits

FAMILIES: Candidates = {
    family: {"family": family, "bidirectional": False}
    for family in ("inception", "convolution", "gru", "lstm", "transformer")
}
POOLED: Candidates = {
    f"{family}, {pooling}": {"family": family, "bidirectional": False, "pooling": pooling}
    for family, poolings in (("inception", ("last", "max")), ("convolution", ("last",)), ("gru", ("last", "attention")))
    for pooling in poolings
}
TEXTS: Candidates = {
    f"{family}, {pooling}": {"family": family, "bidirectional": False, "pooling": pooling}
    for family in ("convolution", "lstm", "gru")
    for pooling in ("last", "mean", "attention")
}
BOTH: Candidates = {"both ends": {}}


def data_sets(folder: Path, made: Path) -> Iterator[DataSet]:
    """What could be there."""
    base = {"members": 1, "max_steps": 200}
    few = base | {"valid_fraction": 0.34}
    for name in ("GunPoint", "JapaneseVowels"):
        file = folder / "ucr" / name / f"{name}_TRAIN.ts"
        yield DataSet(name, file, "classify", "accuracy", BOTH | FAMILIES | POOLED, few)
    sounds = folder / "audio" / "fsdd"
    digits = base | {"test": [str(sounds / "*_[0-4].wav")], "valid_fraction": 0.2}
    yield DataSet("spoken digits", sounds, "classify", "accuracy", BOTH | FAMILIES | POOLED, digits)
    trec = base | {"max_steps": 400, "valid_fraction": 0.2}
    yield DataSet("TREC", folder / "text-labels" / "trec_train.tsv", "classify", "accuracy", BOTH | TEXTS, trec)
    splice = base | {"max_steps": 400, "test_fraction": 0.2, "valid_fraction": 0.2}
    placed = {f"{name}, position-attention": FAMILIES[name] | {"pooling": "position-attention"} for name in FAMILIES}
    yield DataSet("splice", folder / "dna" / "splice.csv", "classify", "accuracy", BOTH | FAMILIES | placed, splice)
    held = base | {"test_fraction": 0.2, "valid_fraction": 0.2}
    weather = folder / "forecast" / "seattle-weather.csv"
    yield DataSet("Seattle weather", weather, "tag", "accuracy", BOTH | FAMILIES, held | {"target": "weather"})
    yield DataSet("heart record", folder / "ecg" / "100.hea", "tag", "f1", BOTH | FAMILIES, held)
    yield DataSet("heart, made up", made / "heart.hea", "tag", "f1", BOTH | FAMILIES, base)
    words = folder / "tags" / "wnut17train.conll"
    valid = {"valid": [str(words.with_name("emerging.dev.conll"))], "max_steps": 1200}
    yield DataSet("WNUT 17", words, "tag", "span_f1", BOTH | FAMILIES, base | valid)
    yield DataSet("pendulum, made up", made / "pendulum.npz", "regress", "mse", BOTH | FAMILIES | POOLED, few)
    morse = {"target": "text", "max_steps": 500}
    yield DataSet("morse, made up", made / "morse.jsonl", "transcribe", "cer", BOTH | FAMILIES, morse)
    joined = made / "joined"
    if sounds.is_dir() and not joined.exists():
        joined_digits(sounds, joined)
    texts = {"labels": str(joined / "names.csv"), "max_steps": 500}
    yield DataSet("joined digits", joined / "train", "transcribe", "cer", BOTH | FAMILIES, texts)


if __name__ == "__main__":
    compare_on_validation("causal", "Families that read forward", __doc__, data_sets, seeds=2)
