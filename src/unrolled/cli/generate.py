"""`unrolled generate RUN --prompt ...`"""

import sys
import time
from argparse import Namespace
from typing import TYPE_CHECKING, Any

from unrolled.cli.parser import Parser
from unrolled.errors import UserError
from unrolled.tasks.sampling_config import Sampling

if TYPE_CHECKING:
    from unrolled.tasks.language.load import Loaded


def add_arguments(parser: Parser) -> None:
    parser.example = "unrolled generate runs/poems-lstm --prompt 'The moon ' --temperature 0.7"
    parser.add_argument("model", metavar="RUN", help="run directory, or model directory")
    parser.add_argument("--prompt", type=str, default="", help="text to go on from")
    parser.add_argument(
        "--given",
        type=list[str],
        default=[],
        metavar="NAME=VALUE",
        help="what is known of the sequence to write, such as style=jig; once for each field (describe)",
    )
    parser.add_argument(
        "--length",
        type=int | None,
        help="tokens to write, by default 500; for describe the most, by default as many as the longest of training",
    )
    parser.add_argument("-n", "--samples", type=int, default=1, help="how many to write, as one batch")
    parser.add_argument("--seed", type=int | None, help="makes the result repeatable; null draws anew each time")
    for name, kind, default, text in (
        (
            "temperature",
            float | None,
            None,
            "divides the logits; 0 takes the likeliest token; by default 0.8, and 1 for numbers (describe)",
        ),
        ("top_k", int | None, None, "keep this many likeliest tokens"),
        ("top_p", float | None, None, "keep the likeliest tokens that together reach this probability"),
        ("min_p", float | None, None, "keep tokens of at least this fraction of the likeliest one's probability"),
        ("repetition_penalty", float, 1.0, "above 1 makes tokens already seen less likely"),
    ):
        parser.add_argument(f"--{name}", type=kind, default=default, help=text)


def run(options: Namespace) -> dict[str, Any]:
    for name in ("length", "samples"):
        if getattr(options, name) is not None and getattr(options, name) < 1:
            raise UserError(f"--{name} is {getattr(options, name)}, which must be at least 1")
    sampling = Sampling(
        repetition_penalty=options.repetition_penalty,
        temperature=Sampling.temperature if options.temperature is None else options.temperature,
        top_k=options.top_k,
        top_p=options.top_p,
        min_p=options.min_p,
    )

    from unrolled.tasks.language.load import load, task_of
    from unrolled.tasks.language.speech import generate_text

    if task_of(options.model) == "describe":
        from unrolled.cli.descriptions import generate_descriptions

        return generate_descriptions(options, sampling)
    if options.given:
        raise UserError(f"--given is for models that describe, and {options.model} is not one; leave it out")
    length = 500 if options.length is None else options.length
    loaded = load(options.model)
    speech = generate_text(
        loaded,
        options.prompt,
        length=length,
        sampling=sampling,
        samples=options.samples,
        seed=options.seed,
    )
    _warn_of_unknown(options.prompt, loaded)
    texts = [""] * options.samples
    live = options.samples == 1
    started = time.perf_counter()
    if live:
        _say(options.prompt)
    for pieces in speech:
        texts = [text + piece for text, piece in zip(texts, pieces, strict=True)]
        if live:
            _say(pieces[0])
    seconds = time.perf_counter() - started
    if live:
        _say("\n")
    else:
        for number, text in enumerate(texts, start=1):
            print(f"--- {number} ---\n{options.prompt}{text}")
    rate = length * options.samples / seconds
    print(f"{length * options.samples:,} tokens, {rate:,.0f} tokens/s", file=sys.stderr)
    return {"prompt": options.prompt, "texts": texts, "tokens_per_second": rate, "seconds": seconds}


def _warn_of_unknown(prompt: str, loaded: "Loaded") -> None:
    vocabulary = loaded.vocabulary
    unknown = 0 if vocabulary.unknown is None else int((vocabulary.encode(prompt) == vocabulary.unknown).sum())
    if unknown:
        words = "1 word" if unknown == 1 else f"{unknown:,} words"
        print(f"{words} of the prompt are not in the vocabulary and are read as <unk>", file=sys.stderr)


def _say(piece: str) -> None:
    sys.stdout.write(piece)
    sys.stdout.flush()
