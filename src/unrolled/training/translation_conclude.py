"""The end of a run on pairs: the best model judged by BLEU and chrF, samples, and where it looked."""

from pathlib import Path
from typing import Any

import torch

from unrolled.data.pairs import PairData, Pairs
from unrolled.inference.beam import Hypothesis
from unrolled.inference.metrics.baselines import copied_source
from unrolled.inference.metrics.text import translation_metrics
from unrolled.inference.record_evaluation import metric_as_json
from unrolled.inference.translate import translate_tokens
from unrolled.inference.translation_loading import LoadedTranslation, load_translation
from unrolled.training.environment import environment
from unrolled.training.formats import format_duration
from unrolled.training.loop import Position
from unrolled.training.metrics import read_metrics
from unrolled.training.pictures.alignment import alignment_chart
from unrolled.training.progress import Progress
from unrolled.training.report import write_report

MOST_JUDGED = 2000
"""Pairs of a part that are translated for its scores."""
SHOWN = 8


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
    result: dict[str, Any] = {
        "run": str(folder),
        "model": str(folder / "best"),
        "report": str(folder / "report.html"),
        "task": "translate",
        "reason": reason,
        "steps": position.step,
        "best_step": position.best_step,
        "tokens": position.tokens,
        "seconds": position.elapsed,
        "parameters": sum(parameter.numel() for parameter in loaded.network.parameters()),
    }
    summary: dict[str, Any] = {}
    samples: list[tuple[str, str]] = []
    pictures: list[tuple[str, str]] = []
    for name, part in pairs.parts.items():
        if name == "train":
            continue
        found = translate_part(loaded, part, progress)
        result[name] = judge_translations(part, found, loaded)
        shown = "validation" if name == "valid" else name
        for metric in ("bleu", "chrf"):
            summary[f"{shown} {metric}"] = f"{result[name]['metrics'][metric]['value']:.2f}"
        samples, pictures = _shown(loaded, part, found)
    summary |= {
        "updates": f"{position.step:,}",
        "training time": format_duration(position.elapsed),
        "parameters": f"{result['parameters']:,}",
    }
    write_report(
        folder / "report.html",
        title=f"{folder.name}: {pairs.summary}",
        metrics=read_metrics(folder / "metrics.jsonl"),
        settings={name: settings[name] for name in ("data", "model", "train")},
        environment=environment(),
        samples=samples,
        summary=summary,
        pictures=pictures,
    )
    return result


def translate_part(loaded: LoadedTranslation, part: Pairs, progress: Progress) -> list[Hypothesis]:
    """The best translation of each pair's source, of the first `MOST_JUDGED`."""
    count = min(len(part), MOST_JUDGED)
    found: list[Hypothesis] = []
    for start in range(0, count, 256):
        sources = [part.source[number].astype("int64") for number in range(start, min(start + 256, count))]
        found += [one[0] for one in translate_tokens(loaded.network, sources)]
        progress.work("translating", len(found), count, unit=" sentences")
    return found


def judge_translations(part: Pairs, found: list[Hypothesis], loaded: LoadedTranslation) -> dict[str, Any]:
    """BLEU and chrF beside those of copying the source."""
    texts = part.texts[: len(found)]
    references = [target for _, target in texts]
    said = [loaded.encoding.target.decode(one.tokens) for one in found]
    metrics = translation_metrics(references, said)
    naive = translation_metrics(references, copied_source([source for source, _ in texts]))
    return {
        "count": len(found),
        "unscored": len(part) - len(found),
        "main": "bleu",
        "metrics": {name: metric_as_json(metric) for name, metric in metrics.items()},
        "baseline": {"name": "the source copied", **{name: metric_as_json(metric) for name, metric in naive.items()}},
    }


def _shown(
    loaded: LoadedTranslation, part: Pairs, found: list[Hypothesis]
) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    """Some translations as text, and where the model looked while it said the longest of them."""
    numbers = range(0, len(found), max(1, len(found) // SHOWN))
    samples = [
        (f"{part.texts[n][0]}\n", f"{loaded.encoding.target.decode(found[n].tokens)}\nreference: {part.texts[n][1]}")
        for n in numbers
    ]
    longest = max(numbers, key=lambda number: min(len(found[number].tokens), 20))
    source = part.source[longest].astype("int64")
    (again,) = translate_tokens(loaded.network, [source], attention=True)
    best = again[0]
    if best.attention is None:
        return samples, []
    columns = [*_pieces(loaded.encoding.source, source.tolist()), "(end)"]
    rows = [*_pieces(loaded.encoding.target, best.tokens), "(end)"]
    chart = alignment_chart(columns, rows, best.attention.float().cpu().numpy())
    return samples, [("Attention: what each token was said from", chart)]


def _pieces(vocabulary: Any, tokens: list[int]) -> list[str]:
    return [vocabulary.decode([token]).strip() or "␣" for token in tokens]
