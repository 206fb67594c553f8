"""Text ready for training, and the network that learns what comes next in it."""

import contextlib
from typing import Any, cast

import torch
from jaxtyping import Float
from torch import Tensor, nn

from unrolled.data.config import DataConfig
from unrolled.data.encoders.word_vectors import WordVectors
from unrolled.data.feeds.text_feeds import Batch, StreamFeed, WindowFeed
from unrolled.errors import UserError
from unrolled.layers.state import State
from unrolled.models.config import ModelConfig
from unrolled.models.language import LanguageNetwork
from unrolled.objectives.softmax import NO_TARGET
from unrolled.tasks.language.defaults import choose
from unrolled.tasks.language.evaluate import Evaluation, evaluate_part
from unrolled.tasks.language.text_data import TextData, start_tokens
from unrolled.tasks.task import Assembly, Part, Shard
from unrolled.tasks.word_vectors import fill, of_width, with_size
from unrolled.tasks.words import PARTS
from unrolled.training.applicable import Situation
from unrolled.training.config import TrainConfig
from unrolled.training.loop import Position
from unrolled.training.precision import autocast, choose_precision
from unrolled.training.run_training import Configs, model_in_words, training_in_words

VALIDATION_TOKENS = 32_768
"""Validations during training read about so many tokens, always the same ones."""


class LanguageObjective(nn.Module):
    """The summed loss of a batch in nats and the state after it."""

    def __init__(
        self, network: LanguageNetwork, *, label_smoothing: float, autocast: contextlib.AbstractContextManager
    ) -> None:
        super().__init__()
        self.network, self.label_smoothing, self.autocast = network, label_smoothing, autocast

    def forward(self, batch: Batch, state: State | None) -> tuple[Float[Tensor, ""], State]:
        inputs, targets, mask, reset, _ = cast(tuple[Any, ...], batch)
        if mask is not None and not mask.any():
            # One process may have no real step where others have some. Wrappers still wait for every gradient, so the
            # weights take part in a loss of zero, and the state stays what it was.
            after = self.network.initial_state(len(inputs), device=inputs.device) if state is None else state
            nothing = targets.new_full(targets.shape, NO_TARGET)
            return self(Batch(inputs, nothing, None, None, True), state)[0], after
        with self.autocast:
            loss, _, state = self.network.token_losses(
                inputs, targets, state, mask=mask, reset=reset, label_smoothing=self.label_smoothing
            )
        return loss, state


FINAL_TOKENS = 1_000_000
"""The evaluation at the end of a run reads at most about so many tokens."""


class PreparedText:
    """Encoded text, and a network that learns what comes next in it."""

    task = "language"
    split: dict[str, Any] | None = None

    def __init__(self, text: TextData, given: Configs, vectors: list[WordVectors]) -> None:
        data, model, config = given
        self.text, self.vectors = text, vectors
        self.summary, self.notes, self.fingerprint = text.summary, list[str](), text.fingerprint
        for table in vectors:
            size = table.size
            model = of_width(model, size) if model.family == "transformer" else with_size(model, size)
        self.given = data, model, config

    def configure(self) -> Configs:
        return choose(*self.given, tokens=len(self.text.train), vocabulary_size=len(self.text.vocabulary))

    def situation(self, chosen: Configs) -> Situation:
        data, model, _ = chosen
        return Situation(self.task, model.family, frozenset({"text"}), data=data, model=model)

    def assemble(self, chosen: Configs, device: torch.device, shard: Shard) -> Assembly:
        data, model, config = chosen
        text, vocabulary = self.text, self.text.vocabulary
        network = _make_network(len(vocabulary), model, data)
        for vectors in self.vectors:
            fill(cast(nn.Embedding, network.embedding), vectors)
        precision = choose_precision(config.precision, device)
        context = autocast(precision, device)
        valid = text.valid or text.train

        def validate() -> Evaluation:
            with context:
                return evaluate_part(
                    network, valid, stride=network.horizon, batch_size=16, chunk=256, limit=VALIDATION_TOKENS
                )

        kind = StreamFeed if data.feed == "streams" else WindowFeed
        return Assembly(
            network=network,
            objective=LanguageObjective(network, label_smoothing=config.label_smoothing or 0.0, autocast=context),
            feed=kind(
                text.train,
                batch_size=config.batch_size or 1,
                context=data.context or 1,
                seed=config.seed,
                rank=shard.rank,
                world=shard.world,
            ),
            validate=validate,
            facts={
                "vocabulary_size": len(vocabulary),
                "context": network.context,
                "feed": data.feed,
                "carry": data.carry,
                "start": start_tokens(text),
            },
            files={"vocabulary.json": vocabulary.to_text()},
            opening=[
                *map(str, self.vectors),
                model_in_words(model, network.parameters()),
                training_in_words(config, _fed(data, config, precision)),
            ],
            is_matrix=network.is_matrix,
            carry=data.carry and data.feed == "streams",
            bytes_per_token=text.train.bytes / max(len(text.train), 1),
        )

    def held_out(self) -> list[Part]:
        """Judged exactly, with one stream, where that is quick; with parallel streams on a long text."""
        parts = (("valid", self.text.valid), ("test", self.text.test))
        return [
            Part(name, PARTS[name], part, {"streams": 1 if len(part) <= 200_000 else 16, "limit": FINAL_TOKENS})
            for name, part in parts
            if part
        ]

    def facts(self, position: Position) -> dict[str, Any]:
        speed = position.tokens / max(position.elapsed, 1e-9)
        return {"tokens": position.tokens, "tokens_per_second": speed}


def require_causal(model: ModelConfig) -> None:
    """Raises `UserError` for a model that reads what it has to predict."""
    if model.family in ("bidirectional", "inception") or model.bidirectional:
        raise UserError(
            f"--model.{'bidirectional' if model.bidirectional else f'family {model.family}'} reads the future, which a "
            "language model has to predict; use rnn, lstm, gru or transformer"
        )


def _make_network(vocabulary_size: int, model: ModelConfig, data: DataConfig) -> LanguageNetwork:
    try:
        return LanguageNetwork(vocabulary_size, model, context=data.context or 1024)
    except ValueError as error:
        raise UserError(f"this model cannot be built: {error}") from error


def _fed(data: DataConfig, config: TrainConfig, precision: str) -> str:
    fed = (
        f"{config.batch_size} streams in chunks of {data.context}, state {'carried' if data.carry else 'dropped'}"
        if data.feed == "streams"
        else f"{config.batch_size} random windows of {data.context}"
    )
    return f"{fed}, {'bfloat16 matrix products' if precision == 'bf16' else 'float32'}"
