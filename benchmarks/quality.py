"""What `unrolled train FILE` reaches with no flags, on data sets with published results.

Only the data is named, and what the files cannot tell: the task, the test part, the look-back of a published protocol.
Every row is trained with the seeds 0, 1, ... and judged on a test part that took no part in training or in choosing
the model. `--data` is a folder with the sub-folders that the rows name; rows whose data is not there are left out.
Rows are kept in results/quality.json as they finish, so that the table can be made piece by piece with `--only`.
"""

import argparse
import csv
import json
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from harness.digits import joined_digits
from harness.result import RESULTS, publish, table
from harness.waves import write_waves

from unrolled.data.config import DataConfig
from unrolled.models.config import ModelConfig
from unrolled.scoring.names import metric_in_words
from unrolled.tasks.train_files import train_files
from unrolled.training.config import TrainConfig

KEPT = RESULTS / "quality.json"


class Row(NamedTuple):
    """One line of the table."""

    name: str
    data: str
    """what must be in the data folder"""
    bar: dict[str, float]
    """metrics and what they should reach"""
    run: Callable[[Path, Path, int], dict[str, Any]]
    """from data folder, scratch folder and seed to the result of a training, scores in `test`"""


def train(files: list[Path], scratch: Path, seed: int, task: str | None = None, **settings: Any) -> dict[str, Any]:
    """What `unrolled train` does; `settings` are those of the data, and of the model under their own names."""
    model = {name: settings.pop(name) for name in list(settings) if name in ModelConfig.__dataclass_fields__}
    limits = {name: settings.pop(name) for name in list(settings) if name in TrainConfig.__dataclass_fields__}
    run = tempfile.mkdtemp(dir=scratch)
    return train_files(
        [str(file) for file in files],
        task=task,
        run=f"{run}/run",
        data=DataConfig(**settings),
        model=ModelConfig(**model),
        train_config=TrainConfig(seed=seed, **limits),
        silent=True,
    )


def ucr(name: str, bar: float) -> Row:
    def run(data: Path, scratch: Path, seed: int) -> dict[str, Any]:
        return train([data / "ucr" / name / f"{name}_TRAIN.ts"], scratch, seed)

    return Row(name, f"ucr/{name}", {"accuracy": bar}, run)


def splice(data: Path, scratch: Path, seed: int) -> dict[str, Any]:
    """Five folds; the mean accuracy over them."""
    with open(data / "dna" / "splice.csv", newline="") as file:
        header, *rows = list(csv.reader(file))
    order = np.random.default_rng(seed).permutation(len(rows))
    results = []
    for fold in range(5):
        parts = {"test": set(order[fold::5].tolist())}
        parts["train"] = set(range(len(rows))) - parts["test"]
        files = {name: scratch / f"splice-{seed}-{fold}-{name}.csv" for name in parts}
        for name, members in parts.items():
            with open(files[name], "w", newline="") as file:
                csv.writer(file).writerows([header, *(rows[number] for number in sorted(members))])
        results.append(train([files["train"]], scratch, seed, test=[str(files["test"])]))
    mean = statistics.mean(result["test"]["metrics"]["accuracy"]["value"] for result in results)
    results[0]["test"]["metrics"]["accuracy"]["value"] = mean
    results[0]["seconds"] = max(result["seconds"] for result in results)
    return results[0]


def digits(data: Path, scratch: Path, seed: int) -> dict[str, Any]:
    folder = data / "audio" / "fsdd"
    return train([folder], scratch, seed, test=[str(folder / "*_[0-4].wav")])


def spoken_names(data: Path, scratch: Path, seed: int) -> dict[str, Any]:
    folder = scratch / "joined"
    if not folder.exists():
        joined_digits(data / "audio" / "fsdd", folder)
    return train(
        [folder / "train"],
        scratch,
        seed,
        task="transcribe",
        labels=str(folder / "names.csv"),
        test=[str(folder / "test")],
    )


def ett(data: Path, scratch: Path, seed: int) -> dict[str, Any]:
    file = data / "forecast" / "ETTh1.csv"
    return train([file], scratch, seed, context=96, horizon=96, parts="8640,2880,2880")


def weather(data: Path, scratch: Path, seed: int) -> dict[str, Any]:
    return train([data / "forecast" / "seattle-weather.csv"], scratch, seed, task="forecast", test_fraction=0.2)


def weather_kind(data: Path, scratch: Path, seed: int) -> dict[str, Any]:
    return train([data / "forecast" / "seattle-weather.csv"], scratch, seed, target="weather", test_fraction=0.2)


def walking(data: Path, scratch: Path, seed: int) -> dict[str, Any]:
    return train([data / "tags" / "daphnet-S06R02E0.csv"], scratch, seed, task="forecast", test_fraction=0.2)


def beats(data: Path, scratch: Path, seed: int) -> dict[str, Any]:
    return train([data / "ecg" / "100.hea"], scratch, seed, test_fraction=0.2)


def entities(data: Path, scratch: Path, seed: int) -> dict[str, Any]:
    folder = data / "tags"
    return train(
        [folder / "wnut17train.conll"],
        scratch,
        seed,
        valid=[str(folder / "emerging.dev.conll")],
        test=[str(folder / "emerging.test.annotated")],
    )


def listops(data: Path, scratch: Path, seed: int) -> dict[str, Any]:
    return train([data / "listops" / "test_d8.tsv"], scratch, seed, test_fraction=0.1)


def translated(attention: str) -> Callable[[Path, Path, int], dict[str, Any]]:
    def run(data: Path, scratch: Path, seed: int) -> dict[str, Any]:
        file = data / "translation" / "tatoeba-eng-deu.tsv"
        return train([file], scratch, seed, attention=attention, test_fraction=0.04)

    return run


