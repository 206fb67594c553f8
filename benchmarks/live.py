"""Trained models that run live, on data that took no part in training: how good, how late, how fast.

Each row trains a model that can run one step at a time (`unrolled train FILE --model.causal true`), opens it as
`unrolled stream RUN` does, feeds it the held-out data as it would come (samples of a signal in ragged chunks, words,
rows of a table) and judges what it told, and when. That the stream says what `unrolled predict` says of the whole is
checked on the way. The speed is that of the network's step, one after another with its state, beside plain PyTorch: for
GRU and LSTM `torch.nn` cells and linear maps with the same weights, for convolutions the whole network over as many
steps as it looks back. Both take turns and are checked to give the same outputs.
"""

import argparse
import statistics
import tempfile
import time
import wave
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from harness.digits import joined_digits
from harness.result import publish, table
from harness.waves import write_waves
from torch import nn

from unrolled.data.config import DataConfig
from unrolled.data.readers.read_like_training import reopen
from unrolled.data.records import Notes, Record
from unrolled.models.config import ModelConfig
from unrolled.models.records import RecordInputs
from unrolled.scoring.events import match_events
from unrolled.scoring.text import edit_distances
from unrolled.tasks.labels.load import load_records
from unrolled.tasks.labels.predict import predict
from unrolled.tasks.load import load, open_stream
from unrolled.tasks.train_files import train_files
from unrolled.training.config import TrainConfig

SPEED_STEPS = 400


class Live(NamedTuple):
    """What a row of the table says."""

    name: str
    quality: str
    delay: str
    ours: float
    """steps of the network a second"""
    plain: float | None
    """of the same network in plain PyTorch; None where that is not measured here"""


def train(files: list[Path], run: Path, task: str | None, limits: dict[str, Any], **settings: Any) -> Path:
    """What `unrolled train` does; `settings` are those of data and model."""
    model = {name: settings.pop(name) for name in list(settings) if name in ModelConfig.__dataclass_fields__}
    train_files(
        [str(file) for file in files],
        task=task,
        run=str(run),
        data=DataConfig(**settings),
        model=ModelConfig(**model),
        train_config=TrainConfig(**limits),
        silent=True,
    )
    return run


def chunks(count: int, random: np.random.Generator, most: int = 400) -> Iterator[slice]:
    """Pieces of unlike sizes, as sound cards and sockets give them."""
    start = 0
    while start < count:
        stop = min(count, start + int(random.integers(1, most)))
        yield slice(start, stop)
        start = stop


def heart(data: Path, scratch: Path, seed: int, limits: dict[str, Any]) -> Live:
    """Record 100 of MIT-BIH: beats over the last 20 %, sample by sample, at +-75 ms (Physionet's own is 150 ms)."""
    record = data / "ecg" / "100.hea"
    settings = {"causal": True, "test_fraction": 0.2}
    run = train([record], scratch / f"heart-{seed}", None, limits | {"seed": seed}, **settings)
    loaded = load_records(run)
    (whole,) = reopen([str(record)], loaded.recipe, Notes(), labelled=True)
    field, rate = loaded.recipe.inputs[0], whole.rate or 360.0
    signal, target = whole.values[field.name], loaded.model.encoding.target
    start = len(signal) - len(signal) // 5
    truth = np.array(whole.values[target.field].positions)
    truth = truth[truth >= start] - start
    stream, told = open_stream(run), []
    for now in range(start, len(signal)):
        told += [(now - start, reply) for reply in stream.answers({field.name: signal[now : now + 1].tolist()})]
    told += [(len(signal) - start, reply) for reply in stream.end()]
    events = [(when, reply) for when, reply in told if "label" in reply]
    places = np.array([event["step"] for _, event in events])
    ((_, answer),) = predict(loaded.model, [Record({field.name: signal[start:]}, "", rate)])  # type: ignore[arg-type]
    wanted = [row["step"] for row in target.rows(Record({}, "", rate), answer, None)]
    if wanted != places.tolist():
        raise SystemExit(f"the stream told {len(places)} events and predict {len(wanted)}, and they are not the same")
    late = statistics.median([(when - event["step"]) / rate for when, event in events])
    hits = len(match_events(truth, places, 0.075 * rate).truth)
    quality = f"sensitivity {hits / len(truth):.4f}, precision {hits / max(1, len(places)):.4f} at 75 ms"
    return Live("heart record 100, beats", quality, f"{late:.2f} s", *speeds(run))


