"""`unrolled demo`: a model that trains on this machine while you wait, and speaks."""

import sys
from pathlib import Path
from typing import Any

from jsonargparse import ArgumentParser, Namespace

SECONDS = 40
"""Of training: with everything around it the demo ends within a minute."""


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--folder", type=str, default="runs", help="folder for the text and the run")


def run(options: Namespace) -> dict[str, Any]:
    from unrolled.data.config import DataConfig
    from unrolled.inference.config import Sampling
    from unrolled.inference.generate import generate_tokens
    from unrolled.inference.loading import load
    from unrolled.training.config import TrainConfig
    from unrolled.training.run import train_language

    text = _write_text(Path(options.folder) / "demo-text" / "python-topics.txt")
    print(f"The text: what Python's help() says about the language, {len(text.read_text()):,} characters ({text}).")
    print(f"An LSTM reads it for {SECONDS} seconds, character by character.\n", flush=True)
    place = _free(Path(options.folder) / "demo")
    result = train_language(
        [str(text)],
        run=str(place),
        data=DataConfig(vocabulary="char"),
        train_config=TrainConfig(max_time=f"{SECONDS}s"),
    )
    loaded = load(place)
    prompt = "The statement "
    print(f"\nNow it writes. It begins with «{prompt.strip()}»:\n")
    decoder = loaded.vocabulary.stream_decoder()
    tokens = [int(token) for token in loaded.vocabulary.encode(prompt)]
    said = prompt
    sys.stdout.write(prompt)
    for step in generate_tokens(loaded.network, [tokens], length=400, sampling=Sampling(temperature=0.6), seed=0):
        piece = decoder.feed(step.tolist())
        said += piece
        sys.stdout.write(piece)
        sys.stdout.flush()
    print(
        f"\n\nloss {result['loss']:.3f} nats per character on text it has not seen; a blind guess costs "
        f"{_blind(loaded.network.vocabulary_size):.3f}"
    )
    print(f"report: {result['report']}\n\nTry next:")
    print(f"  unrolled generate {place} --prompt 'Classes are ' --temperature 0.5")
    print(f"  echo '\"import \"' | unrolled stream {place} --top 3")
    print("  unrolled train YOUR_TEXT.txt --train.max_time 3m")
    return {**result, "sample": said}


def _blind(size: int) -> float:
    import math

    return math.log(size)


def _write_text(path: Path) -> Path:
    """The text, taken from the Python that runs this."""
    from pydoc_data.topics import topics

    from unrolled.training.atomic import write_atomically

    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, "\n\n".join(topics[name].strip() for name in sorted(topics)) + "\n")
    return path


def _free(place: Path) -> Path:
    names = (place if number == 1 else place.with_name(f"{place.name}-{number}") for number in range(1, 1_000_000))
    return next(folder for folder in names if not folder.exists())
