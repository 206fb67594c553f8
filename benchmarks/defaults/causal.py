"""Families that read forward, for `--model.causal true` of the tasks on records, compared on validation parts.

With `--model.causal true` the family is that of training without flags, made causal (`tasks/labels/defaults.py`); this
holds it against the others. A candidate is a set of flags beside the defaults, all with `--model.bidirectional false`;
"both ends" is what training without flags takes today, for what seeing the
whole record is worth. All are trained for the same few updates, with one network. Test parts are left alone: of UCR
sets and of TREC only the training file is read, of the spoken digits what is not the test set, of the weather, the
heart record and the gait the first part in time. `--data` is a folder with data sets in the sub-folders that the rows
name; what is not there is left out, and two sets that are made up are always there. With `--write` scores are kept in
results/causal.json as they come, so that the table can be made piece by piece with `--only` and `--candidates`.
"""

import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from harness.digits import joined_digits
from harness.pieces import is_wanted, keep, options_of, read_kept, wanted_of
from harness.result import publish, table

from tasks import EXAMPLES, Candidates, Set, score

RESULTS = Path(__file__).parent / "results"
KEPT = RESULTS / "causal.json"

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


def data_sets(folder: Path, made: Path) -> Iterator[Set]:
    """What could be there."""
    one = {"members": 1, "max_steps": 200}
    few = one | {"valid_fraction": 0.34}
    for name in ("GunPoint", "JapaneseVowels"):
        file = folder / "ucr" / name / f"{name}_TRAIN.ts"
        yield Set(name, file, "classify", "accuracy", BOTH | FAMILIES | POOLED, few)
    sounds = folder / "audio" / "fsdd"
    digits = one | {"test": [str(sounds / "*_[0-4].wav")], "valid_fraction": 0.2}
    yield Set("spoken digits", sounds, "classify", "accuracy", BOTH | FAMILIES | POOLED, digits)
    trec = one | {"max_steps": 400, "valid_fraction": 0.2}
    yield Set("TREC", folder / "text-labels" / "trec_train.tsv", "classify", "accuracy", BOTH | TEXTS, trec)
    splice = one | {"max_steps": 400, "test_fraction": 0.2, "valid_fraction": 0.2}
    placed = {f"{name}, position-attention": FAMILIES[name] | {"pooling": "position-attention"} for name in FAMILIES}
    yield Set("splice", folder / "dna" / "splice.csv", "classify", "accuracy", BOTH | FAMILIES | placed, splice)
    held = one | {"test_fraction": 0.2, "valid_fraction": 0.2}
    weather = folder / "forecast" / "seattle-weather.csv"
    yield Set("Seattle weather", weather, "tag", "accuracy", BOTH | FAMILIES, held | {"target": "weather"})
    yield Set("heart record", folder / "ecg" / "100.hea", "tag", "f1", BOTH | FAMILIES, held)
    yield Set("heart, made up", made / "heart.hea", "tag", "f1", BOTH | FAMILIES, one)
    words = folder / "tags" / "wnut17train.conll"
    valid = {"valid": [str(words.with_name("emerging.dev.conll"))], "max_steps": 400}
    yield Set("WNUT 17", words, "tag", "span_f1", BOTH | FAMILIES, one | valid)
    yield Set("pendulum, made up", made / "pendulum.npz", "regress", "mse", BOTH | FAMILIES | POOLED, few)
    joined = made / "joined"
    if sounds.is_dir() and not joined.exists():
        joined_digits(sounds, joined)
    texts = {"labels": str(joined / "names.csv"), "max_steps": 300}
    yield Set("joined digits", joined / "train", "transcribe", "cer", BOTH | FAMILIES, texts)


def main() -> None:
    options = options_of(__doc__, data="folder with data sets", table="benchmarks/defaults/results/")
    options.add_argument("--seeds", type=int, default=2, help="each with another split, where the split is drawn")
    chosen = options.parse_args()
    known = read_kept(KEPT, chosen)
    with tempfile.TemporaryDirectory(prefix="unrolled-benchmark-") as scratch:
        subprocess.run([sys.executable, EXAMPLES, scratch], check=True, capture_output=True)
        for one in data_sets(chosen.data or Path(scratch) / "none", Path(scratch)):
            if not one.file.exists() or not is_wanted(one.name, chosen):
                continue
            for name in wanted_of(one.candidates, chosen):
                candidate = one.candidates[name] | ({"max_steps": 3} if chosen.quick else {})
                scores = [score(one, candidate, seed) for seed in range(1 if chosen.quick else chosen.seeds)]
                values = [value for value, _ in scores]
                line = [
                    *(one.name, one.task, name, one.metric.replace("_", " "), f"{statistics.mean(values):.4g}"),
                    *(" ".join(f"{value:.4g}" for value in values), f"{max(seconds for _, seconds in scores):.0f} s"),
                ]
                keep(KEPT, known, chosen, name=one.name, candidate=name, line=line)
    header = ["data", "task", "candidate", "metric", "mean", "seeds", "training"]
    body = [
        table(header, [line for lines in known.values() for line in lines.values()]),
        "Validation parts, which also chose the step. Training: of the slowest seed, on a machine with other work.",
    ]
    publish("causal", "Families that read forward", body, write=chosen.write, quick=chosen.quick, folder=RESULTS)


if __name__ == "__main__":
    main()
