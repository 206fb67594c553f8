"""The end of a run: the best model judged on all validation text, samples, and the report."""

from pathlib import Path
from typing import Any

import torch

from unrolled.formats import format_duration
from unrolled.models.files import load_model
from unrolled.models.language import LanguageNetwork
from unrolled.reports.page import write_report
from unrolled.tasks.language.evaluate import Evaluation, evaluate_part
from unrolled.tasks.language.generate import generate_tokens
from unrolled.tasks.language.text_data import TextData, TokenPart
from unrolled.tasks.sampling_config import Sampling
from unrolled.training.environment import environment
from unrolled.training.loop import Position
from unrolled.training.metrics import read_metrics
from unrolled.training.progress import Progress

FINAL_TOKENS = 1_000_000
"""The last evaluation reads at most about so many tokens."""
SAMPLE_TOKENS = {"char": 400, "byte": 400, "bpe": 120, "word": 100}


def conclude(
    folder: Path,
    text: TextData,
    position: Position,
    settings: dict[str, Any],
    reason: str,
    progress: Progress,
    *,
    device: torch.device,
) -> dict[str, Any]:
    """Evaluate the best model, let it speak, write report.html, and return the result of the run."""
    network, _ = load_model(folder / "best")
    network.to(device)
    progress.message(f"{reason}; evaluating the best model (step {position.best_step:,})")
    scores = {name: judge(network, part) for name, part in (("valid", text.valid), ("test", text.test)) if part}
    samples = speak(network, text, seed=settings["train"]["seed"])
    result: dict[str, Any] = {
        "run": str(folder),
        "model": str(folder / "best"),
        "report": str(folder / "report.html"),
        "reason": reason,
        "steps": position.step,
        "best_step": position.best_step,
        "tokens": position.tokens,
        "seconds": position.elapsed,
        "tokens_per_second": position.tokens / max(position.elapsed, 1e-9),
        "parameters": sum(parameter.numel() for parameter in network.parameters()),
    }
    for name, score in scores.items():
        prefix = "" if name == "valid" else "test_"
        result |= {
            f"{prefix}loss": score.loss,
            f"{prefix}perplexity": score.perplexity,
            f"{prefix}bits_per_byte": score.bits_per_byte,
            f"{prefix}evaluated": score.policy,
        }
    summary = {
        **{
            f"{'validation' if name == 'valid' else name} loss": f"{score.loss:.4f} nats"
            for name, score in scores.items()
        },
        "perplexity": f"{scores['valid'].perplexity:.4g}" if "valid" in scores else "-",
        "bits per byte": _bits(scores.get("valid")),
        "ended": reason,
        "updates": f"{position.step:,}",
        "tokens read": f"{position.tokens:,}",
        "training time": format_duration(position.elapsed),
        "tokens per second": f"{result['tokens_per_second']:,.0f}",
        "parameters": f"{result['parameters']:,}",
    }
    write_report(
        folder / "report.html",
        title=f"{folder.name}: {text.summary}",
        metrics=read_metrics(folder / "metrics.jsonl"),
        settings={name: settings[name] for name in ("data", "model", "train")},
        environment=environment(),
        samples=samples,
        summary=summary,
    )
    return result


def judge(network: LanguageNetwork, part: TokenPart) -> Evaluation:
    """The loss on a part: exact with one stream where that is quick, with parallel streams on a long text."""
    streams = 1 if len(part) <= 200_000 else 16
    return evaluate_part(network, part, batch_size=streams, limit=FINAL_TOKENS)


def speak(network: LanguageNetwork, text: TextData, *, seed: int) -> list[tuple[str, str]]:
    """Samples for the report: one from nothing, one that goes on from the beginning of the validation text."""
    vocabulary = text.vocabulary
    length = SAMPLE_TOKENS.get(vocabulary.kind, 200)
    part = text.valid or text.train
    prompts = [start_tokens(text), [int(token) for token in part.tokens[: max(2, length // 6)]]]
    prompts = [prompt for prompt in prompts if prompt]
    tokens = list(generate_tokens(network, prompts, length=length, sampling=Sampling(), seed=seed))
    said = torch.stack(tokens, dim=1).tolist()
    return [(vocabulary.decode(prompt), vocabulary.decode(row)) for prompt, row in zip(prompts, said, strict=True)]


def start_tokens(text: TextData) -> list[int]:
    """What stands for "nothing said yet": the end of a line, as before most texts, else the first token."""
    tokens, vocabulary = text.train.tokens, text.vocabulary
    if "\n" in vocabulary.tokens or vocabulary.kind in ("byte", "bpe", "word"):
        return [int(token) for token in vocabulary.encode("\n")]
    return [int(tokens[0])]


def _bits(score: Evaluation | None) -> str:
    return "-" if score is None or score.bits_per_byte is None else f"{score.bits_per_byte:.4f}"
