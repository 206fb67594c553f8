"""Whether the first line of a table names its columns."""

import re

from unrolled.data.readers.written_numbers import is_written_number

KNOWN = frozenset(
    [
        "label",
        "labels",
        "class",
        "classes",
        "target",
        "category",
        "tag",
        "y",
        "x",
        "text",
        "sentence",
        "sentence1",
        "sentence2",
        "sequence",
        "seq",
        "document",
        "review",
        "comment",
        "message",
        "tweet",
        "content",
        "title",
        "body",
        "source",
        "src",
        "tgt",
        "input",
        "output",
        "expression",
        "formula",
        "question",
        "answer",
        "id",
        "name",
        "index",
        "date",
        "time",
        "timestamp",
        "datetime",
        "ds",
        "unique_id",
        "value",
        "values",
        "group",
    ]
)
"""names that columns have and values hardly ever"""
_LANGUAGES = frozenset(
    "english german french spanish italian portuguese dutch russian chinese mandarin cantonese japanese korean arabic "  # noqa: SIM905
    "polish czech slovak slovene slovenian swedish danish finnish norwegian icelandic turkish ukrainian belarusian "
    "greek hebrew hindi urdu bengali tamil telugu hungarian romanian bulgarian serbian croatian bosnian macedonian "
    "albanian latvian lithuanian estonian irish welsh scottish catalan basque galician latin esperanto persian farsi "
    "kurdish pashto thai vietnamese indonesian malay tagalog swahili yoruba zulu xhosa afrikaans nepali sinhala "
    "mongolian kazakh uzbek azerbaijani georgian armenian maltese yiddish interlingua".split()
)
_CODES = frozenset(
    "en de fr es it pt nl ru zh ja ko ar pl cs sk sl sv da fi no nb nn is tr uk be el he hi ur bn ta te hu ro bg sr hr "  # noqa: SIM905
    "bs mk sq lv lt et ga cy gd ca eu gl la eo fa ku ps th vi id ms tl sw yo zu xh af ne si mn kk uz az ka hy mt yi "
    "eng deu ger fra fre spa ita por nld dut rus zho cmn jpn kor ara pol ces cze swe dan fin nor nob tur ukr ell gre "
    "heb hin hun ron rum bul lat epo".split()
)
_WORDS = frozenset("no is be he el la da de si ja to id me hi ca fa et sl it ga eu ne".split())  # noqa: SIM905
"""codes that are short words too, such as `si` and `ja`: they are no header above other short words"""
_SIDES = frozenset(["source", "target", "src", "tgt", "trg", "sentence1", "sentence2", "text1", "text2"])
_NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?$")


def is_number(cell: str) -> bool:
    """Whether a field is written as a number (not infinity or NaN), also as spreadsheets do, such as `$1,230.50`."""
    return bool(_NUMBER.match(cell)) or is_written_number(cell)


def has_header(rows: list[list[str]], doubt: bool = True) -> bool:
    """Whether the first of these rows holds names. All are stripped fields of the head of one file.

    It does if a column of numbers begins with a word, if a cell is a usual name such as `label`, or if its numbers
    count on (0, 1, 2, ...); it does not if it has other numbers, or values that the rows below have too. A table of
    three or more columns has one in doubt; with fewer, `doubt` decides, except that two sentences are no header of
    sentences, unless words in them speak of columns.
    """
    first, rest = rows[0], [row for row in rows[1:] if len(row) == len(rows[0])]
    if len(set(first)) < len(first):
        return not all(map(is_number, first)) and len(first) > 2
    numeric = [_mostly_numbers([row[index] for row in rest]) for index in range(len(first))]
    numbers = [cell for cell in first if is_number(cell)]
    if numbers:
        if _counting(numbers) and (len(numbers) > 2 or not any(numeric)):
            return True
        return any(
            cell and not is_number(cell) and (column or cell.lower() in KNOWN)
            for cell, column in zip(first, numeric, strict=True)
        )
    if any(cell and column for cell, column in zip(first, numeric, strict=True)):
        return True
    if any(cell.lower() in KNOWN for cell in first) or names_a_pair(first, rest):
        return True
    if any(cell and cell in {row[index] for row in rest} for index, cell in enumerate(first)):
        return False
    if len(first) == 2 and all(_mostly_sentences([row[index] for row in rest]) for index in (0, 1)):
        return doubt and (not any(" " in cell for cell in first) or all(_speaks_of_a_column(cell) for cell in first))
    return doubt or len(first) > 2 or _names_above_labels(first, rest)


def names_a_pair(cells: list[str], rest: list[list[str]]) -> bool:
    """Whether two cells above pairs of texts say which is which: names of languages, `source` and `target`, 1 and 2; or
    codes such as `en`, but words such as `he` and `el` only above longer texts."""
    names = [cell.strip().lower() for cell in cells]
    if len(names) != 2 or names[0] == names[1]:
        return False
    if names in (["1", "2"], ["0", "1"]):
        return not any(is_number(cell) for row in rest[:1] for cell in row)
    if all(name in _LANGUAGES or name in _SIDES for name in names):
        return True
    codes = [re.split("[-_]", name)[0] for name in names]
    known = all(code in _CODES or name in _LANGUAGES for code, name in zip(codes, names, strict=True))
    return known and (not _WORDS.issuperset(codes) or _mostly_sentences([row[0] for row in rest]))


def names_a_language(word: str) -> bool:
    """Whether a word in the name of a file says in which language it is (`en`, `pt-br`, `german`), or on which side."""
    word = word.lower()
    return word in _SIDES or word in _LANGUAGES or word in _CODES


def _mostly_sentences(cells: list[str]) -> bool:
    filled = [cell for cell in cells if cell]
    return bool(filled) and sum(" " in cell for cell in filled) > len(filled) / 2


def _speaks_of_a_column(cell: str) -> bool:
    return bool((KNOWN | _LANGUAGES | _SIDES) & set(cell.lower().split()))


def _counting(cells: list[str]) -> bool:
    return all(cell.isdigit() for cell in cells) and all(
        int(cell) == int(cells[0]) + offset for offset, cell in enumerate(cells)
    )


def _mostly_numbers(cells: list[str]) -> bool:
    filled = [cell for cell in cells if cell]
    return bool(filled) and sum(map(is_number, filled)) >= 0.8 * len(filled)


def _names_above_labels(first: list[str], rest: list[list[str]]) -> bool:
    """Whether a column of few values begins with another one, and the text beside it with a single word."""
    few = [len({row[index] for row in rest}) <= len(rest) / 2 for index in range(len(first))]
    return len(rest) > 3 and any(few) and not any(" " in cell for cell in first)
