"""One sentence for every mistake in an option or a config file: what was found, what was expected, what is nearest."""

import difflib
import re
from collections.abc import Iterable, Sequence
from typing import Any

from unrolled.errors import UserError


class Failed(Exception):
    """A verb came to its end and found something wrong: its result is still printed, the exit code is 1."""

    def __init__(self, result: dict[str, Any]) -> None:
        super().__init__()
        self.result = result


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word most like `word`, or None if nothing is close."""
    found = difflib.get_close_matches(word, list(known), n=1, cutoff=0.6)
    return found[0] if found else None


def unknown_option(name: str, known: Sequence[str], otherwise: str) -> str:
    """The end of a sentence about an unknown option: the nearest one, or else where to look."""
    last = name.rsplit(".", 1)[-1].lstrip("-")
    same = [other for other in known if other.lstrip("-").rsplit(".", 1)[-1] == last]
    found = same[0] if same else nearest(name, known)
    return f"unknown option {name}; " + (f"did you mean {found}?" if found else otherwise)


def bad_choice(option: str, value: str, choices: Sequence[str]) -> str:
    """A sentence about a value that is not among the choices of an option."""
    noun = option.lstrip("-").rsplit(".", 1)[-1].replace("_", " ")
    found = nearest(value, choices)
    known = ", ".join(choices)
    hint = f'did you mean "{found}"? ({known})' if found else f"choose one of {known}"
    return f'unknown {noun} "{value}" for {option}; {hint}'


def parse_failure(message: str) -> tuple[str, str] | None:
    """Which option jsonargparse refused, and which value: ("model.width", "abc"), or None for another complaint."""
    keys = re.findall(r'Parser key "([^"]+)"', message)  # from the group down to the option
    value = re.search(r"(?:Got value|Given value): (.*)\Z", message, re.DOTALL)
    if keys and value:
        return keys[-1], value[1].strip()
    choice = re.match(r"argument (\S+): invalid choice: '(.*?)' \(choose from ", message, re.DOTALL)
    return (choice[1].lstrip("-"), choice[2]) if choice else None


def missing_value(message: str) -> str | None:
    """The flag that stands without its value, such as "--model.width"."""
    found = re.match(r"argument (\S+): expected (?:one|at least one) argument", message)
    return found[1].split("/")[-1].rstrip("+") if found else None


def missing_arguments(message: str) -> str | None:
    """The first positional argument that is not there."""
    found = re.match(r"the following arguments are required: (\w+)", message)
    return found[1] if found else None


def left_over(message: str) -> str | None:
    """The first argument that nothing wanted: an unknown option if there is one."""
    if not message.lower().startswith("unrecognized arguments: "):
        return None
    words = message.split(": ", 1)[1].split(" ")
    return next((word for word in words if word.startswith("-")), words[0])


def one_sentence(message: str) -> UserError:
    """Any other complaint of the parser, on one line."""
    return UserError(" ".join(message.split()))
