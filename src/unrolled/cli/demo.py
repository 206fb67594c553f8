"""`unrolled demo`: a model that trains on this machine while you wait, and speaks."""

import math
import sys
from argparse import Namespace
from pathlib import Path
from typing import Any

from unrolled.cli.invocation import command
from unrolled.cli.parser import Parser
from unrolled.errors import UserError

SECONDS = 40.0
"""Of training: with everything around it the demo ends within a minute."""


def add_arguments(parser: Parser) -> None:
    parser.add_argument("--folder", type=str, default="runs", help="folder for the text and the run")
    parser.add_argument("--seconds", type=float, default=SECONDS, help="how long to train")


def run(options: Namespace) -> dict[str, Any]:
    if not 0 < options.seconds < 1e6:
        raise UserError(f"--seconds is {options.seconds}; give a number above 0")

    from unrolled.data.config import DataConfig
    from unrolled.tasks.language.load import load
    from unrolled.tasks.language.speech import generate_text
    from unrolled.tasks.sampling_config import Sampling
    from unrolled.tasks.train_files import train_files
    from unrolled.training.config import TrainConfig

    text = _write_text(Path(options.folder) / "demo-text" / "python-topics.txt")
    characters = len(text.read_text(encoding="utf-8"))
    print(f"The text: what Python's help() says about the language, {characters:,} characters ({text}).")
    print(f"An LSTM reads it for {options.seconds:g} seconds, character by character.\n", flush=True)
    folder = _free(Path(options.folder) / "demo")
    result = train_files(
        [str(text)],
        task="language",
        run=str(folder),
        data=DataConfig(vocabulary="char"),
        train_config=TrainConfig(max_time=f"{options.seconds:.9f}s"),
    )
    if not result:
        return {}  # one of several processes, not the one that speaks
    loaded = load(folder)
    prompt = "The statement "
    print(f"\nNow it writes. It begins with «{prompt.strip()}»:\n")
    sample = prompt
    sys.stdout.write(prompt)
    for (piece,) in generate_text(loaded, prompt, length=400, sampling=Sampling(temperature=0.6), seed=0):
        sample += piece
        sys.stdout.write(piece)
        sys.stdout.flush()
    blind = math.log(loaded.network.vocabulary_size)
    print(f"\n\nloss {result['loss']:.3f} nats per character on text it has not seen; a blind guess costs {blind:.3f}")
    print(f"report: {result['report']}\n\nTry next:")
    print(f"  {command('generate', str(folder), '--prompt', 'Classes are ', '--temperature', '0.5')}")
    print(f"""  echo '"import "' | {command("stream", str(folder), "--top", "3")}""")
    print(f"  {command('train', 'YOUR_TEXT.txt', '--train.max_time', '3m')}")
    return {**result, "sample": sample}


def _write_text(path: Path) -> Path:
    """The text, taken from the Python that runs this."""
    from pydoc_data.topics import topics

    from unrolled.atomic import cannot_write, write_atomically

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise cannot_write(path, error) from error
    write_atomically(path, "\n\n".join(topics[name].strip() for name in sorted(topics)) + "\n")
    return path


def _free(wanted: Path) -> Path:
    names = (wanted if number == 1 else wanted.with_name(f"{wanted.name}-{number}") for number in range(1, 1_000_000))
    return next(folder for folder in names if not folder.exists())
