"""A trained language model: what verbs and estimators need of it."""

from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import torch

from unrolled.data.records import Notes
from unrolled.errors import UserError
from unrolled.models.language import LanguageNetwork
from unrolled.tasks.language.evaluate import Policy, evaluate_part
from unrolled.tasks.language.generate import generate_tokens
from unrolled.tasks.language.load import load
from unrolled.tasks.language.text_data import TextData, TokenPart, encode_text, prepare_text, start_tokens
from unrolled.tasks.predictions import Predictions
from unrolled.tasks.run_data import data_of_run
from unrolled.tasks.sampling_config import Sampling
from unrolled.tasks.task import Figures, Judgement, Part, Prepared, Samples

if TYPE_CHECKING:
    from unrolled.tasks.language.train import PreparedText
    from unrolled.training.progress import Progress

SAMPLE_TOKENS = {"char": 400, "byte": 400, "bpe": 120, "word": 100}


class TrainedLanguage:
    """A language model; a part's content is a `TokenPart`."""

    def __init__(self, folder: Path) -> None:
        self.loaded, self.folder = load(folder), folder

    @property
    def network(self) -> LanguageNetwork:
        return self.loaded.network

    def own_parts(self, wanted: str, notes: Notes, progress: "Progress") -> list[Part]:
        name = "valid" if wanted == "auto" else wanted
        files, settings, _ = data_of_run(self.folder)
        text = prepare_text(files, settings, progress.work)
        if text.vocabulary.to_json() != self.loaded.vocabulary.to_json():
            raise UserError(
                f"the text of the run ({', '.join(files)}) has changed since, so its parts are others now; "
                "name the files to judge"
            )
        part = text.parts.get(name)
        if part is None:
            raise UserError(f"the run has no {name} part; it has {', '.join(text.parts)}")
        return [Part(name, f"{name} part", part)]

    def read(self, files: list[str], notes: Notes, progress: "Progress", labels: str | None = None) -> Part:
        if labels is not None:
            raise UserError("--labels is for records, and text has no labels; leave it out")
        return Part("file", ", ".join(files), encode_text([Path(file) for file in files], self.loaded.vocabulary))

    def score(
        self,
        part: Part,
        notes: Notes,
        progress: "Progress",
        *,
        policy: Policy = "auto",
        stride: int | None = None,
        streams: int = 1,
        limit: int | None = None,
        **options: Any,
    ) -> Judgement:
        network, tokens = self.network, cast(TokenPart, part.content)
        if streams < 1:
            raise UserError(f"--streams is {streams}, which must be at least 1")
        if stride is not None and not 1 <= stride <= network.context:
            raise UserError(f"--stride is {stride}, which must lie between 1 and the context {network.context}")
        evaluation = evaluate_part(
            network,
            tokens,
            policy=policy,
            stride=stride,
            batch_size=streams,
            limit=limit,
            progress=lambda done, total: progress.work("evaluating", done, total, unit=" tokens"),
        )
        if tokens.unknown:
            notes.hint(f"{tokens.unknown:,} tokens are <unk>: the vocabulary does not hold them")
        scores = {
            **evaluation.facts(),
            "tokens": evaluation.tokens,
            "unknown": tokens.unknown,
            "policy": evaluation.policy,
            "seconds": evaluation.seconds,
        }
        tiles = {"loss": f"{evaluation.loss:.4f} nats"}
        if part.name == "valid":
            tiles["perplexity"] = f"{evaluation.perplexity:.4g}"
            if evaluation.bits_per_byte is not None:
                tiles["bits per byte"] = f"{evaluation.bits_per_byte:.4f}"
        return Judgement(scores, tiles, [f"{evaluation.tokens:,} tokens in {evaluation.seconds:.1f} s"])

    def show(self, prepared: Prepared, judged: list[tuple[Part, Judgement]], seed: int) -> tuple[Samples, Figures]:
        return speak(self.network, cast("PreparedText", prepared).text, seed=seed), []

    def predict(self, files: list[str], notes: Notes, progress: "Progress", **options: Any) -> tuple[Predictions, int]:
        raise UserError(
            f"{self.folder} is a language model; unrolled generate lets it write, unrolled evaluate judges text by it"
        )


def speak(network: LanguageNetwork, text: TextData, *, seed: int) -> Samples:
    """Samples for the report: one from nothing, one that goes on from the beginning of the validation text."""
    vocabulary = text.vocabulary
    length = SAMPLE_TOKENS.get(vocabulary.kind, 200)
    part = text.valid or text.train
    prompts = [start_tokens(text), [int(token) for token in part.tokens[: max(2, length // 6)]]]
    prompts = [prompt for prompt in prompts if prompt]
    tokens = list(generate_tokens(network, prompts, length=length, sampling=Sampling(), seed=seed))
    rows = torch.stack(tokens, dim=1).tolist()
    return [(vocabulary.decode(prompt), vocabulary.decode(row)) for prompt, row in zip(prompts, rows, strict=True)]
