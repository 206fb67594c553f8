"""A large CSV file is read in blocks, each column anew, and gives what it gives when all of its text is in memory."""

import csv
import itertools
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from unrolled.data.readers import columns
from unrolled.data.readers.columns import Table, open_table
from unrolled.data.readers.field_counts import may_be_ragged
from unrolled.data.readers.tables import read_table
from unrolled.data.records import Notes, Reading, Source
from unrolled.errors import UserError
from unrolled.tasks.reads import wish_of

BLOCKS = (1, 7, 40)
"""cells in a block: a row or a few"""


@pytest.fixture
def on_disk(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    def choose(cells: int) -> None:
        monkeypatch.setattr(columns, "TEXT_IN_MEMORY", -1)
        monkeypatch.setattr(columns, "BLOCK_CELLS", cells)

    return choose


def opened(path: Path) -> tuple[Table, dict[str, int]]:
    notes = Notes()
    return open_table(path, notes), notes.counts


CELLS = {
    "plain": b"a,b,c\n1,2,3\n4,5,6\n7,8,9\n",
    "quoted": b'a,b,c\n1,"x, y","two\nlines"\n2,"say ""no""",""\n3, z ,"  w  "\n4,"",u\n',
    "windows": b"a,b,c\r\n1,x,3\r\n\r\n4,y,6\r\n,,\r\n7,z,9",
    "mark": b"\xef\xbb\xbfa,b,c\n1,2,3\n4,5,6\n",
    "comma": b"a;b;c\n1,5;2;x\n-3,25;;y\n7;8;\n",
    "tabs": b'a\tb\tc\n1\t"x\t3\n\t\t\n4\ty"\t6\n',
    "missing": b"a,b,c\n1,NA,\n,?,3\n4,-,\n5,,6\n",
    "nul": b"a,b,c\n1,x\x00y,3\n\x00,5,6\n",
    "blank": b"a,b,c\n\n\n1,2,3\n   ,,\n\n4,5,6\n\n",
    "wide letters": "a,b,c\n1,ü,日本\n2,🙂,é\n".encode(),
}


@pytest.mark.parametrize("name", CELLS)
@pytest.mark.parametrize("cells", BLOCKS)
def test_cells_are_those_of_the_csv_module(tmp_path: Path, on_disk, monkeypatch, name: str, cells: int) -> None:  # type: ignore[no-untyped-def]
    path = tmp_path / ("table.tsv" if name == "tabs" else "table.csv")
    path.write_bytes(CELLS[name])
    monkeypatch.setattr("unrolled.data.readers.text._SNIFF", 8)  # NUL further on is a character like others
    before, notes = opened(path)
    on_disk(cells)
    table, counts = opened(path)
    assert isinstance(before.frame, pl.DataFrame)
    assert isinstance(table.frame, pl.LazyFrame)
    assert counts == notes
    separator = {"comma": ";", "tabs": "\t"}.get(name, ",")
    quoting = csv.QUOTE_NONE if name == "tabs" else csv.QUOTE_MINIMAL
    text = CELLS[name].decode("utf-8-sig").replace("\r\n", "\n").splitlines(keepends=True)
    if name == "nul":  # some versions of the module refuse them
        records = [line.rstrip("\n").split(",") for line in text]
    else:
        records = list(csv.reader(text, delimiter=separator, quoting=quoting))
    numbered = [(number, [cell.strip() or None for cell in record]) for number, record in enumerate(records[1:])]
    rows = [(number, row) for number, row in numbered if any(row)]
    assert table.length == before.length == len(rows)
    for table_ in (before, table):
        assert [table_.place(row) for row in range(table_.length)] == [f"{path}, row {n + 1}" for n, _ in rows]
        assert [table_.column(column).to_list() for column in "abc"] == [
            list(c) for c in zip(*(r for _, r in rows), strict=True)
        ]
        assert table_.read(0, table_.length).equals(before.read(0, before.length))
    blocks = list(table.blocks(["c", "a"]))
    assert [start for start, _ in blocks] == list(itertools.accumulate([0, *(len(block) for _, block in blocks[:-1])]))
    assert pl.concat([block for _, block in blocks]).equals(before.read(0, before.length, ["c", "a"]))
    assert max(len(block) for _, block in blocks) <= max(1, cells // 2)


def comparable(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return value.dtype.str, value.shape, value.tobytes()
    return value


def content(source: Source, notes: Notes) -> list[Any]:
    times = getattr(source, "times", lambda index: None)
    names = [field.name for field in source.fields]
    return [
        source.fields,
        sorted(notes.counts.items()),
        notes.hints,
        getattr(source, "target_guess", None),
        [({n: comparable(v) for n, v in record.values.items()}, record.origin) for record in source],
        [comparable(times(index)) for index in range(len(source))],
        [source.labels(name) for name in names],
        source.groups("who"),
    ]


def long_table(shuffled: bool) -> str:
    draw = np.random.default_rng(0)
    rows = [
        f"{who},2024-01-{day:02d},{'' if day == 3 else round(draw.normal(), 3)},{draw.choice(['sun', 'rain', ''])},"
        f"{kind},{size},{'NA' if day % 5 == 0 else day}"
        for who, kind, size in (("H1", "shop", 3.5), ("01", "mall", 7), ("1", "shop", ""))
        for day in range(1, 12 if who == "1" else 20)
    ]
    if shuffled:
        draw.shuffle(rows)
    return "\n".join(["unique_id,ds,y,weather,kind,size,x", *rows]) + "\n"


def series(order: int) -> str:
    rows = [f"2024-01-01 {hour:02d}:00,{hour * 1.5},{'on' if hour % 3 else 'off'}" for hour in range(20)][::order]
    return "\n".join(["time,load,state", *rows])


def wide() -> str:
    draw = np.random.default_rng(1)
    rows = [
        ",".join([*(f"{v:.2f}" for v in draw.normal(size=8 - number % 3)), *[""] * (number % 3)])
        + f",p{number % 4},{'ab'[number % 2]}"
        for number in range(12)
    ]
    return "\n".join([",".join(f"t{step}" for step in range(8)) + ",who,label", *rows])


TABLES: dict[str, tuple[str, Reading]] = {
    "long": (long_table(False), Reading()),
    "long, to forecast": (long_table(False), Reading(wish=wish_of("forecast"))),
    "long, in no order": (long_table(True), Reading()),
    "long, without times": (long_table(True).replace("2024-01-", "d"), Reading(id="unique_id", target="kind")),
    "series": (series(1), Reading()),
    "series, backwards": (series(-1), Reading(target="state", wish=wish_of("tag"))),
    "wide": (wide(), Reading(group="who")),
    "features": (
        "size,colour,price\n" + "\n".join(f"{n},{'rg'[n % 2]},{n * 2.5}" for n in range(30)),
        Reading(target="price"),
    ),
    "labelled": ("text,label\n" + "\n".join(f'"a, {n}",{"xy"[n % 2]}\n,x' for n in range(25)), Reading()),
    "labelled, no header": ("\n".join(f"text {n}\t{'xy'[n % 2]}" for n in range(25)), Reading()),
    "pairs": ("en,de\n" + "\n".join(f"one {n} two,eins {n} zwei" for n in range(9)) + "\nthree four,", Reading()),
}


@pytest.mark.parametrize("name", TABLES)
@pytest.mark.parametrize("cells", BLOCKS)
def test_records_are_the_same(tmp_path: Path, on_disk, name: str, cells: int) -> None:  # type: ignore[no-untyped-def]
    text, reading = TABLES[name]
    path = tmp_path / ("table.tsv" if "\t" in text else "table.csv")
    path.write_text(text)

    def read() -> list[Any]:
        notes = Notes()
        return content(read_table([path], reading, notes), notes)

    wanted = read()
    assert len(wanted[4]) >= 1
    on_disk(cells)
    assert read() == wanted


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "unique_id,ds,y\n" + "".join(f"a,2024-01-{d:02d},{d}\n\n" for d in range(1, 9)) + "a,2024-02-01,three\n",
            r"row 17: column 'y' has 'three'",
        ),
        ("unique_id,ds,y\na,2024-01-01,1\n,2024-01-02,2\n", r"row 2: column 'unique_id' \(--id\) is empty"),
        ("unique_id,ds,y\na,2024-01-01,1\na,soon,2\na,2024-01-03,3\n", r"row 2: column 'ds' has 'soon'"),
        ("unique_id,ds,y\na,2024-01-01,1\nb,2024-01-01,2\na,2024-01-01,3\n", "row 3 has the same time .* as row 1"),
        ("a,b,label\n1,2,x\n3,1e99,y\n", "row 2: column 'b' has 1e99"),
        ("a,b,label\n1,2,x\n3,4\n5,6,y\n", "line 3 has 2 fields, expected 3"),
        ("a,b,label\n1,2,x\n3,4,y,\n5,6,y\n", "line 3 has 4 fields, expected 3"),
        ('a,b,label\n1,2,x\n3,"4\n\n4",y\n5\n', "line 6 has 1 field, expected 3"),
        ('a,b,label\n1,2,x\n3,"4,y\n', r"table\.csv"),
        ("a,b,label\n1,2,x\n3,\udcff,y\n", "line 3: byte 0xff is not UTF-8"),
        ("a,b,label\n1,\0,x\n", "has a NUL byte at offset 12"),
        ("a,b,label\n", "has a header but no rows"),
        ("a,b,label\n,,\n  ,,\n", "has a header but no rows"),
    ],
)
@pytest.mark.parametrize("cells", BLOCKS)
def test_what_is_wrong_is_named_alike(tmp_path: Path, on_disk, text: str, message: str, cells: int) -> None:  # type: ignore[no-untyped-def]
    path = tmp_path / "table.csv"
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(UserError, match=message) as before:
        read_table([path], Reading(), Notes())
    on_disk(cells)
    with pytest.raises(UserError, match=message) as caught:
        read_table([path], Reading(), Notes())
    assert str(caught.value) == str(before.value)


