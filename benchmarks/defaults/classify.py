"""Settings of `unrolled train` for classify, compared by cross-validation inside the training part of each data set.

Test parts are left alone: they are for `benchmarks/quality.py`, which judges what was chosen here. The rules that came
of it are in `unrolled/tasks/labels/defaults.py`. A candidate is a set of flags beside the defaults; "defaults" is
what training without flags takes today. Scalers and vocabularies are fitted once on the whole training part, without
its labels. Every record is held out once per round, and the scores are those of all held-out records together.
`--data` is a folder with data sets as `ucr/NAME/NAME_TRAIN.ts`, `dna/splice.csv`, `audio/fsdd` and `listops/*.tsv`;
what is not there is left out. With `--write` scores are kept in results/classify.json as they come, so that the table
can be made piece by piece with `--only` and `--candidates`.
"""

import sys
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from harness.pieces import is_wanted, keep, options_of, read_kept, wanted_of
from harness.result import publish, table
from harness.waves import write_waves

from unrolled.data.config import DataConfig
from unrolled.data.feeds.examples import Examples
from unrolled.models.config import ModelConfig
from unrolled.tasks.labels.dataset import Dataset, prepare_records
from unrolled.tasks.train_files import train_files
from unrolled.training.config import TrainConfig

RESULTS = Path(__file__).parent / "results"
KEPT = RESULTS / "classify.json"

NUMBERS: dict[str, dict[str, Any]] = {
    "defaults": {},
    "no variation": {"augment": "none"},
    "variation: noise": {"augment": "noise"},
    "variation: signal": {"augment": "signal"},
    "one network": {"members": 1},
    "dropout 0.1": {"dropout": 0.1},
    "no smoothing": {"label_smoothing": 0.0},
    "convolution": {"family": "convolution"},
    "gru": {"family": "gru"},
}
TEXTS: dict[str, dict[str, Any]] = {
    "defaults": {},
    "one network": {"members": 1},
    "convolution, mean": {"family": "convolution", "pooling": "mean"},
    "convolution, position-attention": {"family": "convolution", "pooling": "position-attention"},
    "convolution, dropout 0.2": {"family": "convolution", "pooling": "position-attention", "dropout": 0.2},
    "lstm, mean": {"family": "lstm", "pooling": "mean"},
    "lstm, attention": {"family": "lstm", "pooling": "attention"},
}


class Score(NamedTuple):
    """Of the records of one fold."""

    records: int
    right: float
    loss: float
    """nats per record"""
    seconds: float


def data_sets(folder: Path) -> Iterator[tuple[str, list[Path], DataConfig]]:
    """Name, files and settings of what is there, with its test part set aside."""
    for file in sorted(folder.glob("ucr/*/*_TRAIN.ts")) + sorted(folder.glob("*_TRAIN.ts")):
        yield file.stem.removesuffix("_TRAIN"), [file], DataConfig(valid_fraction=0.0)
    for pattern in ("dna/splice.csv", "listops/*.tsv"):
        for file in sorted(folder.glob(pattern)):
            yield file.stem, [file], DataConfig(valid_fraction=0.0, test_fraction=0.2)
    sounds = folder / "audio" / "fsdd"
    if sounds.is_dir():
        yield "fsdd", [sounds], DataConfig(valid_fraction=0.0, test=[str(sounds / "*_[0-4].wav")])


def folds(labels: np.ndarray, count: int, seed: int) -> np.ndarray:
    """The fold of each record, int64 `[records]`, with like shares of every label."""
    random = np.random.default_rng(seed)
    fold_of = np.zeros(len(labels), dtype=np.int64)
    for label in np.unique(labels):
        members = random.permutation(np.flatnonzero(labels == label))
        fold_of[members] = (np.arange(len(members)) + random.integers(count)) % count
    return fold_of


def part(examples: Examples, chosen: np.ndarray) -> Examples:
    """Some of the records."""
    some = Examples()
    for number in np.flatnonzero(chosen):
        some.append(examples[int(number)], examples.origins[int(number)])
    return some


def judged(
    dataset: Dataset, candidate: dict[str, Any], limits: dict[str, Any], *, count: int, seed: int
) -> list[Score]:
    """A candidate's scores, fold by fold."""
    data = {name: value for name, value in candidate.items() if name in DataConfig.__dataclass_fields__}
    model = {name: value for name, value in candidate.items() if name in ModelConfig.__dataclass_fields__}
    train = {name: value for name, value in candidate.items() if name in TrainConfig.__dataclass_fields__}
    labels = np.array([int(dataset.train[number].target) for number in range(len(dataset.train))])  # type: ignore[arg-type]
    places = folds(labels, count, seed)
    scores = []
    for fold in range(count):
        held, kept = part(dataset.train, places == fold), part(dataset.train, places != fold)
        with tempfile.TemporaryDirectory(prefix="unrolled-defaults-") as folder:
            result = train_files(
                [],
                task="classify",
                run=f"{folder}/run",
                data=DataConfig(**data),
                model=ModelConfig(**model),
                train_config=TrainConfig(seed=seed, **train, **limits),
                silent=True,
                opened=replace(dataset, train=kept, valid=None, test=held),
            )
        test = result["test"]
        right = test["metrics"]["accuracy"]["value"]
        scores.append(Score(test["count"], right, test["loss"], result["seconds"]))
    return scores


def line(name: str, candidate: str, way: str, scores: list[Score]) -> list[str]:
    """One line of the table."""
    total = sum(score.records for score in scores)
    right = sum(score.right * score.records for score in scores) / total
    loss = sum(score.loss * score.records for score in scores) / total
    slowest = max(score.seconds for score in scores)
    return [name, candidate, f"{right:.4f}", f"{loss:.4f}", f"{total:,}", way, f"{slowest:.0f} s"]


def main() -> None:
    options = options_of(
        __doc__, data="folder with data sets (default: made-up waves)", table="benchmarks/defaults/results/"
    )
    options.add_argument("--folds", type=int, default=3)
    options.add_argument("--rounds", type=int, default=1, help="each with another seed and other folds")
    chosen = options.parse_args()
    limits = {"max_steps": 3} if chosen.quick else {}
    count, rounds = (2, 1) if chosen.quick else (chosen.folds, chosen.rounds)
    known = read_kept(KEPT, chosen)
    with tempfile.TemporaryDirectory(prefix="unrolled-benchmark-") as scratch:
        folder = chosen.data or write_waves(Path(scratch) / "waves")
        for name, files, data in data_sets(folder):
            if not is_wanted(name, chosen):
                continue
            dataset = prepare_records([str(file) for file in files], data, task="classify")
            candidates = NUMBERS if dataset.encoding.channels else TEXTS
            for candidate in wanted_of(candidates, chosen):
                scores = [
                    score
                    for seed in range(rounds)
                    for score in judged(dataset, candidates[candidate], limits, count=count, seed=seed)
                ]
                made = line(name, candidate, f"{rounds} x {count}", scores)
                keep(KEPT, known, chosen, name=name, candidate=candidate, line=made)
    if not known:
        raise SystemExit(f"no data set found in {chosen.data}; see the first lines of this script")
    header = ["data", "candidate", "accuracy", "log loss, nats", "held-out records", "rounds x folds", "training"]
    body = [
        table(header, [row for rows in known.values() for row in rows.values()]),
        "Cross-validation inside training parts. Training: of the slowest fold; the machine did other work beside it.",
    ]
    publish("classify", "Defaults of classify", body, write=chosen.write, quick=chosen.quick, folder=RESULTS)


if __name__ == "__main__":
    main()
