"""`unrolled evaluate RUN FILE...`"""

import sys
from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from unrolled.cli.parser import Parser
from unrolled.errors import UserError
from unrolled.visible import say

if TYPE_CHECKING:
    from unrolled.data.encoders.token_parts import TokenPart
    from unrolled.tasks.language.load import Loaded


def add_arguments(parser: Parser) -> None:
    parser.example = "unrolled evaluate runs/poems-lstm other.txt"
    parser.add_argument("model", metavar="RUN", help="run directory, or model directory")
    parser.add_argument(
        "files", nargs="*", default=[], metavar="FILE", help="text or labelled records; without any, the run's own part"
    )
    parser.add_argument(
        "--part",
        type=Literal["auto", "valid", "test", "train"],
        default="auto",
        help="which of the run's own parts, if no file is given; auto: for text valid, for records all held out",
    )
    parser.add_argument(
        "--labels",
        type=str | None,
        metavar="WHERE",
        help="labels of files, where they are not as in training: a CSV file, a pattern, or folders",
    )
    parser.add_argument(
        "--policy",
        type=Literal["auto", "carried", "sliding"],
        default="auto",
        help="how much past a token is given: carried reads the text once with the state carried; sliding moves a "
        "window of the trained context by the stride; auto is carried where the model can run on for ever and no "
        "stride is given",
    )
    parser.add_argument("--stride", type=int | None, help="steps a sliding window moves; by default half of it")
    parser.add_argument(
        "--streams", type=int, default=1, help="parallel streams of the carried policy: faster, each begins empty"
    )


def run(options: Namespace) -> dict[str, Any]:
    from unrolled.tasks.language.load import task_of

    task = task_of(options.model)
    if task == "forecast":
        from unrolled.cli.forecasts import evaluate_forecast

        return evaluate_forecast(options)
    if task == "translate":
        from unrolled.cli.translations import evaluate_translation

        return evaluate_translation(options)
    if task == "describe":
        from unrolled.cli.descriptions import evaluate_description

        return evaluate_description(options)
    if task != "language":
        from unrolled.cli.evaluate_records import evaluate_records

        return evaluate_records(options)
    return _evaluate_language(options)


def _evaluate_language(options: Namespace) -> dict[str, Any]:
    if options.streams < 1:
        raise UserError(f"--streams is {options.streams}, which must be at least 1")

    from unrolled.tasks.language.evaluate import evaluate_part
    from unrolled.tasks.language.load import load
    from unrolled.training.progress import Progress

    loaded = load(options.model)
    if options.stride is not None and not 1 <= options.stride <= loaded.network.context:
        raise UserError(
            f"--stride is {options.stride}, which must lie between 1 and the context {loaded.network.context}"
        )
    with Progress() as progress:
        part, what = _part(options, loaded, progress)
        found = evaluate_part(
            loaded.network,
            part,
            policy=options.policy,
            stride=options.stride,
            batch_size=options.streams,
            progress=lambda done, total: progress.work("evaluating", done, total, unit=" tokens"),
        )
    bits = "" if found.bits_per_byte is None else f", {found.bits_per_byte:.4f} bits per byte"
    say(f"{what}: {found.loss:.4f} nats per token, perplexity {found.perplexity:.4g}{bits}")
    say(f"{found.tokens:,} tokens in {found.seconds:.1f} s; {found.policy}")
    if part.unknown:
        say(f"{part.unknown:,} tokens are <unk>: the vocabulary does not hold them", file=sys.stderr)
    return {
        "loss": found.loss,
        "perplexity": found.perplexity,
        "bits_per_byte": found.bits_per_byte,
        "tokens": found.tokens,
        "unknown": part.unknown,
        "policy": found.policy,
        "seconds": found.seconds,
    }


def _part(options: Namespace, loaded: "Loaded", progress: Any) -> "tuple[TokenPart, str]":
    from unrolled.tasks.language.text_data import encode_text

    if options.files:
        part = encode_text([Path(file) for file in options.files], loaded.vocabulary)
        return part, ", ".join(options.files)
    name = "valid" if options.part == "auto" else options.part
    return own_part(loaded, name, progress), f"{name} part"


def own_part(loaded: "Loaded", name: str, progress: Any) -> "TokenPart":
    """A part of the text a run was trained with."""
    from unrolled.tasks.language.text_data import prepare_text
    from unrolled.tasks.run_data import data_of_run

    files, settings, _ = data_of_run(loaded.folder)
    text = prepare_text(files, settings, progress.work)
    if text.vocabulary.to_json() != loaded.vocabulary.to_json():
        raise UserError(
            f"the text of the run ({', '.join(files)}) has changed since, so its parts are others now; "
            "name the files to judge"
        )
    part = text.parts.get(name)
    if part is None:
        raise UserError(f"the run has no {name} part; it has {', '.join(text.parts)}")
    return part