def test_a_file_that_grows_while_it_is_read_is_named(tmp_path: Path, on_disk) -> None:  # type: ignore[no-untyped-def]
    path = tmp_path / "table.csv"
    path.write_text("a,b\n" + "1,2\n" * 50)
    on_disk(7)
    table = open_table(path, Notes())
    with path.open("a") as file:
        file.write("3,4\n")
    with pytest.raises(UserError, match=r"table\.csv has changed since it was opened"):
        table.column("a")


def test_only_a_column_and_a_block_of_text_are_held_at_once(tmp_path: Path, on_disk, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    """Of a long table with many columns, whatever is read."""
    names = [f"x{chr(97 + number)}" for number in range(20)]
    rows = [f"s,{step}," + ",".join(str(step + n) for n in range(20)) for step in range(60)]
    path = tmp_path / "table.csv"
    path.write_text("\n".join([",".join(["unique_id", "ds", *names]), *rows]))
    on_disk(44)
    sizes: list[tuple[int, int]] = []
    blocks = Table.blocks

    def watched(self: Table, wanted: Any = None) -> Iterator[tuple[int, pl.DataFrame]]:
        for start, block in blocks(self, wanted):
            sizes.append(block.shape)
            yield start, block

    monkeypatch.setattr(Table, "blocks", watched)
    source = read_table([path], Reading(wish=wish_of("forecast")), Notes())
    assert next(iter(source)).values["values"].shape == (60, 20)
    assert max(height * width for height, width in sizes) <= 44
    assert sum(width == 20 for _, width in sizes) == 30  # all of them once, two rows at a time


@given(
    st.lists(
        st.lists(st.sampled_from(["", "1", "ab", "x,y", 'say "no"', "two\nlines", "é"]), min_size=1, max_size=4),
        max_size=9,
    ),
    st.integers(1, 4),
    st.integers(1, 30),
    st.sampled_from(["\n", "\r\n"]),
)
def test_records_of_another_width_are_found(records: list[list[str]], width: int, size: int, end: str) -> None:
    import tempfile

    from unrolled.data.readers import field_counts

    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        path = Path(folder, "table.csv")
        with path.open("w", encoding="utf-8", newline="") as file:
            csv.writer(file, lineterminator=end).writerows(records)
        patch.setattr(field_counts, "BLOCK", size)
        with path.open(encoding="utf-8", newline="") as file:
            ragged = any(len(record) != width for record in csv.reader(file) if record)
        assert may_be_ragged(path, ",", '"', width) == ragged


@pytest.mark.parametrize("text", ['a,b\n1,5" pipe\n', 'a,b\n1, "x,y"\n', 'a,b\n1,"x\n', 'a,b\n"x"y,"1"\n2,z"3"\n'])
def test_quotes_that_can_be_understood_in_several_ways_are_looked_at(tmp_path: Path, text: str) -> None:
    path = tmp_path / "table.csv"
    path.write_text(text)
    assert may_be_ragged(path, ",", '"', 2)
    assert not may_be_ragged(path, ",", None, 2) or text.count(",") != 2


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory is told by /proc")
def test_reading_a_large_table_takes_a_few_times_its_size(tmp_path: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from unrolled.data.readers.tables import read_table\n"
        "from unrolled.data.records import Notes, Reading\n"
        "from unrolled.tasks.choose_reading import wish_of\n"
        "def peak(): return int(Path('/proc/self/status').read_text().partition('VmHWM:')[2].split()[0]) << 10\n"
        "read_table([Path(sys.argv[1])], Reading(wish=wish_of('forecast')), Notes()); before = peak()\n"
        "read_table([Path(sys.argv[2])], Reading(wish=wish_of('forecast')), Notes()); print(peak() - before)"
    )
    small, large = tmp_path / "small.csv", tmp_path / "large.csv"
    days = [
        f"{year}-{month:02d}-{day:02d}" for year in range(2000, 2020) for month in range(1, 13) for day in range(1, 29)
    ]
    for path, series in ((small, 1), (large, 500)):
        with path.open("w") as file:
            file.write("unique_id,ds,y\n")
            for number in range(series):
                file.write("".join(f"s{number},{day},{index % 7}\n" for index, day in enumerate(days)))
    size = large.stat().st_size
    assert size > 40_000_000
    done = subprocess.run([sys.executable, "-c", program, small, large], capture_output=True, text=True, check=True)
    # As text alone the cells take three times that, and all that is done with them several times more.
    assert int(done.stdout) < 5 * size