def digits(data: Path, scratch: Path, seed: int, limits: dict[str, Any]) -> Live:
    """Spoken digits from raw samples at 8 kHz in ragged chunks: what is right by time, and at the end."""
    folder = data / "audio" / "fsdd"
    settings = {"causal": True, "test": [str(folder / "*_[0-4].wav")]}
    run = train([folder], scratch / f"digits-{seed}", None, limits | {"seed": seed}, **settings)
    random = np.random.default_rng(seed)
    right: dict[float, list[bool]] = {}
    ends: list[bool] = []
    stream = open_stream(run)
    files = sorted(folder.glob("*_[0-4].wav"))
    for path in files:
        samples = samples_of(path)
        told: list[tuple[float, str]] = []
        for piece in chunks(len(samples), random):
            answers = stream.answers({"audio": samples[piece].tolist()})
            told += [(piece.stop / 8000, reply["prediction"]) for reply in answers]
        told += [(len(samples) / 8000, reply["prediction"]) for reply in stream.end()]
        digit = path.name[0]
        ends.append(told[-1][1] == digit)
        for share in (0.25, 0.5, 0.75):
            before = [label for when, label in told if when <= share * len(samples) / 8000]
            right.setdefault(share, []).append(bool(before) and before[-1] == digit)
    predictions, _ = load(run).predict([str(path) for path in files], Notes(), silence())
    truth = [path.name[0] for path in files]
    whole = [row["prediction"] == digit for row, digit in zip(predictions.rows, truth, strict=True)]
    if whole != ends:
        raise SystemExit("the stream ended with other answers than predict gives of the whole recordings")
    by_time = ", ".join(f"{statistics.mean(hits):.3f} after {share:.0%}" for share, hits in right.items())
    delay = "0.025 s (one window)"
    return Live("spoken digits", f"accuracy {statistics.mean(ends):.4f} at the end; {by_time}", delay, *speeds(run))


def words(data: Path, scratch: Path, seed: int, limits: dict[str, Any]) -> Live:
    """WNUT 17, word by word."""
    folder = data / "tags"
    test = folder / "emerging.test.annotated"
    settings = {"causal": True, "valid": [str(folder / "emerging.dev.conll")], "test": [str(test)]}
    run = train([folder / "wnut17train.conll"], scratch / f"words-{seed}", None, limits | {"seed": seed}, **settings)
    loaded, stream, name = load_records(run), open_stream(run), "tokens"
    same = total = revised = 0
    for record, answer in predict(loaded.model, reopen([str(test)], loaded.recipe, Notes(), labelled=False)):
        (row,) = loaded.model.encoding.target.rows(record, answer, name)
        tags: dict[int, str] = {}
        told = [reply for token in record.values[name] for reply in stream.answers({name: [token]})]
        for reply in told + list(stream.end()):
            tags |= {reply["step"]: reply["tag"]} if "tag" in reply else {}
            for change in reply.get("revised", []):
                tags[change["step"]] = change["tag"]
                revised += 1
        same += [tags[step] for step in sorted(tags)] == row["tag"]
        total += 1
    if same != total:
        raise SystemExit(f"{total - same} of {total} sentences were tagged otherwise live than by predict")
    trained = load(run)
    metrics = trained.score(trained.read([str(test)], Notes(), silence()), Notes(), silence()).scores["metrics"]
    return Live(
        "WNUT 17, words", f"span F1 {metrics['span_f1']['value']:.3f}; {revised} tags revised", "0 words", *speeds(run)
    )


def forecast(data: Path, scratch: Path, seed: int, limits: dict[str, Any]) -> Live:
    """ETTh1, row by row over the test months, equal to predict."""
    file = data / "forecast" / "ETTh1.csv"
    settings = {"context": 96, "horizon": 24, "parts": "8640,2880,2880"}
    run = train([file], scratch / f"forecast-{seed}", None, limits | {"seed": seed}, **settings)
    lines = file.read_text().splitlines()
    header, rows = lines[0].split(","), [line.split(",") for line in lines[1 : 1 + 8640 + 2880 + 400]]
    stream = open_stream(run)
    for row in rows[:-200]:
        list(stream.answers(message(header, row)))
    started, worst = time.perf_counter(), 0.0
    answers = [next(iter(stream.answers(message(header, row)))) for row in rows[-200:]]
    seconds = (time.perf_counter() - started) / 200
    for cut in (100, 150, 200):
        part = scratch / f"until-{cut}.csv"
        part.write_text("\n".join(lines[: 1 + len(rows) - 200 + cut]) + "\n")
        predictions, _ = load(run).predict([str(part)], Notes(), silence())
        whole: dict[str, list[float]] = {}
        for prediction in predictions.rows:
            whole.setdefault(prediction["channel"], []).append(prediction["prediction"])
        for channel, values in whole.items():
            told = answers[cut - 1]["forecast"][channel]["prediction"]
            worst = max(worst, float(np.abs(np.array(told) - np.array(values)).max()))
    if worst > 1e-3:
        raise SystemExit(f"the live forecast is {worst} away from predict")
    return Live("ETTh1, forecast of 24 hours", f"at most {worst:.1e} from predict", "0 steps", 1 / seconds, None)


