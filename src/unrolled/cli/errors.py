"""One sentence for every mistake in an option or a config file: what was found, what was expected, what is nearest."""

import difflib
from collections.abc import Iterable, Sequence
from typing import Any


class Failed(Exception):
    """A verb came to its end and found something wrong: its result is still printed, the exit code is 1."""

    def __init__(self, result: dict[str, Any]) -> None:
        super().__init__()
        self.result = result


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word most like `word`, or None if nothing is close."""
    close = difflib.get_close_matches(word, list(known), n=1, cutoff=0.6)
    return close[0] if close else None


def unknown_option(name: str, known: Sequence[str], otherwise: str) -> str:
    """The end of a sentence about an unknown option: the nearest one, or else where to look."""
    last = name.rsplit(".", 1)[-1].lstrip("-")
    same = [other for other in known if other.lstrip("-").rsplit(".", 1)[-1] == last]
    close = same[0] if same else nearest(name, known)
    return f"unknown option {name}; " + (f"did you mean {close}?" if close else otherwise)


def bad_choice(option: str, value: str, choices: Sequence[str]) -> str:
    """A sentence about a value that is not among the choices of an option."""
    noun = option.lstrip("-").rsplit(".", 1)[-1].replace("_", " ")
    close = nearest(value, choices)
    known = ", ".join(choices)
    hint = f'did you mean "{close}"? ({known})' if close else f"choose one of {known}"
    return f'unknown {noun} "{value}" for {option}; {hint}'


def bad_value(option: str, value: str, choices: Sequence[str], expected: str) -> str:
    """A sentence about a value that an option cannot have."""
    return bad_choice(option, value, choices) if choices else f'{option} expects {expected}, found "{value}"'
