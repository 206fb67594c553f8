"""The end of a run on pairs: the best model judged by BLEU and chrF, samples, and where it looked."""

from pathlib import Path
from typing import Any

import torch

from unrolled.data.encoders.codec import Vocabulary
from unrolled.reports.alignment import alignment_chart
from unrolled.tasks.end_of_run import facts_of_run, report_run
from unrolled.tasks.translate.data import PairData
from unrolled.tasks.translate.load import LoadedTranslation, load_translation
from unrolled.tasks.translate.translate import Translation, judge_translations, translate_texts
from unrolled.training.loop import Position
from unrolled.training.progress import Progress

MOST_JUDGED = 2000
"""Pairs of a part that are translated for its scores."""
SHOWN = 8
MOST_IN_PICTURE = 20
"""Tokens of a translation whose attention is shown."""


def conclude_translation(
    folder: Path,
    pairs: PairData,
    position: Position,
    settings: dict[str, Any],
    reason: str,
    progress: Progress,
    *,
    device: torch.device,
) -> dict[str, Any]:
    """Translate the held-out parts with the best model, write report.html, and return the result of the run."""
    loaded = load_translation(folder / "best")
    loaded.network.to(device)
    progress.message(f"{reason}; evaluating the model of step {position.best_step:,}")
    result = facts_of_run(folder, "translate", position, reason, loaded.network)
    result |= {"tokens": position.tokens}
    summary: dict[str, Any] = {}
    samples: list[tuple[str, str]] = []
    pictures: list[tuple[str, str]] = []
    for name, part in pairs.parts.items():
        if name == "train":
            continue
        numbers = part.spread(MOST_JUDGED).tolist()
        chosen = [part.texts[number] for number in numbers]
        found = []
        for one in translate_texts(loaded, [source for source, _ in chosen]):
            found.append(one)
            progress.work("translating", len(found), len(chosen), unit=" sentences")
        result[name] = judge_translations(chosen, [one.text for one in found])
        result[name]["unscored"] = len(part) - len(chosen)
        shown = "validation" if name == "valid" else name
        for metric, title in (("bleu", "BLEU"), ("chrf", "chrF")):
            naive = result[name]["baseline"][metric]["value"]
            summary[f"{shown} {title}"] = f"{result[name]['metrics'][metric]['value']:.2f}, baseline {naive:.2f}"
        samples, pictures = _shown(loaded, chosen, found)
    report_run(
        folder,
        pairs.summary,
        result,
        settings,
        summary,
        samples=samples,
        pictures=pictures,
    )
    return result


def _shown(
    loaded: LoadedTranslation, pairs: list[tuple[str, str]], found: list[Translation]
) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    """Some translations as text, and where the model looked while it said one of them."""
    numbers = range(0, len(found), -(-len(found) // SHOWN))
    samples = [(f"{pairs[n][0]}\n", f"{found[n].text or '(nothing)'}\nreference: {pairs[n][1]}") for n in numbers]
    source = pairs[max(numbers, key=lambda number: _telling(found[number]))][0]
    (again,) = translate_texts(loaded, [source], attention=True)
    best = again.hypothesis
    if best is None or best.attention is None:
        return samples, []
    columns = [*_pieces(loaded.encoding.source, loaded.encoding.encode_source(source)[: loaded.longest].tolist())]
    rows = [*_pieces(loaded.encoding.target, best.tokens), "(end)"]
    chart = alignment_chart([*columns, "(end)"], rows, best.attention.float().cpu().numpy())
    return samples, [("Attention: what each token was said from", chart)]


def _telling(one: Translation) -> int:
    """How much of a picture it gives: more tokens are better up to where they get small."""
    count = 0 if one.hypothesis is None else len(one.hypothesis.tokens)
    return count if count <= MOST_IN_PICTURE else -count


def _pieces(vocabulary: Vocabulary, tokens: list[int]) -> list[str]:
    return [vocabulary.decode([token]).strip() or "␣" for token in tokens]
