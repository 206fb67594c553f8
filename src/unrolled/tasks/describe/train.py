"""Train a model that describes: from records to a run directory."""

import contextlib
import json
from pathlib import Path
from typing import Any, cast

from torch import Tensor, nn

from unrolled.atomic import write_atomically
from unrolled.data.config import DataConfig
from unrolled.errors import UserError
from unrolled.layers.state import State
from unrolled.models.config import ModelConfig
from unrolled.models.files import write_model
from unrolled.models.records import InputSizes
from unrolled.tasks.describe.conclude import conclude_description
from unrolled.tasks.describe.data import DescriptionData, prepare_descriptions
from unrolled.tasks.describe.defaults import choose_for_descriptions
from unrolled.tasks.describe.network import DescriptionNetwork
from unrolled.tasks.describe.scores import record_losses
from unrolled.tasks.describe.sequences import DescriptionBatch, DescriptionFeed, Descriptions
from unrolled.tasks.model_card import description_card
from unrolled.tasks.token_loss import TokenLoss
from unrolled.training.applicable import Situation
from unrolled.training.config import TrainConfig
from unrolled.training.loop import Position
from unrolled.training.precision import autocast, choose_precision
from unrolled.training.progress import Progress
from unrolled.training.run_training import Plan, begin, execute, limits_in_words, model_in_words, seed_beginning, settle


def train_description(
    files: list[str],
    *,
    run: str | None = None,
    data: DataConfig | None = None,
    model: ModelConfig | None = None,
    train_config: TrainConfig | None = None,
    silent: bool = False,
) -> dict[str, Any]:
    """Train on records and return what came of it; all of it is in the run directory. Raises `UserError`."""
    start = begin(files, run, "describe", data, model, train_config)
    accelerator = start.accelerator
    found = prepare_descriptions(files, start.data, seed=start.config.seed)
    encoding, training = found.encoding, found.parts["train"]
    data, model, config = choose_for_descriptions(
        start.data,
        start.model,
        start.config,
        records=len(training),
        tokens=int(training.lengths.sum()),
        longest=found.longest,
    )
    settings = settle(
        start,
        _situation(found, data, model),
        (start.data, start.model, start.config),
        (data, model, config),
        found.fingerprint,
    )
    feed = DescriptionFeed(
        training,
        batch_size=config.batch_size or 1,
        seed=config.seed,
        rank=accelerator.process_index,
        world=accelerator.num_processes,
    )
    seed_beginning(config.seed)
    known = InputSizes(encoding.known.channels, encoding.known.tables)
    try:
        network = DescriptionNetwork(known, len(encoding.written), model, context=found.longest)
    except ValueError as error:
        raise UserError(f"this model cannot be built: {error}") from error
    context = autocast(choose_precision(config.precision, accelerator.device), accelerator.device)
    valid = found.parts.get("valid")
    lasting = {
        "task": "describe",
        "known": {"channels": known.channels, "tables": list(known.tables)},
        "tokens": len(encoding.written),
        "context": found.longest,
        "longest": int(training.lengths.max()),
        "counts": training.counts().tolist(),
        "read": found.recipe.to_json(),
    }

    def save(folder: Path, position: Position, scores: Any, weights: dict[str, Tensor]) -> None:
        card = description_card(model, found.summary, scores, position.step)
        files = {"encoding.json": encoding.to_text(), "README.md": card}
        write_model(folder, network, facts=lasting | {"step": position.step}, files=files, weights=weights)

    def finish(folder: Path, position: Position, reason: str, progress: Progress) -> dict[str, Any]:
        write_atomically(folder / "split.json", json.dumps(found.split) + "\n")
        return conclude_description(folder, found, position, settings, reason, progress, device=accelerator.device)

    def judged(part: Descriptions) -> TokenLoss:
        with context:
            return TokenLoss(float(record_losses(network, part).sum() / part.lengths.sum()))

    plan = Plan(
        data=data,
        model=model,
        config=config,
        settings=settings,
        network=network,
        objective=DescriptionObjective(network, label_smoothing=config.label_smoothing or 0.0, autocast=context),
        feed=feed,
        validate=None if valid is None else lambda: judged(valid),
        save=save,
        conclude=finish,
        opening=[
            found.summary,
            *found.notes,
            model_in_words(model, network.parameters()),
            f"training: {config.optimizer}, rate {config.learning_rate:g}, batches of {feed.batch_size}, "
            f"until {limits_in_words(config)}",
        ],
        is_matrix=network.is_matrix,
    )
    return execute(plan, start, silent=silent)


class DescriptionObjective(nn.Module):
    """The summed loss of a batch in nats; there is no state between batches."""

    def __init__(
        self, network: DescriptionNetwork, *, label_smoothing: float, autocast: contextlib.AbstractContextManager
    ) -> None:
        super().__init__()
        self.network, self.label_smoothing, self.autocast = network, label_smoothing, autocast

    def forward(self, batch: DescriptionBatch, state: State | None) -> tuple[Tensor, State]:
        numbers, categories, inputs, targets, _ = cast(tuple[Any, ...], batch)
        with self.autocast:
            loss, _ = self.network.token_losses(
                numbers, categories, inputs, targets, label_smoothing=self.label_smoothing
            )
        return loss, ()


def _situation(found: DescriptionData, data: DataConfig, model: ModelConfig) -> Situation:
    target = found.recipe.target
    assert target is not None
    kinds: set[str] = {field.kind for field in found.recipe.inputs}
    if target.kind == "text":  # one that is written has a vocabulary as one that is read
        kinds.add("text")
    return Situation("describe", model.family, frozenset(kinds), target.kind, data=data, model=model)
