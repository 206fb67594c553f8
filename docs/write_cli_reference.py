"""Writes docs/reference/cli.md from the options themselves. `make docs` runs it, and a test sees that it is current."""

import importlib
import json
from pathlib import Path

from unrolled.cli.main import VERBS, build_parser
from unrolled.cli.options import Option, groups, options_of, usage

PAGE = Path(__file__).parent / "reference" / "cli.md"

OPENING = """# Command line

<!-- Written by docs/write_cli_reference.py; do not edit. -->

Every verb takes `--help`, `--json` (its result as one JSON object on stdout, everything else on stderr) and
`--debug` (show where an error comes from). Exit codes: 0 done; 1 a check failed, or a bug; 2 something you can mend,
said in one sentence; 130 stopped with Ctrl-C, 143 by SIGTERM, 129 as the terminal closed; 141 the reader of the output
has gone.
"""


def reference() -> str:
    """The whole page."""
    return "\n".join([OPENING, *(_verb(verb) for verb in VERBS)])


def _verb(verb: str) -> str:
    parser = build_parser(verb, importlib.import_module(f"unrolled.cli.{verb}").add_arguments)
    hidden = {"help", "json", "debug", *groups(parser)}
    shown = [option for option in options_of(parser) if option.name not in hidden]
    purpose = VERBS[verb][0].upper() + VERBS[verb][1:]
    lines = [f"## {verb}", "", f"{purpose}.", "", "```", usage(parser), "```", ""]
    grouped = dict.fromkeys(option.name.split(".")[0] if "." in option.name else "" for option in shown)
    for group in grouped:
        members = [option for option in shown if option.name.rpartition(".")[0] == group]
        if group:
            lines += [f"### {verb}: {group}", "", f"{members[0].group}.", ""]
        lines += ["| option | meaning | value | default |", "|---|---|---|---|"]
        lines += [_row(option) for option in members]
        lines.append("")
    return "\n".join(lines)


def _row(option: Option) -> str:
    name = ", ".join(option.flags) or option.word
    plain = option.name in ("config", "print_config") or not option.flags
    switch = option.default is False and option.expected == "text"  # takes no value
    value = "" if switch or option.name == "print_config" else ", ".join(option.choices) or option.expected
    default = "" if plain or switch else f"`{json.dumps(option.default)}`"
    return f"| `{name}` | {_cell(' '.join(option.help.split()))} | {_cell(value)} | {default} |"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;")


if __name__ == "__main__":
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text(reference(), encoding="utf-8")