def message(header: list[str], row: list[str]) -> dict[str, Any]:
    values = dict(zip(header, row, strict=True))
    return {"time": values.pop("date")} | {name: float(value) for name, value in values.items()}


def joined(data: Path, scratch: Path, seed: int, limits: dict[str, Any]) -> Live:
    """Clips of several digits, transcribed while they come."""
    folder = scratch / "joined"
    if not folder.exists():
        joined_digits(data / "audio" / "fsdd", folder)
    settings = {"labels": str(folder / "names.csv"), "test": [str(folder / "test")], "causal": True}
    run = train([folder / "train"], scratch / f"joined-{seed}", "transcribe", limits | {"seed": seed}, **settings)
    truth = dict(line.split(",", 1) for line in (folder / "names.csv").read_text().splitlines()[1:])
    stream, random = open_stream(run), np.random.default_rng(seed)
    texts, lates = [], []
    paths = sorted((folder / "test").glob("*.wav"))
    for path in paths:
        samples = samples_of(path)
        text = ""
        for piece in chunks(len(samples), random):
            for reply in stream.answers({"audio": samples[piece].tolist()}):
                if reply.get("text", text) != text and "seconds" in reply:
                    lates.append(piece.stop / 8000 - reply["seconds"])
                text = reply.get("text", text)
        text = [reply["text"] for reply in stream.end() if "text" in reply][-1]
        texts.append(text)
    predictions, _ = load(run).predict([str(path) for path in paths], Notes(), silence())
    if [row["text"] for row in predictions.rows] != texts:
        raise SystemExit("the stream wrote other texts than predict")
    wanted = [truth[f"test/{path.name}"] for path in paths]
    cer = edit_distances(wanted, texts).sum() / sum(map(len, wanted))
    delay = f"{statistics.median(lates):.2f} s" if lates else "one window"
    return Live("joined digits, transcribed", f"CER {cer:.4f}", delay, *speeds(run))


def samples_of(path: Path) -> np.ndarray:
    """Of a recording with 16 bits, from -1 to 1."""
    with wave.open(str(path)) as file:
        return np.frombuffer(file.readframes(file.getnframes()), dtype=np.int16) / 32768


def silence() -> Any:
    """Progress that nobody sees."""
    from unrolled.training.progress import Progress

    return Progress(silent=True)


def speeds(run: Path, turns: int = 5) -> tuple[float, float]:
    """Steps a second of the network with its state, and of the same one in plain PyTorch."""
    network = load_records(run).model.network.eval()
    random = torch.Generator().manual_seed(0)
    channels, tables = network.inputs.channels, network.inputs.tables
    numbers = torch.randn(SPEED_STEPS, channels, generator=random) if channels else None
    tokens = torch.zeros(SPEED_STEPS, len(tables), dtype=torch.long) if tables else None
    plain = cell_steps(network) or window_steps(network)

    def ours() -> torch.Tensor:
        state, outputs = network.initial_state(1), []
        for step in range(SPEED_STEPS):
            row = RecordInputs(*(None if part is None else part[step : step + 1] for part in (numbers, tokens)))
            y, state = network.step(row, state)
            outputs.append(y[0])
        return torch.stack(outputs)

    with torch.inference_mode():
        pairs = [(timed(ours), timed(lambda: plain(numbers, tokens))) for _ in range(turns)]
    (_, output), (_, other) = pairs[0]
    torch.testing.assert_close(output, other, rtol=1e-3, atol=1e-4)
    seconds = [statistics.median(pair[side][0] for pair in pairs) for side in (0, 1)]
    return SPEED_STEPS / seconds[0], SPEED_STEPS / seconds[1]


def timed(work: Callable[[], torch.Tensor]) -> tuple[float, torch.Tensor]:
    started = time.perf_counter()
    result = work()
    return time.perf_counter() - started, result


Steps = Callable[[torch.Tensor | None, torch.Tensor | None], torch.Tensor]


def window_steps(network: Any) -> Steps:
    """Each step by the whole network over what it looks back on, as one does without a carried state."""
    back = network.receptive_field

    def steps(numbers: torch.Tensor | None, tokens: torch.Tensor | None) -> torch.Tensor:
        outputs = []
        for step in range(SPEED_STEPS):
            first = 0 if back is None else max(0, step + 1 - back)
            window = RecordInputs(
                *(None if part is None else part[None, first : step + 1] for part in (numbers, tokens))
            )
            outputs.append(network(window)[0][0, -1])
        return torch.stack(outputs)

    return steps


