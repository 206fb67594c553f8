"""Names from data, where people and programs read them: in a terminal, a log, a comment and a page of Markdown."""

import re
import sys
from typing import Any

_CONTROLS = re.compile(
    "[\x00-\x08\x0a-\x1f\x7f-\x9f"  # and not the tab
    "\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff\ud800-\udfff]"
)
"""What moves the cursor, ends a line, turns the direction of writing, or is half a character."""
_MARKDOWN = re.compile(r"([\\`*\[\]|~#$]|(?<!\w)_|_(?!\w))")


def visible(text: str) -> str:
    """One line, in which no character does anything: those that would are written as escapes such as `\\x1b`."""
    return _CONTROLS.sub(lambda match: match[0].encode("unicode_escape", "surrogatepass").decode("ascii"), text)


def markdown(text: str) -> str:
    """A part of a line of Markdown that reads as the text does: nothing in it is markup, HTML or a link.

    Source: CommonMark 0.31, sections 2.4 (backslash escapes) and 2.5 (entities).
    """
    plain = visible(text).replace("&", "&amp;").replace("<", "&lt;")
    return _MARKDOWN.sub(r"\\\1", plain).replace("://", "&#58;//").replace("www.", "www&#46;").replace("@", "&#64;")


def say(text: str, *, file: Any = None) -> None:
    """Print a line for a person."""
    print(visible(text), file=sys.stdout if file is None else file)
