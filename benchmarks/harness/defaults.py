"""Candidates for defaults, compared on validation parts: one table, made piece by piece."""

import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from harness.pieces import is_wanted, keep, options_of, read_kept, wanted_of
from harness.result import publish, table
from unrolled.data.config import DataConfig
from unrolled.models.config import ModelConfig
from unrolled.tasks.train_files import train_files
from unrolled.training.config import TrainConfig

RESULTS = Path(__file__).parents[1] / "defaults" / "results"
EXAMPLES = Path(__file__).parents[2] / "examples" / "make_data.py"
HEADER = ["data", "task", "candidate", "metric", "mean", "seeds", "training"]

Candidates = dict[str, dict[str, Any]]
"""By name, the settings beside the defaults."""


class DataSet(NamedTuple):
    name: str
    file: Path
    task: str
    metric: str
    candidates: Candidates
    settings: dict[str, Any]
    """besides the candidate's"""


def compare_on_validation(
    name: str, title: str, doc: str | None, data_sets: Callable[[Path, Path], Iterator[DataSet]], *, seeds: int
) -> None:
    """The script `name`: train every candidate on every data set, and make the table.

    `data_sets` gives those that could be there, from the folder of `--data` and from one with made-up data.
    """
    options = options_of(doc, data="folder with data sets", table="benchmarks/defaults/results/")
    options.add_argument("--seeds", type=int, default=seeds, help="each with another split, where the split is drawn")
    chosen = options.parse_args()
    kept = RESULTS / f"{name}.json"
    known = read_kept(kept, chosen)
    with tempfile.TemporaryDirectory(prefix="unrolled-benchmark-") as scratch:
        subprocess.run([sys.executable, EXAMPLES, scratch], check=True, capture_output=True)
        for data_set in data_sets(chosen.data or Path(scratch) / "none", Path(scratch)):
            if not data_set.file.exists() or not is_wanted(data_set.name, chosen):
                continue
            for candidate in wanted_of(data_set.candidates, chosen):
                given = data_set.candidates[candidate] | ({"max_steps": 3} if chosen.quick else {})
                trainings = [_score(data_set, given, seed) for seed in range(1 if chosen.quick else chosen.seeds)]
                scores = [score for score, _ in trainings]
                line = [
                    *(data_set.name, data_set.task, candidate, data_set.metric.replace("_", " ")),
                    f"{statistics.mean(scores):.4g}",
                    " ".join(f"{score:.4g}" for score in scores),
                    f"{max(seconds for _, seconds in trainings):.0f} s",
                ]
                keep(kept, known, chosen, name=data_set.name, candidate=candidate, line=line)
    body = [
        table(HEADER, [line for lines in known.values() for line in lines.values()]),
        "Validation parts, which also chose the step. Training: of the slowest seed, on a machine with other work.",
    ]
    publish(name, title, body, write=chosen.write, quick=chosen.quick, folder=RESULTS)


def _score(data_set: DataSet, candidate: dict[str, Any], seed: int) -> tuple[float, float]:
    """Of the validation part, and the seconds of the training."""
    given = data_set.settings | candidate
    kinds = (DataConfig, ModelConfig, TrainConfig)
    data, model, train = ({n: v for n, v in given.items() if n in kind.__dataclass_fields__} for kind in kinds)
    with tempfile.TemporaryDirectory(prefix="unrolled-defaults-") as folder:
        result = train_files(
            [str(data_set.file)],
            task=data_set.task,
            run=f"{folder}/run",
            data=DataConfig(**data),
            model=ModelConfig(**model),
            train_config=TrainConfig(**{"seed": seed} | train),
            silent=True,
        )
    metric = result["valid"]["metrics"].get(data_set.metric)
    return result["valid"]["loss"] if metric is None else metric["value"], result["seconds"]
