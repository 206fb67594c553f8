"""What "auto" becomes for tasks on records: family, size, schedule and regularisation, from the task and the data.

The rules for classify were found by the experiments of `benchmarks/defaults/classify.py`, by cross-validation inside
training parts; regress shares them. Those for the other tasks are compared by `benchmarks/defaults/tasks.py`.
"""

from dataclasses import replace
from typing import Literal, NamedTuple

from unrolled.data.config import DataConfig
from unrolled.errors import UserError
from unrolled.models.config import ModelConfig
from unrolled.training.config import TrainConfig

SHORT = 32
"""Records of fewer steps are short: each step has a meaning of its own (the hours of a day), so that stretching them
changes what they say, and they are varied by noise alone."""
LONGEST_KERNEL = 40
"""Of an inception network; shorter records get half of their length, since a kernel longer than a record mostly sees
the zeros around it."""
LONGEST_WINDOW = 128
"""Steps that a transformer which tags live looks back at; half of a shorter record."""
FEW = 1_000
"""Below so many records batches are smaller, for more updates out of each pass, and networks vote (five as in
InceptionTime), since what one learns from few records depends on its seed."""
LONG = 2_000
"""Records of so many steps cost too much for a vote; down to a fifth of it fewer than five networks vote."""
FEW_ALIGNED = 5_000
"""The same limit for the small networks of texts of one length, which cost little; three of them vote."""


class Facts(NamedTuple):
    """What the choices depend on."""

    task: str
    records: int
    """in the training part"""
    steps: int
    """of a typical record (or window)"""
    channels: int
    tokens: bool
    """whether steps are tokens"""
    signal: bool
    """whether steps are samples or frames of a signal"""
    embeds: bool = False
    """whether there is anything to embed"""
    aligned: bool = False
    """whether all records have the same number of steps, so that the same place may mean the same in each"""
    multilabel: bool = False
    """whether a record may have several labels"""
    cut: bool = False
    """whether records are longer than a row"""

    @property
    def pooled(self) -> bool:
        """Whether a record has one answer."""
        return self.task in ("classify", "regress")

    @property
    def placed(self) -> bool:
        """Whether records are texts in which the place of a token counts, such as windows of DNA around a site."""
        return self.pooled and self.tokens and self.aligned and self.steps > 1


def choose_for_records(
    data: DataConfig, model: ModelConfig, train: TrainConfig, facts: Facts
) -> tuple[DataConfig, ModelConfig, TrainConfig]:
    """Complete configurations; what was given is kept. Raises `UserError` where that cannot be."""
    model = _choose_model(model, facts, streams=data.feed == "streams")
    data = replace(data, feed=_feed(data, model, facts))
    if data.augment == "auto" and not facts.tokens:
        data = replace(data, augment=_variation(facts))
    return data, model, _choose_training(train, model, facts)


def _feed(data: DataConfig, model: ModelConfig, facts: Facts) -> Literal["auto", "windows", "streams"]:
    """Long records with an answer per step come as streams, if the model can carry a state through all of them."""
    carries = model.bidirectional is False and model.family not in ("bidirectional", "feedforward")
    carries = carries and not model.sees_unbounded_past
    if data.feed == "streams" and not carries:
        raise UserError(_NOT_CARRIED)
    if data.feed != "auto" or facts.task != "tag":
        return data.feed
    return "streams" if carries and facts.cut else "windows"


_NOT_CARRIED = (
    "streams carry the state through long records, which this model cannot: it reads from both ends, looks at one step "
    "alone, or at an unbounded past; add --model.causal true (and to a transformer --model.positions "
    "rotary), choose another family, or use --data.feed windows"
)


def _variation(facts: Facts) -> Literal["none", "signal", "noise"]:
    """A vector without time is left alone, since its numbers may be counts or codes."""
    if facts.steps == 1:
        return "none"
    return "noise" if facts.pooled and facts.steps < SHORT else "signal"


