"""Tables of numbers without a header whose first column is the label, as the UCR archive has been given out in text."""

from dataclasses import replace

import polars as pl

from unrolled.data.readers.columns import SAMPLE, Table
from unrolled.data.readers.number_tables import FEWEST
from unrolled.data.records import Notes, Reading

LABEL = "label"


def with_label_first(table: Table, reading: Reading, notes: Notes) -> Table:
    """The table with its first column as `label` and the others as steps `t0`, `t1` and so on, if they look so.

    They do if there is no header, all columns hold numbers, and the first one whole numbers of which each comes several
    times, while the others have decimals; or if a model was trained on such a table.
    """
    names = list(table.columns)
    if not table.headless or len(names) <= FEWEST or reading.inputs or reading.target not in (None, LABEL):
        return table
    trained = reading.kinds is not None and {"t", LABEL} & reading.kinds.keys() == {"t", LABEL}
    labelled = reading.wish.target in (None, "label") and _first_is_label(table, names, alone=trained)
    if not labelled and not trained:
        return table
    first = [LABEL] if labelled else []
    steps = [f"t{number}" for number in range(len(names) - len(first))]
    renamed = dict(zip(names, [*first, *steps], strict=True))
    if not trained:
        notes.hint(
            f"{table.name} has no header; its first column is taken for the label and the {len(steps)} others for the "
            "steps of a series; if that is wrong, give it a header"
        )
    if labelled:  # written as 1.0000000e+00
        whole = pl.col(names[0]).cast(pl.Float64).cast(pl.Int64).cast(pl.String)
        table = replace(table, frame=table.frame.with_columns(whole))
    return table.renamed(renamed)


def _first_is_label(table: Table, names: list[str], *, alone: bool) -> bool:
    """Whether the first column looks like labels; with `alone` also one of which each comes once."""
    head = table.head()
    if not all(table.is_numeric(name) or table.facts[name].empty for name in names):
        return False
    label = head[names[0]].cast(pl.Float64, strict=False)
    if label.null_count() or not (label % 1 == 0).all():
        return False
    if not alone and 2 * label.n_unique() > max(4, len(label)):
        return False
    others = head.select(pl.col(names[1 : SAMPLE // 4]).cast(pl.Float64, strict=False))
    return any(bool((column.drop_nulls() % 1 != 0).any()) for column in others.iter_columns())
