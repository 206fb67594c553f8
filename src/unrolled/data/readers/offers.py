"""What a reader offers: the ways in which some files can be read, each with its fields, before anything is decoded."""

from collections.abc import Callable, Iterable, Mapping
from functools import cached_property
from typing import NamedTuple

from unrolled.data.records import Field, Notes, Shape, Source
from unrolled.errors import UserError

_WAYS: dict[Shape, tuple[str, str]] = {
    "series": ("a series with a step per row", "--time COLUMN"),
    "wide": ("a table with a record per row", "--target COLUMN"),
    "long": ("with sequences one below the other", "--id COLUMN"),
}
"""What a table may be where nothing in it tells, and what a person can say to choose."""


class Layout(NamedTuple):
    """Where the values of the fields of records stand, and how to decode them."""

    fields: tuple[Field, ...]
    guess: str | None
    """the field that looks like what is to be learned"""
    open: Callable[[Notes], Source]
    """Decodes. Raises `UserError` for values that do not fit their fields."""
    dated: bool = False
    """whether the steps of a record have times"""
    single_words: frozenset[str] = frozenset()
    """the fields of text most of whose values are single words"""


class Offer:
    """One way to read some files. What it needs to be described is read once, when it is first asked for.

    Raises `UserError`, whatever is asked of it, for files that cannot be read in this way.
    """

    def __init__(
        self,
        shape: Shape,
        name: str,
        lay_out: Callable[[Notes], Layout],
        *,
        likely: bool = True,
        before: Notes | None = None,
        columns: str = "",
        check: Callable[[], None] | None = None,
    ) -> None:
        self.shape = shape
        self.name = name
        """of the file, for messages"""
        self.likely = likely
        """whether the files suggest this way by themselves"""
        self.columns = columns
        """of a table, for messages"""
        self._check, self._lay_out, self._notes = check, lay_out, Notes()
        self._notes.update(before or Notes())
        self._guess: str | None = None

    def meant(self, guess: str | None) -> "Offer":
        """The same where more is known: this is the way, and if a field is given, that is what is to be learned."""
        self.likely, self._guess = True, guess
        return self

    def check(self) -> None:
        """Raises `UserError` for what can be told without looking for fields."""
        if self._check is not None:
            self._check()

    @cached_property
    def _layout(self) -> Layout:
        self.check()
        layout = self._lay_out(self._notes)
        return layout if self._guess is None else layout._replace(guess=self._guess)

    @property
    def fields(self) -> tuple[Field, ...]:
        return self._layout.fields

    @property
    def target_guess(self) -> str | None:
        """The field that looks like what is to be learned, by its name or by its place in the format."""
        return self._layout.guess

    @property
    def dated(self) -> bool:
        """Whether the steps of a record have times."""
        return self._layout.dated

    @property
    def single_words(self) -> frozenset[str]:
        """The fields of text most of whose values are single words, as far as a look at some tells."""
        return self._layout.single_words

    def open(self, notes: Notes) -> Source:
        """The records; `notes` takes what is mended and left out."""
        source = self._layout.open(self._notes)
        notes.update(self._notes)
        source.target_guess = self.target_guess
        return source


def offer_source(shape: Shape, name: str, read: Callable[[Notes], Source], **settings: object) -> Offer:
    """The offer of a reader that is done with names, headers and places when its fields are known."""

    def lay_out(notes: Notes) -> Layout:
        source = read(notes)
        return Layout(source.fields, source.target_guess, lambda _: source, dated=source.dated)

    return Offer(shape, name, lay_out, **settings)  # type: ignore[arg-type]


def pick(offers: Iterable[Offer], shapes: tuple[Shape, ...]) -> Offer:
    """The first offer in a shape that is wanted, or without any wish the first that the files suggest.

    Where none has a shape that was wanted, the last that the files suggest: whoever reads it says what is wrong. Raises
    `SeveralWays` where nothing was wanted and nothing is suggested.
    """
    seen: list[Offer] = []
    for offer in offers:
        if offer.shape in shapes if shapes else offer.likely:
            return offer
        seen.append(offer)
    if not shapes:
        raise SeveralWays(seen[-1].name, seen[-1].columns)
    records = [offer for offer in seen if offer.likely and offer.shape != "text"]
    return (records or seen)[-1]


class SeveralWays(UserError):
    """A table may be several things, and nothing in it tells which."""

    def __init__(self, name: str, columns: str, flags: Mapping[Shape, str] | None = None) -> None:
        """`flags`: more that a person can say to choose a shape, before what there is for it anyway."""
        self.name, self.columns = name, columns
        ways = []
        for shape, (words, flag) in _WAYS.items():
            choice = ", or ".join(filter(None, ((flags or {}).get(shape), flag)))
            ways.append(f"{words} (choose with {choice})" if shape != "long" else f"{words} ({choice})")
        super().__init__(f"{name} may be {', or '.join(ways)}; its columns are {columns}")