def _choose_model(model: ModelConfig, facts: Facts, *, streams: bool = False) -> ModelConfig:
    # Who waits for the steps ahead reads forward: from both ends there is nothing to wait for, and nothing to carry.
    forward = bool(model.lookahead or streams) if model.causal is None else model.causal
    family = _family(facts, forward=forward) if model.family == "auto" else model.family
    if model.causal is False and family == "feedforward":
        raise UserError("--model.causal false reads each record from both ends, and these have one step; leave it out")
    convolution, transformer = family == "convolution", family == "transformer"
    width = model.width or {"inception": 64, "convolution": 64}.get(family, 128)
    # Motifs of letters are short and few: two blocks of wide kernels did better than four of narrow ones.
    usual = {"inception": 6, "convolution": 2 if facts.placed else 4, "feedforward": 2, "transformer": 3}
    heads = model.heads or max(1, width // 32)
    # What does not apply stays as it was given: what has been chosen can be given again (see `applicable`).
    both_ends = facts.task in ("classify", "regress", "tag", "transcribe") and not forward
    either = family != "feedforward" and (family != "inception" or forward)
    kernel = model.kernel
    if kernel is None and family == "inception":
        kernel = max(1, min(LONGEST_KERNEL, facts.steps // 2))
    if kernel is None and convolution and facts.placed:
        kernel = 7
    return replace(
        model,
        family=family,
        width=width,
        layers=model.layers or usual.get(family, 2),
        heads=heads if transformer else model.heads,
        kv_heads=model.kv_heads or heads if transformer else model.kv_heads,
        positions="rotary" if model.positions == "auto" and transformer else model.positions,
        bidirectional=both_ends if model.bidirectional is None and either else model.bidirectional,
        embedding_size=model.embedding_size or (min(width, 64) if facts.embeds else None),
        window=_window(model, family, facts),
        kernel=kernel,
        pooling=_pooling(facts) if model.pooling == "auto" and facts.pooled else model.pooling,
        dropout=_dropout(family, facts) if model.dropout is None else model.dropout,
        members=model.members or _members(facts),
    )


def _family(facts: Facts, *, forward: bool) -> Literal["feedforward", "lstm", "gru", "convolution", "inception"]:
    """Inception for numbers: it leads on short and on long series, and learns from few. But the steps of a table, often
    of one long series that changes with time, it fits too closely (benchmarks/defaults/results/tasks.md). Texts whose
    length varies need a memory; where it does not, convolutions find motifs, and positions say where. Of the families
    that read forward it also transcribes best (benchmarks/defaults/results/causal.md)."""
    if facts.task == "transcribe":
        return "inception" if forward else "lstm"
    if facts.steps == 1:
        return "feedforward"
    if facts.tokens:
        return "convolution" if facts.placed else "lstm"
    return "gru" if facts.task == "tag" and not facts.signal else "inception"


def _window(model: ModelConfig, family: str, facts: Facts) -> int | None:
    """What a tagger that goes forward looks back at is bounded, so that it may run for ever."""
    endless = model.causal and family == "transformer" and facts.task == "tag"
    if model.window is None and endless and model.positions not in ("sinusoidal", "learned"):
        return max(1, min(LONGEST_WINDOW, facts.steps // 2))
    return model.window


def _pooling(facts: Facts) -> Literal["mean", "attention", "position-attention"]:
    """Of numbers the mean, which learns nothing that few records could teach wrongly; of texts the few tokens that
    matter."""
    if facts.placed:
        return "position-attention"
    return "attention" if facts.tokens and facts.steps > 1 else "mean"


def _dropout(family: str, facts: Facts) -> float:
    """Batch normalisation bears little dropout (Li et al. 2018, arXiv:1801.05134): 0.2 cost 7 points on DNA. Inception
    on numbers has augmentation in its place."""
    if facts.pooled and family == "inception":
        return 0.0
    return 0.3 if facts.tokens and not facts.pooled else 0.1


def _members(facts: Facts) -> int:
    if not facts.pooled:
        return 1
    if facts.tokens:
        return 3 if facts.placed and facts.records < FEW_ALIGNED else 1
    return max(1, min(5, LONG // facts.steps)) if facts.records < FEW else 1


def _choose_training(train: TrainConfig, model: ModelConfig, facts: Facts) -> TrainConfig:
    limited = any(limit is not None for limit in (train.max_steps, train.max_epochs, train.max_time))
    batch_size = train.batch_size or (16 if facts.records < FEW else 32)
    epochs = _updates(model, facts) / max(1, -(-facts.records // batch_size))
    return replace(
        train,
        batch_size=batch_size,
        optimizer="adamw" if train.optimizer == "auto" else train.optimizer,
        learning_rate=2e-3 if train.learning_rate is None else train.learning_rate,
        weight_decay=0.02 if train.weight_decay is None else train.weight_decay,
        schedule="cosine" if train.schedule == "auto" else train.schedule,
        warmup_steps=20 if train.warmup_steps is None else train.warmup_steps,
        label_smoothing=_smoothing(facts) if train.label_smoothing is None else train.label_smoothing,
        max_epochs=train.max_epochs if limited else float(max(10, min(300, round(epochs)))),
        max_time=train.max_time if limited else "10m",
    )


def _smoothing(facts: Facts) -> float | None:
    """Networks on few series are too sure of themselves: smoothing lowered the log loss of every network and raised
    accuracy by two points. On texts it did neither."""
    return 0.1 if facts.task == "classify" and not facts.tokens and not facts.multilabel else None


def _updates(model: ModelConfig, facts: Facts) -> int:
    """Updates that suffice, if that is at least 10 passes: convolutions with batch normalisation learn classes in a few
    hundred, recurrent networks take thousands. From few series, each varied in many ways, more passes still help."""
    if facts.task == "classify" and model.family in ("inception", "convolution"):
        return 800 if facts.placed else 1000 if facts.records < FEW else 400
    return 2000 if facts.task == "classify" else 3000
