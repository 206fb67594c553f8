"""Train a language model: from text files to a run directory."""

from pathlib import Path
from typing import Any, cast

from accelerate import Accelerator
from torch import Tensor, nn

from unrolled.data.config import DataConfig
from unrolled.data.feeds.text_feeds import StreamFeed, WindowFeed
from unrolled.errors import UserError
from unrolled.models.config import ModelConfig
from unrolled.models.files import save_model
from unrolled.models.language import LanguageNetwork
from unrolled.tasks.language.conclude import conclude, start_tokens
from unrolled.tasks.language.defaults import choose
from unrolled.tasks.language.evaluate import Evaluation, evaluate_part
from unrolled.tasks.language.objective import LanguageObjective
from unrolled.tasks.language.text_data import TextData, prepare_text
from unrolled.tasks.model_card import model_card
from unrolled.tasks.word_vectors import fill, of_width, read_vectors, with_size, words_wanted
from unrolled.training.applicable import Situation
from unrolled.training.config import TrainConfig
from unrolled.training.loop import Feed, Position
from unrolled.training.precision import autocast, choose_precision
from unrolled.training.progress import Progress
from unrolled.training.run_training import Plan, begin, execute, limits_in_words, model_in_words, seed_beginning, settle

VALIDATION_TOKENS = 32_768
"""Validations during training read about so many tokens, always the same ones."""


def train_language(
    files: list[str],
    *,
    run: str | None = None,
    data: DataConfig | None = None,
    model: ModelConfig | None = None,
    train_config: TrainConfig | None = None,
    silent: bool = False,
) -> dict[str, Any]:
    """Train a language model on text files and return what came of it; all of it is in the run directory.

    Raises `UserError` for what the user can mend: files, settings, a full disk, a loss that is no number.
    """
    start = begin(files, run, "language", data, model, train_config)
    _require_causal(start.model)
    data, model, config, accelerator = start.data, start.model, start.config, start.accelerator
    data = words_wanted(data, model)
    with Progress(silent=silent or not start.main) as progress, accelerator.main_process_first():
        text = prepare_text(files, data, progress.work)
        vocabulary = text.vocabulary
        vectors = read_vectors(model, [vocabulary.tokens], progress.work)
    for one in vectors:
        model = of_width(model, one.size) if model.family == "transformer" else with_size(model, one.size)
    given = data, model, config
    data, model, config = choose(*given, tokens=len(text.train), vocabulary_size=len(vocabulary))
    here = Situation("language", model.family, frozenset({"text"}), data=data, model=model)
    settings = settle(start, here, given, (data, model, config), text.fingerprint)
    feed = _make_feed(text, data, config, accelerator)
    network = _make_network(len(vocabulary), model, data, config)
    for one in vectors:
        fill(cast(nn.Embedding, network.embedding), one)
    precision = choose_precision(config.precision, accelerator.device)
    context = autocast(precision, accelerator.device)
    valid = text.valid or text.train

    def validate() -> Evaluation:
        with context:
            return evaluate_part(
                network, valid, stride=network.horizon, batch_size=16, chunk=256, limit=VALIDATION_TOKENS
            )

    def save(folder: Path, position: Position, found: Any, weights: dict[str, Tensor]) -> None:
        facts = {"feed": data.feed, "carry": data.carry, "start": start_tokens(text), "step": position.step}
        texts = {
            "vocabulary.json": vocabulary.to_text(),
            "README.md": model_card(model, text.summary, found, position.step),
        }
        save_model(folder, network, facts=facts, files=texts, weights=weights)

    def finish(folder: Path, position: Position, reason: str, progress: Progress) -> dict[str, Any]:
        return conclude(folder, text, position, settings, reason, progress, device=accelerator.device)

    plan = Plan(
        data=data,
        model=model,
        config=config,
        settings=settings,
        network=network,
        objective=LanguageObjective(network, label_smoothing=config.label_smoothing or 0.0, autocast=context),
        feed=feed,
        validate=validate,
        save=save,
        conclude=finish,
        opening=[
            text.summary,
            *map(str, vectors),
            model_in_words(model, network.parameters()),
            _training_in_words(data, config, precision),
        ],
        is_matrix=network.is_matrix,
        carry=data.carry and data.feed == "streams",
        bytes_per_token=text.train.bytes / max(len(text.train), 1),
    )
    return execute(plan, start, silent=silent)


def _require_causal(model: ModelConfig) -> None:
    if model.family in ("bidirectional", "inception") or model.bidirectional:
        raise UserError(
            f"--model.{'bidirectional' if model.bidirectional else f'family {model.family}'} reads the future, which a "
            "language model has to predict; use rnn, lstm, gru or transformer"
        )


def _make_feed(text: TextData, data: DataConfig, config: TrainConfig, accelerator: Accelerator) -> Feed:
    kind = StreamFeed if data.feed == "streams" else WindowFeed
    return kind(
        text.train,
        batch_size=config.batch_size or 1,
        context=data.context or 1,
        seed=config.seed,
        rank=accelerator.process_index,
        world=accelerator.num_processes,
    )


def _make_network(vocabulary_size: int, model: ModelConfig, data: DataConfig, config: TrainConfig) -> LanguageNetwork:
    seed_beginning(config.seed)
    try:
        return LanguageNetwork(vocabulary_size, model, context=data.context or 1024)
    except ValueError as error:
        raise UserError(f"this model cannot be built: {error}") from error


def _training_in_words(data: DataConfig, config: TrainConfig, precision: str) -> str:
    fed = (
        f"{config.batch_size} streams in chunks of {data.context}, state {'carried' if data.carry else 'dropped'}"
        if data.feed == "streams"
        else f"{config.batch_size} random windows of {data.context}"
    )
    kind = "bfloat16 matrix products" if precision == "bf16" else "float32"
    return (
        f"training: {config.optimizer}, rate {config.learning_rate:g}, {fed}, {kind}, until {limits_in_words(config)}"
    )
