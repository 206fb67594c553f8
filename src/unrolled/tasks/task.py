"""What a task is, and the table of tasks. Light: importing this imports neither torch nor any task."""

import importlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, Protocol, get_args, get_type_hints, runtime_checkable

from unrolled.errors import UserError
from unrolled.models.config import ModelConfig
from unrolled.plural import counted
from unrolled.settings import KINDS

if TYPE_CHECKING:
    import torch
    from torch import nn

    from unrolled.data.config import DataConfig
    from unrolled.data.records import Notes
    from unrolled.tasks.predictions import Predictions
    from unrolled.tasks.reads import Reads
    from unrolled.training.applicable import Situation
    from unrolled.training.loop import Feed, Position, Scores
    from unrolled.training.progress import Progress
    from unrolled.training.run_training import Beginning, Configs

FAMILIES: tuple[str, ...] = get_args(get_type_hints(ModelConfig)["family"])[1:]
"""All but "auto"."""

Figures = list[tuple[str, str]]
"""Titles with HTML."""
Samples = list[tuple[str, str]]
"""What was given, and what the model wrote for it."""


class VerbOption(NamedTuple):
    """An option that a verb has for models of some task."""

    flags: tuple[str, ...]
    type: Any
    default: Any
    help: str
    metavar: str = ""

    @property
    def name(self) -> str:
        """Of its value among the options."""
        return self.flags[0].lstrip("-").replace("-", "_")


class Part(NamedTuple):
    """Something to judge a model on."""

    name: str
    """in results: valid, test, train or file"""
    shown: str
    """for a person"""
    content: Any
    """encoded records, windows, text: what the task makes of them"""
    options: dict[str, Any] = {}  # noqa: RUF012 - a NamedTuple's default, which nobody changes
    """how it is judged at the end of a run, see `Trained.score`"""


@dataclass
class Judgement:
    """How good a model is on a part."""

    scores: dict[str, Any]
    """as JSON values"""
    tiles: dict[str, str]
    """the headline numbers of a report, without the name of the part"""
    remarks: list[str] = field(default_factory=list)
    """what to know about the scores, for a person"""
    evidence: Any = None
    """what pictures are made of"""


class Shard(NamedTuple):
    """Which process of several this is."""

    rank: int
    world: int


class Writing(NamedTuple):
    """What a model writes, as it comes."""

    beginning: str
    """what it goes on from"""
    pieces: Iterator[list[str]]
    """what each step adds to each sample"""
    result: dict[str, Any]
    """what `generate --json` says, complete when the pieces have ended"""
    tokens: int | None = None
    """how many are written, if that is known"""
    warning: str = ""


@runtime_checkable
class LiveStream(Protocol):
    """A model that runs one step at a time, with a state that can be saved and brought back."""

    example: str
    """a message, as JSON"""

    def answers(self, message: Any) -> Iterable[dict[str, Any]]:
        """What a message, a JSON value, is answered with, step by step. Raises `UserError` before anything changes."""

    def end(self) -> Iterable[dict[str, Any]]:
        """What is left to be said when no more messages come. Raises `UserError` where too little has come."""

    def save(self) -> bytes:
        """The state."""

    def load(self, data: bytes) -> None:
        """Go on from a saved state. Raises `ValueError`, before anything changes, for one that does not fit."""


class Delay(NamedTuple):
    """How late a live stream answers for a step."""

    steps: int
    """of what the network reads, after the one answered for"""
    seconds: float | None
    """None where steps have no length"""

    def __str__(self) -> str:
        steps = counted(self.steps, "step") if self.steps else "none"
        return f"{steps} ({self.seconds:.3g} s)" if self.seconds else steps


@dataclass
class Assembly:
    """All that is trained, for one complete configuration."""

    network: "nn.Module"
    objective: "nn.Module"
    """called with a batch and a state: the summed loss and the state after; holds the network as `network`"""
    feed: "Feed"
    validate: "Callable[[], Scores] | None"
    facts: dict[str, Any]
    """what config.json holds beside the settings"""
    files: dict[str, str]
    """texts beside the weights: vocabularies and encoders"""
    opening: list[str]
    """model and training, each in a line"""
    loss: str = "Loss in nats per token"
    """title of the learning curve"""
    unit: str = "tokens"
    """what the loss is a mean over"""
    counted: str | None = None
    """what progress counts, if other than `unit`"""
    nats: bool = True
    """whether the loss is one of probabilities"""
    is_matrix: "Callable[[str, nn.Parameter], bool] | None" = None
    """which parameters are hidden matrices, for Muon"""
    carry: bool = False
    """whether the state is carried from batch to batch"""
    bytes_per_token: float | None = None


