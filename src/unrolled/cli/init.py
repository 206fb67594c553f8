"""`unrolled init FILE`: a config file with every option, explained, to edit and train with; and what is in the file."""

import sys
import textwrap
from pathlib import Path
from typing import Any, NamedTuple, get_type_hints

import yaml
from jsonargparse import ArgumentParser, Namespace

from unrolled.cli.options import NOT_SETTINGS, SHORT, TASKS, Option, add_train_options, groups, options_of
from unrolled.data.config import DataConfig
from unrolled.errors import UserError
from unrolled.training.atomic import write_atomically


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("file", help="file or folder to train on")
    parser.add_argument(
        "-o", "--output", type=str | None, metavar="FILE", help="config file to write; null makes NAME.yaml here"
    )
    parser.add_argument(
        "--task", choices=TASKS, default="auto", help="what to learn; auto takes what the file suggests"
    )
    known, hints = _explained(), get_type_hints(DataConfig)
    for name in SHORT:
        option = known[f"data.{name}"]
        parser.add_argument(f"--{name}", type=hints[name], default=option.default, help=option.help)


def run(options: Namespace) -> dict[str, Any]:
    source = Path(options.file)
    if not source.exists():
        raise UserError(f"there is no file {source}; give a file or a folder of data")
    target = Path(options.output or f"{source.resolve().stem}.yaml")
    if target.exists():
        raise UserError(f"{target} exists and is never overwritten; choose another name with --output")
    if not target.parent.is_dir():
        raise UserError(f"there is no folder {target.parent} to write {target.name} to; create it first")
    guess = guess_settings(options)
    write_atomically(target, commented_config([str(source)], target, guess))
    for line in guess.comments[:1]:
        print(line)
    print(f"wrote {target}; train with: unrolled train --config {target}")
    return {"config": str(target), "task": guess.values["task"]}


class Guess(NamedTuple):
    """What the file suggests."""

    values: dict[str, Any]
    """settings that differ from their defaults"""
    comments: list[str]
    """what is in the file, in a line, and its fields in a line each"""


def guess_settings(options: Namespace) -> Guess:
    """The task and its fields. Raises `UserError` for a file that allows several readings, with what chooses one."""
    from unrolled.data.readers.registry import is_plain_text

    given = {name: getattr(options, name) for name in SHORT}
    task = None if options.task == "auto" else options.task
    if task == "language" or (task is None and is_plain_text([Path(options.file)])):
        return Guess({"task": "language", **{f"data.{name}": value for name, value in given.items()}}, [])
    from unrolled.data.outline import outline

    found = outline([options.file], DataConfig(**given), task=task)
    values = {f"data.{name}": getattr(found.data, name) for name in SHORT}
    return Guess({"task": found.schema.task, **values}, [found.summary, *found.fields])


def _explained() -> dict[str, Option]:
    """The options of `train` by name."""
    parser = ArgumentParser()
    add_train_options(parser)
    return {option.name: option for option in options_of(parser)}


def commented_config(files: list[str], target: Path, guess: Guess) -> str:
    """Every option of `train` as YAML: its help as a comment, its default or what was guessed as the value."""
    parser = ArgumentParser()
    add_train_options(parser)
    settings = [option for option in options_of(parser) if option.name not in NOT_SETTINGS]
    lines = [
        f"# Options of: unrolled train --config {target}",
        '# Each stands at its default. What is null or "auto" is chosen from the data and printed.',
        *_comment(guess.comments),
    ]
    values = {"files": files, **guess.values}
    for option in settings:
        if option.name in groups(parser):
            lines += ["", f"# {option.group}.", f"{option.name}:"]
        else:
            value = values.get(option.name, option.default)
            lines += _entry(option, value, "  " if "." in option.name else "")
    return "\n".join(lines) + "\n"


def _comment(sentences: list[str]) -> list[str]:
    if not sentences:
        return []
    wrapped = (textwrap.wrap(one, 100, initial_indent="# ", subsequent_indent="#   ") for one in sentences)
    return ["#", "# What the file holds and what is learned:", *(line for lines in wrapped for line in lines)]


def _entry(option: Option, value: Any, indent: str) -> list[str]:
    choices = f"; one of {', '.join(option.choices)}" if option.choices else ""
    comment = textwrap.wrap(option.help + choices, 100, initial_indent=f"{indent}# ", subsequent_indent=f"{indent}# ")
    text = yaml.safe_dump([value], allow_unicode=True, default_flow_style=True, width=sys.maxsize).strip()
    text = text.removeprefix("[").removesuffix("]")  # a list around it, since YAML ends a lone value with "..."
    return [*([] if indent else [""]), *comment, f"{indent}{option.name.split('.')[-1]}: {text}"]
