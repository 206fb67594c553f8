"""Settings of `unrolled train` for the tasks beside classify, compared on validation parts.

The rules that came of it are in `unrolled/training/*_choices.py` and `translations.py`. Test parts are left alone. A
candidate is a set of flags beside the defaults; "defaults" is what training without flags takes today. Candidates that
cost unlike much are compared after the same number of updates or of passes, which the table names. `--data` is a folder
with data sets in the sub-folders that the rows name; what is not there is left out, and what `examples/make_data.py`
makes up is always there. With `--write` scores are kept in results/tasks.json as they come, so that the table can be
made piece by piece with `--only` and `--candidates`.
"""

import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

sys.path.insert(0, str(Path(__file__).parents[1]))

from harness.digits import joined_digits
from harness.pieces import is_wanted, keep, options_of, read_kept, wanted_of
from harness.result import publish, table

from unrolled.data.config import DataConfig
from unrolled.models.config import ModelConfig
from unrolled.tasks.train_files import train_files
from unrolled.training.config import TrainConfig

RESULTS = Path(__file__).parent / "results"
KEPT = RESULTS / "tasks.json"
EXAMPLES = Path(__file__).parents[2] / "examples" / "make_data.py"

Candidates = dict[str, dict[str, Any]]

TABLES: Candidates = {
    "defaults": {},
    "inception": {"family": "inception"},
    "inception, dropout 0.3": {"family": "inception", "dropout": 0.3},
    "convolution": {"family": "convolution"},
    "lstm": {"family": "lstm"},
}
SIGNALS: Candidates = {"defaults": {}, "gru": {"family": "gru"}, "convolution": {"family": "convolution"}}
WORDS: Candidates = {
    "defaults": {},
    "no spelling": {"spelling": False},
    "dropout 0.5": {"dropout": 0.5},
    "1,200 updates": {"max_steps": 1200},
}
VALUES: Candidates = {"defaults": {}, "gru": {"family": "gru"}, "one network": {"members": 1}}
SERIES: Candidates = {
    "defaults": {},
    "lstm": {"family": "lstm"},
    "transformer": {"family": "transformer"},
    "convolution": {"family": "convolution"},
    "channels mixed": {"channels": "mixed"},
    "dropout 0.2": {"dropout": 0.2},
}
PAIRS: Candidates = {
    "defaults": {},
    "gru": {"family": "gru"},
    "additive attention": {"attention": "additive"},
    "transformer": {"family": "transformer"},
    "rate 0.004": {"learning_rate": 0.004},
    "dropout 0.1": {"dropout": 0.1},
}
SPEECH: Candidates = {
    "defaults": {},
    "gru": {"family": "gru"},
    "inception": {"family": "inception"},
    "convolution": {"family": "convolution"},
}
TUNES: Candidates = {"defaults": {}, "gru": {"family": "gru"}, "transformer": {"family": "transformer"}}


class Set(NamedTuple):
    name: str
    file: Path
    task: str
    metric: str
    candidates: Candidates
    settings: dict[str, Any]
    """besides the candidate's"""


def data_sets(folder: Path, made: Path) -> Iterator[Set]:
    """What could be there."""
    weather, words = folder / "forecast" / "seattle-weather.csv", folder / "tags" / "wnut17train.conll"
    yield Set("pendulum, made up", made / "pendulum.npz", "regress", "mse", VALUES, {"valid_fraction": 0.2})
    yield Set("heart, made up", made / "heart.hea", "tag", "f1", SIGNALS, {})
    yield Set("tunes, made up", made / "tunes.csv", "describe", "loss", TUNES, {})
    yield Set("demand, made up", made / "demand.csv", "forecast", "mse", SERIES, {})
    yield Set("Seattle weather", weather, "tag", "accuracy", TABLES, {"target": "weather", "test_fraction": 0.2})
    yield Set("WNUT 17", words, "tag", "span_f1", WORDS, {"valid": [str(words.with_name("emerging.dev.conll"))]})
    ett = {"context": 96, "horizon": 96, "parts": "8640,2880,2880", "max_epochs": 2.0}
    yield Set("ETTh1, 2 epochs", folder / "forecast" / "ETTh1.csv", "forecast", "mse", SERIES, ett)
    pairs = folder / "translation" / "tatoeba-eng-deu.tsv"
    yield Set("English to German, 2 epochs", pairs, "translate", "bleu", PAIRS, {"max_epochs": 2.0})
    joined = made / "joined"
    if (folder / "audio" / "fsdd").is_dir() and not joined.exists():
        joined_digits(folder / "audio" / "fsdd", joined)
    labels = {"labels": str(joined / "names.csv"), "max_steps": 500}
    yield Set("joined digits, 500 updates", joined / "train", "transcribe", "cer", SPEECH, labels)


def score(one: Set, candidate: dict[str, Any], seed: int) -> tuple[float, float]:
    """Of the validation part, and the seconds of the training."""
    given = one.settings | candidate
    kinds = (DataConfig, ModelConfig, TrainConfig)
    data, model, train = ({n: v for n, v in given.items() if n in kind.__dataclass_fields__} for kind in kinds)
    with tempfile.TemporaryDirectory(prefix="unrolled-defaults-") as folder:
        result = train_files(
            [str(one.file)],
            task=one.task,
            run=f"{folder}/run",
            data=DataConfig(**data),
            model=ModelConfig(**model),
            train_config=TrainConfig(**{"seed": seed} | train),
            silent=True,
        )
    found = result["valid"]["metrics"].get(one.metric)
    return result["valid"]["loss"] if found is None else found["value"], result["seconds"]


def main() -> None:
    options = options_of(__doc__, data="folder with data sets", table="benchmarks/defaults/results/")
    options.add_argument("--seeds", type=int, default=3)
    chosen = options.parse_args()
    known = read_kept(KEPT, chosen)
    with tempfile.TemporaryDirectory(prefix="unrolled-benchmark-") as scratch:
        subprocess.run([sys.executable, EXAMPLES, scratch], check=True, capture_output=True)
        for one in data_sets(chosen.data or Path(scratch) / "none", Path(scratch)):
            if not one.file.exists() or not is_wanted(one.name, chosen):
                continue
            for name in wanted_of(one.candidates, chosen):
                candidate = one.candidates[name] | ({"max_steps": 3} if chosen.quick else {})
                found = [score(one, candidate, seed) for seed in range(1 if chosen.quick else chosen.seeds)]
                scores = [value for value, _ in found]
                line = [
                    *(one.name, one.task, name, one.metric.replace("_", " "), f"{statistics.mean(scores):.4g}"),
                    *(" ".join(f"{value:.4g}" for value in scores), f"{max(seconds for _, seconds in found):.0f} s"),
                ]
                keep(KEPT, known, chosen, name=one.name, candidate=name, line=line)
    header = ["data", "task", "candidate", "metric", "mean", "seeds", "training"]
    body = [
        table(header, [line for found in known.values() for line in found.values()]),
        "Validation parts, which also chose the step. Training: of the slowest seed, on a machine with other work.",
    ]
    publish("tasks", "Defaults of the other tasks", body, write=chosen.write, quick=chosen.quick, folder=RESULTS)


if __name__ == "__main__":
    main()
