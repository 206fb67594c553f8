"""The help of a verb: the options that most people need, or all of them by what they are for."""

import json
import shutil
import textwrap
from argparse import ArgumentParser, RawDescriptionHelpFormatter

from unrolled.cli.parser import Option, Parser, usage


def help_text(parser: Parser, *, everything: bool = False) -> str:
    """What `--help` prints, or `--help-all`."""
    shown = [option for option in parser.options if everything or option.common]
    hidden = len(parser.options) - len(shown)
    page = ArgumentParser(
        usage=usage(parser),
        description=_wrapped(parser.description) + (f"\n\nFor example: {parser.example}" if parser.example else ""),
        epilog=f"{parser.prog} --help-all shows {hidden} more, by task and family." if hidden else None,
        formatter_class=RawDescriptionHelpFormatter,
        add_help=False,
    )
    for title, options in (by_place(shown) if everything else {"options": shown}).items():
        section = page.add_argument_group(title)
        for option in options:
            flags = option.flags if everything or not option.setting else option.flags[-1:]
            text = (_explained(option) if everything else option.help).replace("%", "%%")
            if option.switch:
                section.add_argument(*flags, action="store_true", help=text)
            else:
                word = option.metavar if flags else option.word
                section.add_argument(*(flags or [option.name]), metavar=word, help=text)
    return page.format_help().rstrip()


def _wrapped(description: str) -> str:
    """Its lines as wide as those of the options; those of a list are indented."""
    width = shutil.get_terminal_size().columns - 2
    return "\n".join(
        textwrap.fill(line, width, subsequent_indent="  " * line.startswith("- ")) for line in description.split("\n")
    )


def by_place(options: list[Option]) -> dict[str, list[Option]]:
    """The options under what they are for: a group, and within it what is for everything first."""
    titles: dict[str, dict[str, list[Option]]] = {}
    for option in options:
        group, _, _ = option.name.rpartition(".")
        heading = option.setting.heading if option.setting else ""
        titles.setdefault(group or "options", {"": []}).setdefault(heading, []).append(option)
    return {
        f"{group}: {heading}" if heading else group: members
        for group, places in titles.items()
        for heading, members in places.items()
        if members
    }


def _explained(option: Option) -> str:
    """The meaning without what the heading says, and what values there are."""
    meaning = option.setting.sentence(below_heading=True) if option.setting else option.help
    if option.switch or option.is_config or not option.flags:
        return meaning
    kind = "" if option.choices else f"{option.expected}; "
    return f"{meaning} ({kind}default {json.dumps(option.default)})"
