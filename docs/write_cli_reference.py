"""Writes docs/reference/cli.md from the options themselves. `make docs` runs it, and a test sees that it is current."""

import importlib
import json
from pathlib import Path

from unrolled.cli.help import by_place
from unrolled.cli.main import VERBS, build_parser
from unrolled.cli.parser import Option, Parser, groups, usage

PAGE = Path(__file__).parent / "reference" / "cli.md"

OPENING = """# Command line

<!-- Written by docs/write_cli_reference.py; do not edit. -->

Every verb takes `--help`, `--json` (its result as one JSON object on stdout, everything else on stderr) and
`--debug` (show where an error comes from). `--help` of `train` and `init` shows what most people need, `--help-all` the
rest, as here: by task, family and kind of input. Exit codes: 0 done; 1 a check failed, or a bug; 2 something you can
mend, said in one sentence; 130 stopped with Ctrl-C, 143 by SIGTERM, 129 as the terminal closed; 141 the reader of the
output has gone.
"""


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


if __name__ == "__main__":
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text(reference(), encoding="utf-8")
