"""The options of a verb: what there is, and how help, config files and error messages name it."""

import typing
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any, Literal

from unrolled.cli.values import is_list, kind_in_words
from unrolled.settings import Setting, choices_of, parts_of, settings_in


@dataclass(frozen=True)
class Option:
    """One option of a verb."""

    name: str
    """path in a config file, such as `model.width`"""
    flags: tuple[str, ...]
    """spellings on the command line; none for a positional argument"""
    help: str
    type: Any
    """annotation: of `str`, `int`, `float`, `bool`, `Literal`, `list[str]`, also with `None`"""
    default: Any
    metavar: str
    required: bool = False
    """a positional argument that may not be left out"""
    repeats: bool = False
    """takes several values"""
    switch: bool = False
    """a flag without a value"""
    is_config: bool = False
    """a config file, of all options or of one group"""
    group: str = ""
    """title of the group it stands in"""
    common: bool = True
    """whether the short help shows it"""
    setting: Setting | None = None
    """what is known of a field of a config dataclass"""

    @property
    def word(self) -> str:
        """How a positional argument stands in the usage line, such as `FILE...`."""
        return self.metavar + ("..." if self.repeats else "")

    @property
    def choices(self) -> tuple[str, ...]:
        return choices_of(self.type)

    @property
    def expected(self) -> str:
        """What a value looks like, such as "a whole number or null"."""
        return kind_in_words(self.type)

    @property
    def shown(self) -> str:
        """How messages call it on the command line."""
        return self.flags[-1] if self.flags else self.metavar


class Parser:
    """Collects the options of a verb."""

    def __init__(self, prog: str, description: str = "") -> None:
        self.prog = prog
        self.description = description
        self.example = ""
        """a command that shows the verb at work"""
        self.options: list[Option] = []

    def add_argument(
        self,
        *flags: str,
        type: Any = str,
        default: Any = None,
        choices: Sequence[str] = (),
        nargs: Literal["*", "+"] | None = None,
        metavar: str = "",
        help: str = "",
        switch: bool = False,
        is_config: bool = False,
        common: bool = True,
    ) -> None:
        """An option with its flags, or a positional argument with its name alone.

        A switch takes no value and is true where it stands. A positional argument with `nargs` takes several words; one
        without a default may not be left out, unless a config file gives it.
        """
        positional = not flags[0].startswith("-")
        name = next((flag for flag in flags if flag.startswith("--")), flags[0]).lstrip("-").replace("-", "_")
        kind = list[str] if nargs else bool if switch else Literal[tuple(choices)] if choices else type
        self.options.append(
            Option(
                name=name,
                flags=() if positional else flags,
                help=help,
                type=kind,
                default=False if switch else [] if nargs else default,
                metavar=metavar or _metavar(name, kind),
                required=positional and default is None,
                repeats=is_list(kind),
                switch=switch,
                is_config=is_config,
                group="options" if flags else "",
                common=common,
            )
        )

    def add_settings(self, group: str, config: type, short: Sequence[str] = ()) -> None:
        """An option for every field of a config dataclass, and a config file for all of them.

        Those named in `short` have a flag without the name of the group in front too.
        """
        title = (config.__doc__ or "").strip().removesuffix(".")
        self.options.append(
            Option(
                *(group, (f"--{group}",), "YAML file with the options of this group", str, None, "FILE"),
                is_config=True,
                group=title,
                common=False,
            )
        )
        types, known, defaults = typing.get_type_hints(config), settings_in(config), config()
        for field in fields(config):
            kind, setting = types[field.name], known[field.name]
            self.options.append(
                Option(
                    name=f"{group}.{field.name}",
                    flags=(f"--{group}.{field.name}", *([f"--{field.name}"] if field.name in short else [])),
                    help=setting.sentence(),
                    type=kind,
                    default=getattr(defaults, field.name),
                    metavar=_metavar(field.name, kind),
                    repeats=is_list(kind),
                    group=title,
                    common=setting.common,
                    setting=setting,
                )
            )


def _metavar(name: str, kind: Any) -> str:
    choices = ["true", "false"] if bool in parts_of(kind) else choices_of(kind)
    return f"{{{','.join(choices)}}}" if choices else name.upper()


def positional(parser: Parser) -> list[Option]:
    return [option for option in parser.options if not option.flags]


def groups(parser: Parser) -> list[str]:
    """The names that have options below them, such as `model`."""
    return list(dict.fromkeys(option.name.split(".")[0] for option in parser.options if "." in option.name))


def all_listed(parser: Parser) -> str:
    """The end of a sentence about an option that there is not."""
    few = any(not option.common for option in parser.options)
    return f"{parser.prog} {'--help-all' if few else '--help'} lists all"


def usage(parser: Parser) -> str:
    """The usage line: the positional arguments, and that there are options."""
    words = [option.word if option.required else f"[{option.word}]" for option in positional(parser)]
    return " ".join([parser.prog, *words, "[options]"])
