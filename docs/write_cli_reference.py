"""Writes docs/reference/cli.md and tasks.md from the options themselves. `make docs` runs it, and a test sees that they
are current."""

import importlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from unrolled.cli.help import by_place
from unrolled.cli.main import VERBS, build_parser
from unrolled.cli.parser import Option, Parser, groups, usage
from unrolled.settings import Setting
from unrolled.tasks.task import Task, all_tasks

FOLDER = Path(__file__).parent / "reference"

OPENING = """# Command line

<!-- Written by docs/write_cli_reference.py; do not edit. -->

Every verb takes `--help`, `--json` (its result as one JSON object on stdout, everything else on stderr) and
`--debug` (show where an error comes from). `--help` of `train` and `init` shows what most people need, `--help-all` the
rest, as here: by task, family and kind of input. Exit codes: 0 done; 1 a check failed, or a bug; 2 something you can
mend, said in one sentence; 130 stopped with Ctrl-C, 143 by SIGTERM, 129 as the terminal closed; 141 the reader of the
output has gone.
"""


ALL = "any data, any family"

HIDDEN = ("help", "help_all", "json", "debug")
"""Options of every verb."""


def reference() -> str:
    """The whole page."""
    return "\n".join([OPENING, *(_verb(verb) for verb in VERBS)])


def _verb(verb: str) -> str:
    parser, purpose = _parser(verb), f"{VERBS[verb][0].upper()}{VERBS[verb][1:]}."
    shown = [option for option in parser.options if option.name not in {*HIDDEN, *groups(parser)}]
    lines = [f"## {verb}", "", purpose, "", "```", usage(parser), "```", ""]
    if verb == "init":
        of_train = {option.name for option in _parser("train").options}
        shown = [option for option in shown if option.name not in of_train]
        lines += ["It takes the files and options of [train](#train), and writes them down.", ""]
    titles = {option.name.split(".")[0]: option.group for option in shown}
    for heading, options in by_place(shown).items():
        if heading != "options":
            lines += [f"### {heading}", ""]
        if heading in titles:
            lines += [f"{titles[heading]}.", ""]
        lines += ["| option | meaning | value | default |", "|---|---|---|---|"]
        lines += [_row(option) for option in options]
        lines.append("")
    return "\n".join(lines)


def _parser(verb: str) -> Parser:
    return build_parser(verb, importlib.import_module(f"unrolled.cli.{verb}").add_arguments)


def _row(option: Option) -> str:
    name = ", ".join(option.flags) or option.word
    meaning = option.setting.sentence(below_heading=True) if option.setting else option.help
    plain = option.switch or option.is_config or not option.flags
    value = "" if option.switch or not option.flags else ", ".join(option.choices) or option.expected
    default = "" if plain else f"`{json.dumps(option.default)}`"
    return f"| `{name}` | {_cell(meaning)} | {_cell(value)} | {default} |"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;")


TASKS_OPENING = """# Tasks and their settings

<!-- Written by docs/write_cli_reference.py; do not edit. -->

Which families and settings each task has; the [command line](cli.md#train) says what they mean. A setting that would do
nothing is refused, not ignored.
"""


def tasks() -> str:
    """The page of tasks."""
    known = {option.name: option.setting for option in _parser("train").options if option.setting}
    everywhere = [name for name, setting in known.items() if setting.everywhere]
    lines = [TASKS_OPENING, "## every task", "", f"{_names(everywhere)}."]
    for task in all_tasks():
        lines += ["", f"## {task.name}", "", (type(task).__doc__ or "").strip(), ""]
        lines += [f"Families: {_names(task.families)}.", "", "| for | settings |", "|---|---|"]
        lines += [f"| {where} | {_names(names)} |" for where, names in _by_place(task, known).items()]
    return "\n".join(lines) + "\n"


def _by_place(task: Task, known: dict[str, Setting]) -> dict[str, list[str]]:
    """The settings that a task has beside those that every task has, by what else they need."""
    places: dict[str, list[str]] = {ALL: []}
    for name, setting in known.items():
        if setting.everywhere or not setting.fits(task=task.name, inputs=frozenset(task.input_kinds)):
            continue
        scope = replace(
            setting,
            tasks=(),
            but=(),
            inputs=_some_of(task.input_kinds, setting.inputs),
            families=_some_of(task.families, setting.families),
        )
        places.setdefault(ALL if scope.everywhere else scope.where.removeprefix("runs "), []).append(name)
    return places


def _some_of(possible: Sequence[str], wanted: tuple[str, ...]) -> tuple[str, ...]:
    """Those of a task that are wanted; none where that rules nothing out."""
    kept = tuple(name for name in wanted if name in possible)
    return () if set(kept) == set(possible) else kept


def _names(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


PAGES = {"cli.md": reference, "tasks.md": tasks}

if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for name, written in PAGES.items():
        (FOLDER / name).write_text(written(), encoding="utf-8")