@runtime_checkable
class Prepared(Protocol):
    """Data read, split and encoded, and what is to be learned from it."""

    task: str
    summary: str
    notes: list[str]
    fingerprint: str
    """hexadecimal; the same exactly if what is learned from is the same"""
    given: "Configs"
    """the settings as given, completed by what the data alone decides"""

    @property
    def split(self) -> dict[str, Any] | None:
        """What split.json holds: what is in each part; None where config.yaml says it."""

    def configure(self) -> "Configs":
        """Complete settings; what was given is kept. Raises `UserError` for what cannot be."""

    def situation(self, chosen: "Configs") -> "Situation":
        """What the settings are checked against."""

    def assemble(self, chosen: "Configs", device: "torch.device", shard: Shard) -> Assembly:
        """Raises `UserError` for a model that cannot be built."""

    def held_out(self) -> list[Part]:
        """The parts to judge the best model on."""

    def facts(self, position: "Position") -> dict[str, Any]:
        """What the result of a run says of this task beside scores."""


@runtime_checkable
class Trained(Protocol):
    """A trained model with its encoders: all that verbs and estimators need of a run."""

    folder: Path
    """the model directory"""

    @property
    def network(self) -> "nn.Module": ...

    def own_parts(self, wanted: str, notes: "Notes", progress: "Progress") -> list[Part]:
        """The parts of the data it was trained with: the one wanted, or for "auto" what a person means by none.

        Raises `UserError` if there is no such part, or the data has changed since.
        """

    def read(self, files: list[str], notes: "Notes", progress: "Progress", labels: str | None = None) -> Part:
        """Other files, with what is right in them. Raises `UserError` for files that do not fit the model."""

    def score(self, part: Part, notes: "Notes", progress: "Progress", **options: Any) -> Judgement:
        """`options`: those of `evaluate` for this task."""

    def show(self, prepared: Prepared, judged: list[tuple[Part, Judgement]], seed: int) -> tuple[Samples, Figures]:
        """What its report shows, from the parts that were held out and how it did on them."""

    def predict(
        self, files: list[str], notes: "Notes", progress: "Progress", **options: Any
    ) -> "tuple[Predictions, int]":
        """What it says about files, as rows, and of how many records. `options`: those of `predict` for this task."""


class Task:
    """One kind of thing to learn. A task is one object: the engine and the verbs know no other."""

    name: ClassVar[str]
    models: ClassVar[str]
    """what its models are called, such as "language models" """
    title: ClassVar[str]
    """what a model of it is called, such as "A language model" """
    estimator: ClassVar[str]
    """its class in Python"""
    pipeline: ClassVar[str | None] = None
    """its name on model hubs, where they have one"""
    noun: ClassVar[str] = "data"
    """what it learns from"""
    usage: ClassVar[Sequence[str]] = ("predict . FILE -o predictions.csv", "evaluate . FILE")
    """commands for its model card, from its folder"""
    example: ClassVar[str] = 'print(model.predict("FILE"))'
    """a line of Python for its model card"""
    remark: ClassVar[str] = ""
    """a paragraph for its model card"""
    after_training: ClassVar[str] = "predict RUN FILE -o predictions.csv"
    """the command to try next"""
    options: ClassVar[Mapping[str, Sequence[VerbOption]]] = {}
    """by verb, what only models of this task have"""
    families: ClassVar[Sequence[str]] = FAMILIES
    """those it can be learned with"""
    looks_ahead: ClassVar[bool] = False
    """whether its models may read a sequence from both ends"""
    input_kinds: ClassVar[Sequence[str]] = tuple(KINDS)
    """kinds of the fields it can learn from, see `unrolled.data.records`"""

    def reads(self) -> "Reads":
        """What it reads of data, and which data suggests it; by default none does."""
        from unrolled.tasks.reads import Reads

        return Reads()

    def open(self, files: list[str], data: "DataConfig") -> Any:
        """The files opened for this task, which was asked for: by default `Opened` by what it reads.

        Raises `UserError` for files that cannot be read so.
        """
        from unrolled.tasks.choose_reading import open_files

        return open_files(files, data, self.name)

    def prepare(self, opened: Any, start: "Beginning", progress: "Progress") -> Prepared:
        """Read, split and encode what is open. Raises `UserError` for data that cannot be used."""
        raise NotImplementedError

    def load(self, folder: Path) -> Trained:
        """The model in a model directory. Raises `UserError` if it is damaged."""
        raise NotImplementedError

    def stream(self, folder: Path, **options: Any) -> LiveStream:
        """The model in a model directory as a live stream; `options` are those of `stream` for this task.

        Raises `UserError` for a model that cannot run one step at a time.
        """
        raise UserError(
            f"{folder} is a model to {self.name}, which has no live stream; give it whole records: unrolled predict "
            f"{folder} FILE"
        )

    def delay(self, trained: Trained) -> Delay | None:
        """How late a live stream of a model answers; None where that is not said, or it cannot run live."""
        return None

    def score_lines(self, scores: dict[str, Any]) -> list[str]:
        """The scores of a part in a line, and what stands below it."""
        from unrolled.tasks.words import scores_line

        return [scores_line(scores)]

    def as_result(self, part: str, scores: dict[str, Any]) -> dict[str, Any]:
        """The scores of a part among the results of a verb."""
        return {part: scores}

    def validation_line(self, scores: Any) -> str:
        """What the model card says of a validation."""
        return str(scores.words())

    def model_line(self, settings: Any) -> str:
        """What the model card says of the model beside its size, as " and this"."""
        return ""

    def write(self, trained: Trained, *, length: int | None, samples: int, seed: int | None, **options: Any) -> Writing:
        """What the model writes: `options` are those of `generate`, for all tasks (see `SAMPLING`) and for this one.

        Raises `UserError` for a task that answers instead.
        """
        raise UserError(
            f"{trained.folder} is not a language model, but one that was trained to {self.name}; use unrolled predict"
        )


