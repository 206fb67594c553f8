"""Settings of `unrolled train` for tag, compared on validation parts.

The rules that came of it are in `unrolled/training/record_choices.py`. Test parts are left alone. A candidate is a set
of flags beside the defaults; "defaults" is what training without flags takes today. `--data` is a folder with data sets
as `forecast/seattle-weather.csv` (the kind of each day) and `tags/wnut17train.conll` with `tags/emerging.dev.conll`;
what is not there is left out. Made-up data of `examples/make_data.py` is always there. With `--write` scores are kept
in results/tag.json as they come, so that the table can be made piece by piece with `--only` and `--candidates`.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

sys.path.insert(0, str(Path(__file__).parents[1]))

from harness.result import publish, table

from unrolled.data.config import DataConfig
from unrolled.models.config import ModelConfig
from unrolled.training.config import TrainConfig
from unrolled.training.start import train_files

RESULTS = Path(__file__).parent / "results"
KEPT = RESULTS / "tag.json"
EXAMPLES = Path(__file__).parents[2] / "examples" / "make_data.py"

NUMBERS: dict[str, dict[str, Any]] = {
    "defaults": {},
    "inception": {"family": "inception"},
    "inception, dropout 0.3": {"family": "inception", "dropout": 0.3},
    "convolution": {"family": "convolution"},
    "lstm": {"family": "lstm"},
}
WORDS: dict[str, dict[str, Any]] = {
    "defaults": {},
    "no spelling": {"spelling": False},
    "dropout 0.5": {"dropout": 0.5},
    "1,200 updates": {"max_steps": 1200},
}


class Set(NamedTuple):
    name: str
    file: Path
    metric: str
    settings: dict[str, Any]
    candidates: dict[str, dict[str, Any]]


def data_sets(folder: Path | None, made: Path) -> Iterator[Set]:
    """What is there."""
    yield Set("heart, made up", made / "heart.hea", "f1", {}, NUMBERS)
    yield Set("entities, made up", made / "entities.conll", "span_f1", {}, WORDS)
    if folder is None:
        return
    weather, words = folder / "forecast" / "seattle-weather.csv", folder / "tags" / "wnut17train.conll"
    if weather.is_file():
        yield Set(
            "Seattle weather, kind of day", weather, "accuracy", {"target": "weather", "test_fraction": 0.2}, NUMBERS
        )
    if words.is_file():
        yield Set("WNUT 17", words, "span_f1", {"valid": [str(words.with_name("emerging.dev.conll"))]}, WORDS)


def score(one: Set, candidate: dict[str, Any], seed: int) -> tuple[float, float]:
    """Of the validation part, and the seconds of the training."""
    given = one.settings | candidate
    kinds = (DataConfig, ModelConfig, TrainConfig)
    data, model, train = ({n: v for n, v in given.items() if n in kind.__dataclass_fields__} for kind in kinds)
    with tempfile.TemporaryDirectory(prefix="unrolled-defaults-") as folder:
        result = train_files(
            [str(one.file)],
            task=given.get("task"),
            run=f"{folder}/run",
            data=DataConfig(**data),
            model=ModelConfig(**model),
            train_config=TrainConfig(**{"seed": seed} | train),
            silent=True,
        )
    return result["valid"]["metrics"][one.metric]["value"], result["seconds"]


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--data", type=Path, help="folder with data sets")
    options.add_argument("--only", nargs="+", metavar="WORD", help="data sets whose name contains one of these words")
    options.add_argument("--candidates", nargs="+", metavar="NAME", help="some of the candidates")
    options.add_argument("--seeds", type=int, default=3)
    options.add_argument("--quick", action="store_true", help="a few seconds, to see that it runs; measures nothing")
    options.add_argument("--write", action="store_true", help="also write the table into benchmarks/defaults/results/")
    chosen = options.parse_args()
    known: dict[str, dict[str, list[str]]] = {}
    if chosen.write and not chosen.quick and KEPT.is_file():
        known = json.loads(KEPT.read_text())
    with tempfile.TemporaryDirectory(prefix="unrolled-benchmark-") as scratch:
        subprocess.run([sys.executable, EXAMPLES, scratch], check=True, capture_output=True)
        for one in data_sets(None if chosen.quick else chosen.data, Path(scratch)):
            if chosen.only is not None and not any(word.lower() in one.name.lower() for word in chosen.only):
                continue
            wanted = [name for name in one.candidates if name in (chosen.candidates or one.candidates)]
            for name in wanted[:2] if chosen.quick else wanted:
                candidate = one.candidates[name] | ({"max_steps": 3} if chosen.quick else {})
                found = [score(one, candidate, seed) for seed in range(1 if chosen.quick else chosen.seeds)]
                scores = [value for value, _ in found]
                line = [
                    *(one.name, name, one.metric.replace("_", " "), f"{statistics.mean(scores):.4g}"),
                    *(" ".join(f"{value:.4g}" for value in scores), f"{max(seconds for _, seconds in found):.0f} s"),
                ]
                known.setdefault(one.name, {})[name] = line
                print(" | ".join(line), flush=True)
                if chosen.write and not chosen.quick:
                    KEPT.write_text(json.dumps(known, indent=1) + "\n")
    header = ["data", "candidate", "metric", "mean", "seeds", "training"]
    body = [
        table(header, [line for found in known.values() for line in found.values()]),
        "Validation parts, which also chose the step. Training: of the slowest seed, on a machine with other work.",
    ]
    publish("tag", "Defaults of tag", body, write=chosen.write, quick=chosen.quick, folder=RESULTS)


if __name__ == "__main__":
    main()
