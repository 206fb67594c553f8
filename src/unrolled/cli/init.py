"""`unrolled init FILE...`: a config file with every option, explained, to edit and train with.

It takes the files and options of `train`, says what is in the files, and writes the options down.
"""

import sys
import textwrap
from argparse import Namespace
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from unrolled.atomic import write_atomically
from unrolled.cli.config_files import NOT_SETTINGS
from unrolled.cli.options import add_train_options
from unrolled.cli.parser import Option, Parser, groups
from unrolled.data.config import DataConfig
from unrolled.errors import UserError
from unrolled.settings import KINDS
from unrolled.visible import say, visible


def add_arguments(parser: Parser) -> None:
    parser.example = "unrolled init table.csv --target price -o price.yaml"
    add_train_options(parser)
    parser.add_argument(
        "-o", "--output", type=str | None, metavar="OUT", help="config file to write; null makes NAME.yaml here"
    )


def run(options: Namespace) -> dict[str, Any]:
    from unrolled.training.ranges import check_ranges

    check_ranges(options.data, options.model, options.train)
    for file in options.files:
        if not Path(file).exists():
            raise UserError(f"there is no file {file}; give a file or a folder of data")
    target = Path(options.output or f"{Path(options.files[0]).resolve().stem}.yaml")
    if target.exists():
        raise UserError(f"{target} exists and is never overwritten; choose another name with --output")
    if not target.parent.is_dir():
        raise UserError(f"there is no folder {target.parent} to write {target.name} to; create it first")
    guess = guess_settings(options)
    write_atomically(target, commented_config(options, target, guess))
    for line in guess.comments[:1]:
        say(line)
    say(f"wrote {target}; train with: unrolled train --config {target}")
    return {"config": str(target), "task": guess.task}


class Guess(NamedTuple):
    """What the files suggest."""

    task: str
    data: DataConfig
    """the settings given, with the target that was guessed"""
    inputs: frozenset[str]
    """kinds of the fields that are read"""
    comments: list[str]
    """what is in the files, in a line, and their fields in a line each"""


def guess_settings(options: Namespace) -> Guess:
    """The task and its fields. Raises `UserError` for files that allow several readings, with what chooses one."""
    from unrolled.tasks.inspect_data import outline

    seen = outline(options.files, options.data, task=None if options.task == "auto" else options.task)
    kinds = frozenset(field.kind for field in seen.schema.inputs) or frozenset(["text"])
    return Guess(seen.schema.task, seen.data, kinds, [line for line in (seen.summary, *seen.fields) if line])


def commented_config(options: Namespace, target: Path, guess: Guess) -> str:
    """Every option of `train` as YAML: its help as a comment, and what was given or guessed, or its default."""
    parser = Parser("unrolled train")
    add_train_options(parser)
    settings = [option for option in parser.options if option.name not in NOT_SETTINGS]
    lines = [
        f"# Options of: unrolled train --config {visible(str(target))}",
        '# Each is as given or at its default. What is null or "auto" is chosen from the data and printed.',
        *_comment(guess.comments),
    ]
    values: dict[str, Any] = {"files": list(options.files), "run": options.run, "task": guess.task}
    for group, config in (("data", guess.data), ("model", options.model), ("train", options.train)):
        values |= {f"{group}.{name}": value for name, value in asdict(config).items()}
    for option in settings:
        if option.name in groups(parser):
            lines += ["", f"# {option.group}.", f"{option.name}:"]
            below = [other for other in settings if other.name.startswith(f"{option.name}.")]
            fits = {other.name: _fits(other, guess, options.model.family) for other in below}
            for other in below:
                lines += _entry(other, values[other.name], "  ") if fits[other.name] else []
            if not all(fits.values()):
                lines += ["", *_wrapped(f"Without effect {_here(guess, options.model.family)}:", "  ")]
            for other in below:
                lines += [] if fits[other.name] else _entry(other, values[other.name], "  ")
        elif "." not in option.name:
            lines += _entry(option, values[option.name], "")
    return "\n".join(lines) + "\n"


def _fits(option: Option, guess: Guess, family: str) -> bool:
    """Whether an option can do something here, as far as it is known."""
    known = None if family == "auto" else family
    return option.setting is None or option.setting.fits(guess.task, known, guess.inputs)


def _here(guess: Guess, family: str) -> str:
    kinds = " and ".join(KINDS[kind] for kind in sorted(guess.inputs) if kind in KINDS)
    return f"for {guess.task} from {kinds}" + ("" if family == "auto" else f" with family {family}")


def _comment(sentences: list[str]) -> list[str]:
    if not sentences:
        return []
    wrapped = (
        textwrap.wrap(visible(sentence), 100, initial_indent="# ", subsequent_indent="#   ") for sentence in sentences
    )
    return ["#", "# What the file holds and what is learned:", *(line for lines in wrapped for line in lines)]


def _entry(option: Option, value: Any, indent: str) -> list[str]:
    choices = f"; one of {', '.join(option.choices)}" if option.choices else ""
    comment = _wrapped(option.help + choices, indent)
    text = yaml.safe_dump([value], allow_unicode=True, default_flow_style=True, width=sys.maxsize).strip()
    text = text.removeprefix("[").removesuffix("]")  # a list around it, since YAML ends a lone value with "..."
    return [*([] if indent else [""]), *comment, f"{indent}{option.name.split('.')[-1]}: {text}"]


def _wrapped(text: str, indent: str) -> list[str]:
    return textwrap.wrap(text, 100, initial_indent=f"{indent}# ", subsequent_indent=f"{indent}# ")
