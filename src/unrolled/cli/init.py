"""`unrolled init FILE`: a config file with every option, explained, to edit and train with."""

import sys
import textwrap
from pathlib import Path
from typing import Any

import yaml
from jsonargparse import ArgumentParser, Namespace

from unrolled.cli.options import NOT_SETTINGS, Option, add_train_options, groups, options_of
from unrolled.errors import UserError
from unrolled.training.atomic import write_atomically


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("file", help="text file, or folder of them, to train on")
    parser.add_argument(
        "-o", "--output", type=str | None, metavar="FILE", help="config file to write; null makes NAME.yaml here"
    )


def run(options: Namespace) -> dict[str, Any]:
    source = Path(options.file)
    if not source.exists():
        raise UserError(f"there is no file {source}; give a text file or a folder of them")
    target = Path(options.output or f"{source.resolve().stem}.yaml")
    if target.exists():
        raise UserError(f"{target} exists and is never overwritten; choose another name with --output")
    if not target.parent.is_dir():
        raise UserError(f"there is no folder {target.parent} to write {target.name} to; create it first")
    write_atomically(target, commented_config([str(source)], target))
    print(f"wrote {target}; train with: unrolled train --config {target}")
    return {"config": str(target)}


def commented_config(files: list[str], target: Path) -> str:
    """Every option of `train` as YAML: its help as a comment, its default as the value."""
    parser = ArgumentParser()
    add_train_options(parser)
    settings = [option for option in options_of(parser) if option.name not in NOT_SETTINGS]
    lines = [
        f"# Options of: unrolled train --config {target}",
        '# Each stands at its default. What is null or "auto" is chosen from the data and printed.',
    ]
    for option in settings:
        if option.name in groups(parser):
            lines += ["", f"# {option.group}.", f"{option.name}:"]
        else:
            value = files if option.name == "files" else option.default
            lines += _entry(option, value, "  " if "." in option.name else "")
    return "\n".join(lines) + "\n"


def _entry(option: Option, value: Any, indent: str) -> list[str]:
    choices = f"; one of {', '.join(option.choices)}" if option.choices else ""
    comment = textwrap.wrap(option.help + choices, 100, initial_indent=f"{indent}# ", subsequent_indent=f"{indent}# ")
    text = yaml.safe_dump([value], allow_unicode=True, default_flow_style=True, width=sys.maxsize).strip()
    text = text.removeprefix("[").removesuffix("]")  # a list around it, since YAML ends a lone value with "..."
    return [*([] if indent else [""]), *comment, f"{indent}{option.name.split('.')[-1]}: {text}"]