TASKS: dict[str, str] = {
    "language": "unrolled.tasks.language.task:Language",
    "classify": "unrolled.tasks.labels.task:Classify",
    "regress": "unrolled.tasks.labels.task:Regress",
    "tag": "unrolled.tasks.labels.task:Tag",
    "forecast": "unrolled.tasks.forecast.task:Forecast",
    "translate": "unrolled.tasks.translate.task:Translate",
    "transcribe": "unrolled.tasks.transcribe.task:Transcribe",
    "describe": "unrolled.tasks.describe.task:Describe",
}
"""Every task and where its class is, in the order in which they are asked what files suggest. A task of one's own is
one more line, see `register`."""


SAMPLING = (
    VerbOption(
        ("--temperature",), float | None, None, "divides the logits; 0 takes the likeliest token; by default 0.8"
    ),
    VerbOption(("--top_k",), int | None, None, "keep this many likeliest tokens"),
    VerbOption(("--top_p",), float | None, None, "keep the likeliest tokens that together reach this probability"),
    VerbOption(
        ("--min_p",), float | None, None, "keep tokens of at least this fraction of the likeliest one's probability"
    ),
)
"""How whatever writes draws its tokens."""


def options_of_verb(verb: str) -> Iterator[tuple[Task, VerbOption]]:
    """The options that a verb has for models of some task only."""
    for task in all_tasks():
        for option in task.options.get(verb, ()):
            yield task, option


def own_options(verb: str, task: Task, model: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """Of the values of a verb's options those that models of this task have, by name.

    Raises `UserError` for one of another task that was given.
    """
    own = {option.name for option in task.options.get(verb, ())}
    for other, option in options_of_verb(verb):
        if option.name not in own and values[option.name] != option.default:
            raise UserError(f"{option.flags[0]} is for {other.models}, and {model} was trained for {task.name}")
    return {name: values[name] for name in own}


def register(name: str, class_path: str) -> None:
    """Add a task: `class_path` is "package.module:Class". Raises `ValueError` if the name is taken."""
    if TASKS.setdefault(name, class_path) != class_path:
        raise ValueError(f"there is a task {name} already, in {TASKS[name]}")


def task_named(name: str) -> Task:
    """The task of a name. Raises `UserError` if there is none."""
    if name not in TASKS:
        raise UserError(f"there is no task {name!r}; the tasks are {', '.join(TASKS)}")
    module, _, kind = TASKS[name].partition(":")
    task: Task = getattr(importlib.import_module(module), kind)()
    return task


def all_tasks() -> Iterator[Task]:
    """All of them, in the order of the table."""
    return map(task_named, TASKS)
