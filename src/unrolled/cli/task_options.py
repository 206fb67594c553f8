"""The options of a verb that only models of some task have."""

from unrolled.cli.parser import Parser
from unrolled.tasks.task import VerbOption, options_of_verb


def add_task_options(parser: Parser, verb: str) -> None:
    """Those of all tasks; each says which models it is for."""
    for task, option in options_of_verb(verb):
        add_option(parser, option, f"{option.help} ({task.models})")


def add_option(parser: Parser, option: VerbOption, text: str | None = None) -> None:
    """One of them."""
    parser.add_argument(
        *option.flags,
        type=option.type,
        default=option.default,
        help=option.help if text is None else text,
        metavar=option.metavar,
    )