def cell_steps(network: Any) -> Steps | None:
    """A recurrent network of one member, as cells and linear maps; None for others."""
    kind = {"gru": nn.GRUCell, "lstm": nn.LSTMCell}.get(network.config.family)
    if kind is None or len(network.members) > 1 or network.latency:
        return None
    (member,) = network.members
    layers = [layer for layer in member.backbone.modules() if hasattr(layer, "weight_ih_l0")]
    if len(layers) != network.config.layers or (member.pool is not None and member.pool.kind != "mean"):
        return None
    cells = []
    for layer in layers:
        cell = kind(layer.weight_ih_l0.shape[1], layer.weight_hh_l0.shape[1])
        names = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
        cell.load_state_dict({name: getattr(layer, f"{name}_l0") for name in names})
        cells.append(cell.eval())

    def steps(numbers: torch.Tensor | None, tokens: torch.Tensor | None) -> torch.Tensor:
        states: list[Any] = [None] * len(cells)
        outputs, total = [], torch.zeros(())
        for step in range(SPEED_STEPS):
            parts = [] if numbers is None else [numbers[step : step + 1]]
            if tokens is not None:
                parts += [table(tokens[step : step + 1, column]) for column, table in enumerate(member.embeddings)]
            x = torch.cat(parts, dim=-1)
            for index, cell in enumerate(cells):
                states[index] = cell(x, states[index])
                x = states[index][0] if isinstance(states[index], tuple) else states[index]
            if member.pool is not None:
                total = total + x
                x = total / (step + 1)
            outputs.append(member.head(x))
        return torch.stack(outputs)

    return steps


def waves(data: Path, scratch: Path, seed: int, limits: dict[str, Any]) -> Live:
    """Made-up waves, for a quick look."""
    small = {"family": "gru", "bidirectional": False, "width": 8, "layers": 1, "members": 1, "pooling": "mean"}
    run = train([data / "Waves_TRAIN.ts"], scratch / "waves", None, {"max_steps": 3}, **small)
    loaded, stream = load_records(run), open_stream(run)
    (field,) = loaded.recipe.inputs
    source = reopen([str(data / "Waves_TEST.ts")], loaded.recipe, Notes(), labelled=False)
    for whole, (record, answer) in zip(source, predict(loaded.model, source), strict=True):
        (row,) = loaded.model.encoding.target.rows(record, answer, None)
        values = whole.values[field.name]
        for piece in chunks(len(values), np.random.default_rng(seed), most=9):
            list(stream.answers({field.channels[0]: values[piece, 0].tolist()}))
        if [*stream.end()][-1]["prediction"] != row["prediction"]:
            raise SystemExit("the stream and predict differ")
    return Live("made-up waves", "as predict", "0 steps", *speeds(run))


UPDATES = {"heart": 300, "digits": 300, "words": 1200, "forecast": 300, "joined": 1200}
"""Of each training, where nothing else is asked for: a few minutes for all."""
ROWS = {"heart": heart, "digits": digits, "words": words, "forecast": forecast, "joined": joined}


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--data", type=Path, help="folder with the data sets")
    options.add_argument("--only", nargs="+", choices=ROWS, default=list(ROWS))
    options.add_argument("--seed", type=int, default=0)
    options.add_argument("--steps", type=int, help="updates of each training")
    options.add_argument("--quick", action="store_true", help="a few seconds, to see that it runs; measures nothing")
    options.add_argument("--write", action="store_true", help="also write the table into benchmarks/results/")
    chosen = options.parse_args()
    lines = []
    with tempfile.TemporaryDirectory(prefix="unrolled-live-") as scratch:
        rows, data = {name: ROWS[name] for name in chosen.only}, chosen.data
        if chosen.quick or data is None:
            rows, data = {"waves": waves}, write_waves(Path(scratch) / "waves-data")
        for name, measured in rows.items():
            limits = {"max_steps": chosen.steps or UPDATES.get(name, 3)}
            row = measured(data, Path(scratch), chosen.seed, limits)
            ratio = "-" if row.plain is None else f"{row.ours / row.plain:.2f}"
            lines.append([row.name, row.quality, row.delay, f"{row.ours:,.0f}", ratio])
            print(" | ".join(lines[-1]), flush=True)
    header = ["data", "what was told live", "delay (median)", "steps a second", "plain PyTorch = 1"]
    publish("live", "Models that run live", [table(header, lines)], write=chosen.write, quick=chosen.quick)


if __name__ == "__main__":
    main()