ROWS = [
    ucr("ItalyPowerDemand", 0.965),
    ucr("GunPoint", 0.99),
    ucr("ArrowHead", 0.84),
    ucr("BasicMotions", 0.975),
    ucr("JapaneseVowels", 0.98),
    Row("splice, 5 folds", "dna/splice.csv", {"accuracy": 0.955}, splice),
    Row("spoken digits", "audio/fsdd", {"accuracy": 0.98}, digits),
    Row("ETTh1, 96 to 96", "forecast/ETTh1.csv", {"mse": 0.386, "mae": 0.400}, ett),
    Row("English to German", "translation/tatoeba-eng-deu.tsv", {"bleu": 0.0}, translated("auto")),
    Row("the same without attention", "translation/tatoeba-eng-deu.tsv", {"bleu": 0.0}, translated("none")),
    Row("joined digits, transcribed", "audio/fsdd", {"cer": 0.05}, spoken_names),
    Row("ECG 100, beats", "ecg/100.hea", {"sensitivity": 0.99, "precision": 0.99}, beats),
    Row("WNUT 17, entities", "tags/wnut17train.conll", {"span_f1": 0.0}, entities),
    Row("ListOps", "listops/test_d8.tsv", {"accuracy": 0.0}, listops),
    Row("Daphnet, forecast", "tags/daphnet-S06R02E0.csv", {"mae": 0.0}, walking),
    Row("Seattle weather, forecast", "forecast/seattle-weather.csv", {"mae": 0.0}, weather),
    Row("Seattle weather, kind of day", "forecast/seattle-weather.csv", {"accuracy": 0.0}, weather_kind),
]
"""A bar of 0 stands for: clearly better than the naive baseline."""


def judged(row: Row, seeds: list[dict[str, Any]]) -> list[list[str]]:
    """The lines of the table for one row."""
    lines = []
    for number, (metric, bar) in enumerate(row.bar.items()):
        values = [seed["metrics"][metric] for seed in seeds]
        naive = seeds[0]["baseline"].get(metric)
        lines.append(
            [
                row.name if not number else "",
                metric_in_words(metric),
                f"{statistics.mean(values):.4g}",
                " ".join(f"{value:.4g}" for value in values),
                f"{bar:g}" if bar else "-",
                "-" if naive is None else f"{naive:.4g}",
                f"{max(seed['seconds'] for seed in seeds):.0f} s",
            ]
        )
    return lines


def kept(result: dict[str, Any]) -> dict[str, Any]:
    """What is kept of a training."""
    test = result["test"]
    baseline = {name: metric["value"] for name, metric in test["baseline"].items() if isinstance(metric, dict)}
    return {
        "metrics": {name: metric["value"] for name, metric in test["metrics"].items()},
        "notes": {name: metric["note"] for name, metric in test["metrics"].items() if metric.get("note")},
        "baseline": baseline,
        "seconds": result["seconds"],
        "parameters": result["parameters"],
    }


def quick_row(data: Path, scratch: Path, seed: int) -> dict[str, Any]:
    return train([data / "Waves_TRAIN.ts"], scratch, seed, width=8, layers=1, members=1, max_steps=5)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--data", type=Path, help="folder with the data sets")
    options.add_argument("--only", nargs="+", metavar="WORD", help="rows whose name contains one of these words")
    options.add_argument("--seeds", type=int, default=3)
    options.add_argument("--quick", action="store_true", help="a few seconds, to see that it runs; measures nothing")
    options.add_argument("--write", action="store_true", help="also write the table into benchmarks/results/")
    chosen = options.parse_args()
    rows = [row for row in ROWS if chosen.only is None or any(word.lower() in row.name.lower() for word in chosen.only)]
    known: dict[str, list[dict[str, Any]]] = {}
    with tempfile.TemporaryDirectory(prefix="unrolled-quality-") as name:
        scratch, data = Path(name), chosen.data
        if chosen.quick or data is None:
            data = write_waves(scratch / "waves")
            rows = [Row("made-up waves", "", {"accuracy": 0.0}, quick_row)]
        elif chosen.write and KEPT.is_file():
            known = json.loads(KEPT.read_text())
        for row in rows:
            if not (data / row.data).exists():
                print(f"{row.name}: {data / row.data} is not there, left out", flush=True)
                continue
            results = []
            for seed in range(1 if chosen.quick or chosen.data is None else chosen.seeds):
                started = time.perf_counter()
                results.append(kept(row.run(data, scratch, seed)))
                scores = ", ".join(f"{metric} {results[-1]['metrics'][metric]:.4g}" for metric in row.bar)
                print(f"{row.name}, seed {seed}: {scores}, {time.perf_counter() - started:.0f} s in all", flush=True)
            known[row.name] = results
            if chosen.write:
                KEPT.write_text(json.dumps(known, indent=1) + "\n")
    order = {row.name: row for row in (*ROWS, *rows)}
    lines = [line for name, row in order.items() if name in known for line in judged(row, known[name])]
    header = ["data", "metric", "mean", "seeds", "at least", "naive", "training"]
    notes = sorted({f"{n}: {text}" for results in known.values() for n, text in results[0]["notes"].items() if text})
    remark = "Mean over the seeds. Training: of the slowest seed, at most 10 minutes; some ran beside other work."
    body = [table(header, lines), remark, *([f"Signatures: {'; '.join(notes)}."] if notes else [])]
    publish("quality", "What training without flags reaches", body, write=chosen.write, quick=chosen.quick)


if __name__ == "__main__":
    main()
