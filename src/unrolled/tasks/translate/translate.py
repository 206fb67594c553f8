"""Translations of whole lists of texts by a trained model: as rows of a table, and judged."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, NamedTuple

from unrolled.data.records import Notes
from unrolled.scoring.baselines import copied_source
from unrolled.scoring.text import translation_metrics
from unrolled.tasks.predictions import Predictions, Row, plain
from unrolled.tasks.translate.beam import Hypothesis
from unrolled.tasks.translate.decode import translate_tokens
from unrolled.tasks.translate.load import LoadedTranslation
from unrolled.tasks.translate.pairs import unknown_in

AT_ONCE = 256
"""Texts of which those of like length are translated together."""
BEAMS, ALPHA = 4, 0.6
"""Of the beam search, where nothing else is asked for (Wu et al. 2016, arXiv:1609.08144, section 7)."""


class Translation(NamedTuple):
    """The best translation of one text."""

    text: str
    score: float | None
    """log probability in nats over the length penalty; None for a source without any text"""
    hypothesis: Hypothesis | None


def translate_texts(
    loaded: LoadedTranslation,
    sources: Iterable[str],
    *,
    beams: int = BEAMS,
    alpha: float = ALPHA,
    notes: Notes | None = None,
    attention: bool = False,
) -> Iterator[Translation]:
    """The translation of each text, in their order, a few hundred held at once.

    A source of spaces or nothing becomes an empty text. What of a source is beyond `loaded.longest` tokens is not read;
    such sources are counted in `notes`, and so is what the vocabulary does not hold.
    """
    notes = Notes() if notes is None else notes
    remaining = iter(sources)
    encoding = loaded.encoding
    while texts := list(islice(remaining, AT_ONCE)):
        tokens = [encoding.encode_source(text) for text in texts]
        for text, encoded in zip(texts, tokens, strict=True):
            notes.add("characters or words the model does not know", unknown_in(encoding.source, text, encoded))
            notes.add(
                f"texts of which only the first {loaded.longest:,} tokens were read", len(encoded) > loaded.longest
            )
        filled = [number for number, text in enumerate(texts) if text.strip()]
        ranked = translate_tokens(
            loaded.network,
            [tokens[number][: loaded.longest] for number in filled],
            beams=beams,
            alpha=alpha,
            growth=loaded.growth,
            attention=attention,
        )
        best = {number: hypotheses[0] for number, hypotheses in zip(filled, ranked, strict=True)}
        for number in range(len(texts)):
            hypothesis = best.get(number)
            text = "" if hypothesis is None else encoding.target.decode(hypothesis.tokens)
            yield Translation(text, None if hypothesis is None else hypothesis.score, hypothesis)


def translation_rows(
    loaded: LoadedTranslation,
    sources: Iterable[str],
    *,
    beams: int = BEAMS,
    alpha: float = ALPHA,
    notes: Notes | None = None,
    progress: Callable[[int], None] | None = None,
) -> Predictions:
    """Rows of `source`, `translation` and `score` (see `Translation`); `progress` is told how many are done."""

    def rows() -> Iterator[Row]:
        kept: list[str] = []

        def passed() -> Iterator[str]:
            for text in sources:
                kept.append(text)
                yield text

        translations = translate_texts(loaded, passed(), beams=beams, alpha=alpha, notes=notes)
        for number, translation in enumerate(translations, start=1):
            score = float("nan") if translation.score is None else plain(translation.score)
            yield {"source": kept.pop(0), "translation": translation.text, "score": score}
            if progress is not None:
                progress(number)

    return Predictions({"source": "text", "translation": "text", "score": "number"}, rows())


def judge_translations(pairs: Sequence[tuple[str, str]], translations: Sequence[str]) -> dict[str, Any]:
    """BLEU and chrF of what was said for the source of each pair, beside those of the source copied, as JSON values."""
    references = [target for _, target in pairs]
    metrics = translation_metrics(references, translations)
    naive = translation_metrics(references, copied_source([source for source, _ in pairs]))
    return {
        "count": len(pairs),
        "unscored": 0,
        "main": "bleu",
        "metrics": {name: metric.to_json() for name, metric in metrics.items()},
        "baseline": {"name": "the source copied", **{name: metric.to_json() for name, metric in naive.items()}},
    }
