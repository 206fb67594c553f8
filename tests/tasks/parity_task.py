"""A task of one's own: the parity of all bits so far, from files with a row of bits in each line."""

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from safetensors.torch import load as tensors_of
from safetensors.torch import save as bytes_of
from torch import nn

from unrolled.errors import UserError
from unrolled.layers.gru import GRU
from unrolled.models.config import ModelConfig
from unrolled.models.files import read_model
from unrolled.tasks.predictions import Predictions
from unrolled.tasks.run_data import data_of_run
from unrolled.tasks.task import Assembly, Judgement, Part, Task
from unrolled.tasks.token_loss import TokenLoss
from unrolled.training.applicable import Situation
from unrolled.training.run_training import model_in_words, training_in_words


class Bits(NamedTuple):
    """A batch; as a feed it gives itself again and again."""

    bits: np.ndarray
    """int64 `[rows, time]`"""
    fresh: bool = True
    batches_per_epoch: int = 1

    @property
    def scored(self) -> int:
        return int(self.bits.size)

    def batch(self, index: int) -> "Bits":
        return self


def read(files: list[str]) -> np.ndarray:
    rows = [line.strip() for file in files for line in Path(file).read_text().splitlines()]
    if not rows or any(set(row) - {"0", "1"} or len(row) != len(rows[0]) for row in rows):
        raise UserError(f"{files[0]} must hold rows of bits, all as long as the first")
    return np.array([[int(bit) for bit in row] for row in rows])


class ParityNetwork(nn.Module):
    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        self.backbone, self.head = GRU(1, config.width or 16), nn.Linear(config.width or 16, 2)

    def forward(self, bits: torch.Tensor, state: Any = None) -> tuple[torch.Tensor, Any]:
        features, state = self.backbone(bits[..., None].float(), state)
        return self.head(features), state


class ParityObjective(nn.Module):
    def __init__(self, network: ParityNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, batch: Any, state: Any) -> tuple[torch.Tensor, Any]:
        logits, _ = self.network(batch[0])
        return nn.functional.cross_entropy(
            logits.flatten(0, 1), (batch[0].cumsum(1) % 2).flatten(), reduction="sum"
        ), ()


class PreparedParity:
    task = "parity"

    def __init__(self, bits: np.ndarray, given: Any) -> None:
        self.given, self.train, self.valid = given, bits[: -len(bits) // 4], bits[-len(bits) // 4 :]
        self.summary, self.notes = f"parity: {len(bits)} rows of bits", list[str]()
        self.fingerprint, self.split = bits.tobytes().hex()[:32], {"rows": len(bits)}

    def configure(self) -> Any:
        data, model, config = self.given
        return data, ModelConfig(family="gru", layers=1, width=model.width or 16), config

    def situation(self, chosen: Any) -> Situation:
        return Situation(self.task, "gru", frozenset(["numeric"]), data=chosen[0], model=chosen[1])

    def assemble(self, chosen: Any, device: Any, shard: Any) -> Assembly:
        network = ParityNetwork(chosen[1])
        line = training_in_words(chosen[2], "all rows at once")
        opening = [model_in_words(chosen[1], network.parameters()), line]
        validate = lambda: TokenLoss(loss_of(network, self.valid))  # noqa: E731
        return Assembly(network, ParityObjective(network), Bits(self.train), validate, {}, {}, opening, unit="bits")

    def held_out(self) -> list[Part]:
        return [Part("valid", "validation", self.valid)]

    def facts(self, position: Any) -> dict[str, Any]:
        return {}


def loss_of(network: ParityNetwork, bits: np.ndarray) -> float:
    with torch.no_grad():
        return float(ParityObjective(network)(Bits(torch.from_numpy(bits)), None)[0]) / bits.size  # type: ignore[arg-type]


class TrainedParity:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.network, _ = read_model(folder, lambda _, settings: ParityNetwork(settings))

    def own_parts(self, wanted: str, notes: Any, progress: Any) -> list[Part]:
        prepared = PreparedParity(read(data_of_run(self.folder).files), None)
        name = "valid" if wanted == "auto" else wanted
        return [Part(name, f"{name} part", getattr(prepared, name))]

    def read(self, files: list[str], notes: Any, progress: Any, labels: str | None = None) -> Part:
        return Part("file", ", ".join(files), read(files))

    def said(self, bits: np.ndarray) -> np.ndarray:
        with torch.no_grad():
            return self.network(torch.from_numpy(bits))[0].argmax(-1).numpy()

    def score(self, part: Part, notes: Any, progress: Any, **options: Any) -> Judgement:
        right = float((self.said(part.content) == part.content.cumsum(1) % 2).mean())
        metric = {"value": right, "low": None, "high": None, "note": ""}
        scores = {"main": "accuracy", "metrics": {"accuracy": metric}, "baseline": {"accuracy": {"value": 0.5}}}
        return Judgement(scores, {"accuracy": f"{right:.3f}"})

    def show(self, prepared: Any, judged: Any, seed: int) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
        return [], [("Bits", "<p>a picture of bits</p>")]

    def predict(self, files: list[str], notes: Any, progress: Any, **options: Any) -> tuple[Predictions, int]:
        bits = read(files)
        rows = (
            {"row": number, "parity": int(parities[-1])} for number, parities in enumerate(self.said(bits), start=1)
        )
        return Predictions({"row": "count", "parity": "count"}, rows), len(bits)


class ParityStream:
    example = '{"bit": 1}'

    def __init__(self, network: ParityNetwork) -> None:
        self.network, self.state = network, network.backbone.initial_state(1)

    def answers(self, message: Any) -> list[dict[str, Any]]:
        if message not in ({"bit": 0}, {"bit": 1}):
            raise UserError('expected {"bit": 0} or {"bit": 1}')
        with torch.no_grad():
            logits, self.state = self.network(torch.tensor([[message["bit"]]]), self.state)
        return [{"parity": int(logits.argmax())}]

    def end(self) -> list[dict[str, Any]]:
        return []

    def save(self) -> bytes:
        return bytes_of(dict(enumerate_names(self.state)))

    def load(self, data: bytes) -> None:
        self.state = type(self.state)(*tensors_of(data).values())


def enumerate_names(state: Any) -> list[tuple[str, torch.Tensor]]:
    return [(str(number), leaf.contiguous()) for number, leaf in enumerate(state)]


class Parity(Task):
    name, models, title, estimator = "parity", "models of parity", "A model of parity", ""

    def open(self, files: list[str], data: Any) -> np.ndarray:
        return read(files)

    def prepare(self, opened: np.ndarray, start: Any, progress: Any) -> PreparedParity:
        return PreparedParity(opened, (start.data, start.model, start.config))

    def load(self, folder: Path) -> TrainedParity:
        return TrainedParity(folder)

    def stream(self, folder: Path, **options: Any) -> ParityStream:
        return ParityStream(self.load(folder).network)
