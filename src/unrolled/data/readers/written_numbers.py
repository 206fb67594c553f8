"""Numbers as people and spreadsheets write them: `$1,230.50`, `1.230,49`, `€ 12`, `12 %`, `1 234,5`, `1'234.50`, `(5)`.

A cell is read by the format of its column (see `column_facts`), since `1.230` alone may be either of two numbers. The
patterns are for `re` and for polars alike.
"""

import re
from typing import NamedTuple

import polars as pl

PER_CENT = "%"
_SPACE = " \u00a0\u2009\u202f"
_SYMBOLS = "$€£¥₹₽₩₺₫₪฿₴₦₱₡₵₸₮₲₭₼₾"
_CURRENCIES = (
    "USD|EUR|GBP|JPY|CNY|INR|CHF|CAD|AUD|NZD|BRL|MXN|RUB|TRY|ZAR|PLN|SEK|NOK|DKK|CZK|HUF|KRW|HKD|SGD|ILS|THB|UAH"
)
_UNIT = rf"[A-Z]{{0,2}}[{_SYMBOLS}]|{_CURRENCIES}|[kK]r\.?|zł|Kč|Ft|Fr\.|Rs\.?|{PER_CENT}"
_SIGN = "[-+\u2212]"


def _core(decimal: str, thousands: str) -> str:
    """The digits of a number, with one kind of mark between thousands, or none."""
    grouped = "|".join(rf"[1-9][0-9]{{0,2}}(?:[{mark}][0-9]{{3}})+" for mark in (thousands, _SPACE, "'\u2019"))
    lakhs = r"|[1-9][0-9]?(?:,[0-9]{2})+,[0-9]{3}" if thousands == "," else ""
    mark = re.escape(decimal)
    return rf"(?:(?:{grouped}{lakhs}|[0-9]+)(?:{mark}[0-9]*)?|{mark}[0-9]+)(?:[eE][-+]?[0-9]+)?"


def _whole(core: str) -> str:
    return (
        rf"^(?P<open>\()?(?P<sign>{_SIGN})?(?:[{_SPACE}]*(?P<before>{_UNIT})[{_SPACE}]*)?(?P<inner>{_SIGN})?"
        rf"(?P<core>{core})(?:[{_SPACE}]*(?P<after>{_UNIT}))?(?P<close>\))?$"
    )


WRITTEN = {".": _whole(_core(".", ",")), ",": _whole(_core(",", "."))}
"""By decimal mark: what a cell with a number looks like."""
EITHER = r"^[-+]?[1-9][0-9]{0,2}\.[0-9]{3}$"
"""A plain number of which the cell alone does not say whether its point stands before decimals."""
_DIGIT = re.compile("[0-9]")
_PYTHON = {decimal: re.compile(pattern) for decimal, pattern in WRITTEN.items()}


class NumberFormat(NamedTuple):
    """How the numbers of a column are written."""

    decimal: str = "."
    """the mark before decimals, `.` or `,`; the other one may stand between thousands, as may spaces and apostrophes"""
    unit: str = ""
    """the currency or per-cent sign, if there is one"""

    def to_json(self) -> list[str]:
        return list(self)


PLAIN = NumberFormat()


def is_written_number(cell: str) -> bool:
    """Whether a cell holds a number in some format."""
    return bool(_DIGIT.search(cell, 0, 16)) and any(pattern.match(cell) for pattern in _PYTHON.values())


def parse(cells: pl.Series, form: NumberFormat) -> pl.Series:
    """Float64, null for what is no number in this format. A per-cent sign changes nothing: `12 %` is 12.

    A cell in another unit than that of the format is none; nor is one without a unit among per cents, except 0, since
    `0.12` may mean 12 %.
    """
    if form.decimal == ".":
        plain = cells.cast(pl.Float64, strict=False)
    else:
        whole = pl.select(pl.when(~cells.str.contains(".", literal=True)).then(cells)).to_series()
        plain = whole.str.replace(",", ".", literal=True).cast(pl.Float64, strict=False)
    if form.unit == PER_CENT:
        plain = plain.set(plain.fill_null(0) != 0, None)
    left = (plain.is_null() & cells.is_not_null()).arg_true()
    if not len(left):
        return plain
    return plain.clone().scatter(left, _parse_written(cells.gather(left), form))


def unit_of(cells: pl.Series, decimal: str) -> pl.Series:
    """The currency or per-cent sign of each cell, "" for none, null for what is no number."""
    parts = cells.str.extract_groups(WRITTEN[decimal]).struct.unnest()
    unit = pl.coalesce(pl.col("before"), pl.col("after"), pl.lit(""))
    return parts.select(pl.when(pl.col("core").is_not_null()).then(unit)).to_series()


def _parse_written(cells: pl.Series, form: NumberFormat) -> pl.Series:
    parts = cells.str.extract_groups(WRITTEN[form.decimal]).struct.unnest()
    thousands = "." if form.decimal == "," else ","
    digits = pl.col("core").str.replace_all(f"[{thousands}{_SPACE}'\u2019]", "")
    amount = digits.str.replace(form.decimal, ".", literal=True).cast(pl.Float64, strict=False)
    minus = [pl.col(name).is_in(["-", "\u2212"]).fill_null(False) for name in ("sign", "inner")]
    closed = pl.col("open").is_not_null()
    unit = pl.coalesce(pl.col("before"), pl.col("after"), pl.lit(""))
    allowed = [form.unit] if form.unit == PER_CENT else ["", *filter(None, [form.unit])]
    right = (
        (closed == pl.col("close").is_not_null())  # both brackets or none
        & (minus[0].cast(pl.Int8) + minus[1].cast(pl.Int8) + closed.cast(pl.Int8) < 2)
        & (pl.col("sign").is_null() | pl.col("inner").is_null())
        & (pl.col("before").is_null() | pl.col("after").is_null())
        & (unit.is_in(allowed) | ((amount == 0) & (unit == "")))
    )
    negative = minus[0] | minus[1] | closed
    return parts.select(pl.when(right).then(pl.when(negative).then(-amount).otherwise(amount))).to_series()
