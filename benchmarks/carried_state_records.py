"""What the carried state is worth on long records with an answer per step: carried from chunk to chunk, and dropped.

Equal for both: the data and its parts, the order of the chunks, the initial weights, the settings, the number of
updates, and the judgement, which reads the test part once with the state carried, as a live stream does. Only
`--data.carry` differs. Beside them stands the same network trained on as many random windows of the same length, each
from the initial state. Each seed trains all three, one right after the other. `--data` is a folder with `ecg/100.hea`
(MIT-BIH record 100: where the beats are) and `tags/daphnet-S06R02E0.csv` (accelerometers of one walk, in which gait
never freezes, so that its flags teach nothing: the vertical acceleration of the ankle, from the sensors of leg and
trunk). The last fifth of each is its test part.
"""

import math
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from harness.options import parser
from harness.result import publish, spread, table

from unrolled.data.config import DataConfig
from unrolled.models.config import ModelConfig
from unrolled.tasks.train_files import train_files
from unrolled.training.config import TrainConfig

WAYS: dict[str, dict[str, Any]] = {
    "carried": {"feed": "streams"},
    "dropped": {"feed": "streams", "carry": False},
    "windows": {"feed": "windows"},
}


class Record(NamedTuple):
    name: str
    file: str
    opened: Callable[[Path, Path], tuple[Path, dict[str, Any]]]
    """from the file and a scratch folder to the file to train on, and the settings of the data"""
    metric: str
    lookahead: int | None = None


def heart(file: Path, folder: Path) -> tuple[Path, dict[str, Any]]:
    return file, {"rate": 100.0, "test_fraction": 0.2}


def walk(file: Path, folder: Path) -> tuple[Path, dict[str, Any]]:
    header, *rows = file.read_text().splitlines()
    border = len(rows) * 4 // 5
    for name, part in (("train", rows[:border]), ("test", rows[border:])):
        (folder / f"{name}.csv").write_text("\n".join([header, *part]) + "\n")
    inputs = [name for name in header.split(",") if name.startswith(("leg", "trunk"))]
    return folder / "train.csv", {"test": [str(folder / "test.csv")], "inputs": inputs, "target": "ankle_vert"}


RECORDS = [
    Record("ECG 100, beats", "ecg/100.hea", heart, "f1", lookahead=10),
    Record("Daphnet, ankle", "tags/daphnet-S06R02E0.csv", walk, "r2"),
]


def main() -> None:
    options = parser(__doc__)
    options.add_argument("--family", choices=["lstm", "gru", "rnn"], default="gru")
    options.add_argument("--width", type=int, default=32)
    options.add_argument("--context", type=int, default=16, help="steps in one chunk")
    options.add_argument("--steps", type=int, default=400)
    options.add_argument("--seeds", type=int, default=3)
    chosen = options.parse_args()
    if chosen.data is None and not chosen.quick:
        raise SystemExit("give --data, the folder with ecg/100.hea and tags/daphnet-S06R02E0.csv")
    with tempfile.TemporaryDirectory(prefix="unrolled-benchmark-") as scratch:
        measure(chosen, Path(scratch) if chosen.data is None else chosen.data)


def made_up_walk(folder: Path) -> None:
    """A table as that of the accelerometers, for a quick look."""
    (folder / "tags").mkdir()
    rows = [f"{math.sin(step / 3):.4f},{math.cos(step / 5):.4f},{math.sin(step / 4):.4f}" for step in range(400)]
    (folder / "tags" / "daphnet-S06R02E0.csv").write_text("\n".join(["leg_x,trunk_x,ankle_vert", *rows]) + "\n")


def measure(chosen: Any, data: Path) -> None:
    if chosen.data is None:
        made_up_walk(data)
    seeds, steps = (1, 4) if chosen.quick else (chosen.seeds, chosen.steps)
    model = ModelConfig(family=chosen.family, layers=1, width=chosen.width, bidirectional=False, dropout=0.0)
    body: list[str] = []
    for record in RECORDS:
        if not (file := data / record.file).exists():
            print(f"{record.name} is left out: {file} is not there", flush=True)
            continue
        results = [
            {way: trained(file, record, model, chosen.context, steps, seed, way) for way in WAYS}
            for seed in range(seeds)
        ]
        losses = {way: [result[way]["test"]["loss"] for result in results] for way in WAYS}
        scores = {way: [result[way]["test"]["metrics"][record.metric]["value"] for result in results] for way in WAYS}
        gains = [dropped - carried for carried, dropped in zip(losses["carried"], losses["dropped"], strict=True)]
        rows = [[way, spread(losses[way]).say(".4f"), spread(scores[way]).say(".4f")] for way in WAYS]
        first = results[0]["carried"]
        waits = f", answers {record.lookahead} steps late" if record.lookahead else ""
        body += [
            f"**{record.name}**",
            table(["trained", "loss on the test part, per step", record.metric.replace("_", " ")], rows),
            f"{chosen.family}, 1 layer of width {chosen.width}, {first['parameters']:,} parameters, {steps:,} updates "
            f"on chunks of {chosen.context} steps{waits}; {first['test']['count']:,} steps or events in the test part; "
            f"{seeds} seeds, median and middle half. Carried has the lower loss than dropped with "
            f"{sum(gain > 0 for gain in gains)} of {seeds} seeds, by {spread(gains).say('+.4f')}.",
        ]
    body.append(
        "All are judged with the state carried through the whole test part, as a live stream carries it; to the "
        "networks trained without, a state older than a chunk is new."
    )
    if len(body) == 1:
        raise SystemExit(f"{data} holds none of the records")
    title = f"{chosen.family.upper()} on long records, trained with the state carried and dropped"
    publish(f"carried_state_records_{chosen.family}", title, body, write=chosen.write, quick=chosen.quick)


def trained(
    file: Path, record: Record, model: ModelConfig, context: int, steps: int, seed: int, way: str
) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="unrolled-benchmark-") as folder:
        opened, settings = record.opened(file, Path(folder))
        result = train_files(
            [str(opened)],
            task="tag",
            run=f"{folder}/run",
            data=DataConfig(context=context, **settings, **WAYS[way]),
            model=replace(model, lookahead=record.lookahead),
            train_config=TrainConfig(max_steps=steps, batch_size=32, seed=seed, precision="32", validate_every=steps),
            silent=True,
        )
    print(
        f"{record.name}, seed {seed}, {way}: loss {result['test']['loss']:.4f}, {result['seconds']:.1f} s", flush=True
    )
    return result


if __name__ == "__main__":
    main()
