"""A trained translation model: what verbs and estimators need of it."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from unrolled.data.encoders.codec import Vocabulary
from unrolled.data.readers.read_like_training import reopen
from unrolled.data.records import Notes
from unrolled.errors import UserError
from unrolled.reports.alignment import alignment_chart
from unrolled.tasks.predictions import Predictions
from unrolled.tasks.run_data import data_of_run, split_of_run
from unrolled.tasks.task import Figures, Judgement, Part, Prepared, Samples
from unrolled.tasks.translate.beam import check_search
from unrolled.tasks.translate.data import own_pairs
from unrolled.tasks.translate.load import LoadedTranslation, load_translation
from unrolled.tasks.translate.network import TranslationNetwork
from unrolled.tasks.translate.source_texts import read_source_texts
from unrolled.tasks.translate.translate import (
    ALPHA,
    BEAMS,
    Translation,
    judge_translations,
    translate_texts,
    translation_rows,
)

if TYPE_CHECKING:
    from unrolled.training.progress import Progress

SHOWN = 8
MOST_IN_PICTURE = 20
"""Tokens of a translation whose attention is shown."""


class TextPairs(NamedTuple):
    """What translations are judged on."""

    pairs: list[tuple[str, str]]
    left_out: int = 0
    """pairs of the part that are not among them"""


class TrainedTranslation:
    """A model that translates; a part's content are `TextPairs`."""

    def __init__(self, folder: Path) -> None:
        self.loaded, self.folder = load_translation(folder), folder

    @property
    def network(self) -> TranslationNetwork:
        return self.loaded.network

    def own_parts(self, wanted: str, notes: Notes, progress: "Progress") -> list[Part]:
        run = data_of_run(self.folder)
        parts = own_pairs(run.files, run.data, seed=run.seed, split=split_of_run(self.folder))
        names = [name for name in parts if name != "train"] if wanted == "auto" else [wanted]
        if not names or names[0] not in parts:
            what = "part held out" if wanted == "auto" else f"{wanted} part"
            raise UserError(f"the run has no {what}; it has {', '.join(parts)}; name files to judge")
        return [Part(name, f"{name} part", TextPairs(parts[name])) for name in names]

    def read(self, files: list[str], notes: Notes, progress: "Progress", labels: str | None = None) -> Part:
        encoding = self.loaded.encoding
        source = reopen(files, self.loaded.recipe, notes, labelled=True)
        values = (record.values for record in source)
        pairs = [(record[encoding.source_field], record[encoding.target_field]) for record in values]
        return Part("file", ", ".join(files), TextPairs(pairs))

    def score(self, part: Part, notes: Notes, progress: "Progress", **options: Any) -> Judgement:
        pairs, left_out = part.content
        translations = []
        for translation in translate_texts(self.loaded, [source for source, _ in pairs], notes=notes):
            translations.append(translation)
            progress.work("translating", len(translations), len(pairs), unit=" texts")
        scores = judge_translations(pairs, [translation.text for translation in translations])
        scores["unscored"] = left_out
        tiles = {}
        for metric, title in (("bleu", "BLEU"), ("chrf", "chrF")):
            naive = scores["baseline"][metric]["value"]
            tiles[title] = f"{scores['metrics'][metric]['value']:.2f}, baseline {naive:.2f}"
        remarks = [f"  {metric}: {values['note']}" for metric, values in scores["metrics"].items()]
        remarks.append(f"{len(pairs):,} pairs scored; baseline: {scores['baseline']['name']}")
        return Judgement(scores, tiles, remarks, translations)

    def show(self, prepared: Prepared, judged: list[tuple[Part, Judgement]], seed: int) -> tuple[Samples, Figures]:
        if not judged:
            return [], []
        part, judgement = judged[-1]
        return _shown(self.loaded, part.content.pairs, judgement.evidence)

    def predict(
        self,
        files: list[str],
        notes: Notes,
        progress: "Progress",
        *,
        beams: int | None = None,
        length_penalty: float | None = None,
        **options: Any,
    ) -> tuple[Predictions, int]:
        beams = BEAMS if beams is None else beams
        alpha = ALPHA if length_penalty is None else length_penalty
        check_search(beams, alpha)
        if files == ["-"]:
            texts = _standard_input()
            count, sources = len(texts), iter(texts)
        else:
            count, sources = read_source_texts(files, self.loaded.encoding.source_field, notes)
        rows = translation_rows(
            self.loaded,
            sources,
            beams=beams,
            alpha=alpha,
            notes=notes,
            progress=lambda done: progress.work("translating", done, count, unit=" texts"),
        )
        return rows, count


def _standard_input() -> list[str]:
    lines = sys.stdin.buffer.read().split(b"\n")
    if lines[-1] == b"":
        lines.pop()
    if not lines:
        raise UserError("standard input is empty; give a text a line")
    texts = []
    for number, line in enumerate(lines, start=1):
        try:
            texts.append(line.decode().strip())
        except UnicodeDecodeError as error:
            raise UserError(
                f"standard input, line {number}: byte 0x{line[error.start]:02x} is not UTF-8; convert it with iconv"
            ) from None
    return texts


def _shown(
    loaded: LoadedTranslation, pairs: list[tuple[str, str]], translations: list[Translation]
) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    """Some translations as text, and where the model looked while it said one of them."""
    numbers = range(0, len(translations), -(-len(translations) // SHOWN))
    samples = [
        (f"{pairs[n][0]}\n", f"{translations[n].text or '(nothing)'}\nreference: {pairs[n][1]}") for n in numbers
    ]
    source = pairs[max(numbers, key=lambda number: _telling(translations[number]))][0]
    (again,) = translate_texts(loaded, [source], attention=True)
    best = again.hypothesis
    if best is None or best.attention is None:
        return samples, []
    columns = [*_pieces(loaded.encoding.source, loaded.encoding.encode_source(source)[: loaded.longest].tolist())]
    rows = [*_pieces(loaded.encoding.target, best.tokens), "(end)"]
    chart = alignment_chart([*columns, "(end)"], rows, best.attention.float().cpu().numpy())
    return samples, [("Attention: what each token was said from", chart)]


def _telling(translation: Translation) -> int:
    """How much of a picture it gives: more tokens are better up to where they get small."""
    count = 0 if translation.hypothesis is None else len(translation.hypothesis.tokens)
    return count if count <= MOST_IN_PICTURE else -count


def _pieces(vocabulary: Vocabulary, tokens: list[int]) -> list[str]:
    return [vocabulary.decode([token]).strip() or "␣" for token in tokens]
