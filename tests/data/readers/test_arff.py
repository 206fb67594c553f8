"""ARFF files of Weka and of the UCR and UEA archives, against SciPy's reader where that reads them."""

from pathlib import Path

import numpy as np
import pytest
import scipy.io.arff

from unrolled.data.config import DataConfig
from unrolled.data.readers.read_like_training import reopen
from unrolled.data.readers.registry import open_source
from unrolled.data.records import Notes, Reading, Source
from unrolled.data.splits.part_names import find_parts
from unrolled.errors import UserError
from unrolled.tasks.choose_reading import opened_source
from unrolled.tasks.infer_schema import infer_schema

RNG = np.random.default_rng(0)
UCR = Path(__file__).parents[3].parent / "shared" / "data" / "ucr"


def opened(path: Path, text: str, notes: Notes | None = None, **reading: object) -> Source:
    path.write_text(text, encoding="utf-8")
    return open_source([path], Reading(**reading), Notes() if notes is None else notes)  # type: ignore[arg-type]


def univariate(steps: int = 24, cases: int = 12) -> str:
    attributes = "".join(f"@ATTRIBUTE att{step} NUMERIC\n" for step in range(steps))
    lines = []
    for case in range(cases):
        values = [f"{value:.6g}" for value in RNG.normal(size=steps)]
        if case == 3:
            values[5] = "?"
        lines.append(",".join([*values, str(case % 2 + 1)]))
    head = "% The Italy Power Demand data\n%\n@RELATION Italy\n\n"
    return f"{head}{attributes}@ATTRIBUTE target {{1,2}}\n\n@DATA\n" + "\n".join(lines) + "\n"


def test_a_univariate_problem_of_the_archive(tmp_path: Path) -> None:
    path = tmp_path / "Italy_TRAIN.arff"
    source = opened(path, univariate())
    rows, meta = scipy.io.arff.loadarff(path)
    assert len(source) == len(rows) == 12
    assert source.fields[0].name == "values"
    assert source.fields[0].timed
    for index, row in enumerate(rows):
        expected = np.array([row[name] for name in meta.names()[:-1]], dtype=np.float32)
        record = source.record(index)
        np.testing.assert_array_equal(record.values["values"][:, 0], expected)
        assert record.values["target"] == row["target"].decode()
    schema = infer_schema(source, task=None, target=None, inputs=[])
    assert (schema.task, schema.target.name if schema.target else None) == ("classify", "target")


def test_every_kind_of_attribute(tmp_path: Path) -> None:
    text = """% comment
@relation 'a table'
@attribute 'sepal length' real
@attribute\tpetals\tINTEGER
@attribute colour {red, 'dark blue', "it's"}
@attribute class {'Iris setosa',other}
@data
5.1, 3,'dark blue','Iris setosa'
% another comment
?,4,red,other

-1e-3,?,"it's",'Iris setosa'
"""
    source = opened(tmp_path / "a.arff", text)
    rows, _ = scipy.io.arff.loadarff(tmp_path / "a.arff")
    features = [source.record(index).values["features"] for index in range(3)]
    expected = np.array([[row[name] for name in ("sepal length", "petals")] for row in rows], dtype=np.float32)
    np.testing.assert_array_equal(np.stack(features), expected)
    assert source.fields[0].channels == ("sepal length", "petals")
    assert [source.record(index).values["colour"] for index in range(3)] == ["dark blue", "red", "it's"]
    assert source.labels("class") == [row["class"].decode() for row in rows] == ["Iris setosa", "other", "Iris setosa"]


def test_blanks_between_values_and_none_before_a_brace(tmp_path: Path) -> None:
    source = opened(tmp_path / "a.arff", "@RELATION r\n@ATTRIBUTE a REAL\n@ATTRIBUTE class{x,y}\n@DATA\n1.5 x\n2 y\n")
    assert source.labels("class") == ["x", "y"]
    assert source.record(0).values["features"].tolist() == [1.5]


def multivariate(cases: list[np.ndarray], labels: list[str], steps: int) -> str:
    """As the UEA archive writes it: a row of the relation for each channel, missing values at the end."""
    inner = "".join(f"@attribute att{step} numeric\n" for step in range(steps))
    head = f"@relation two\n@attribute relationalAtt relational\n{inner}@end relationalAtt\n"
    head += "@attribute activity {Standing,'Running fast'}\n@data\n"
    lines = []
    for case, label in zip(cases, labels, strict=True):
        rows = [",".join([*map(str, row), *"?" * (steps - len(row))]) for row in case.tolist()]
        lines.append("'" + "\\n".join(rows) + f"',{label}")
    return head + "\n".join(lines) + "\n"


def test_a_multivariate_problem_of_the_archive(tmp_path: Path) -> None:
    cases = [RNG.normal(size=(3, length)).round(4) for length in (10, 7, 10)]  # [channels, time]
    notes = Notes()
    text = multivariate(cases, ["Standing", "'Running fast'", "Standing"], 10)
    source = opened(tmp_path / "m.arff", text, notes)
    for index, case in enumerate(cases):
        np.testing.assert_array_equal(source.record(index).values["relationalAtt"], case.T.astype(np.float32))
    assert source.labels("activity") == ["Standing", "Running fast", "Standing"]
    assert "steps of padding at the end of a series, cut off: 3" in notes.lines()
    schema = infer_schema(source, task=None, target=None, inputs=[])
    assert schema.task == "classify"


def test_lines_that_end_early_and_gaps_within(tmp_path: Path) -> None:
    head = (
        "@relation r\n@attribute bag relational\n@attribute t1 numeric\n@attribute t2 numeric\n@attribute t3 numeric\n"
    )
    head += "@end bag\n@attribute class {a,b}\n@data\n"
    source = opened(tmp_path / "r.arff", head + "\"1,?,3\\n4,5\",a\n'7\\n8',b\n")
    nan = np.nan
    np.testing.assert_array_equal(source.record(0).values["bag"], [[1, 4], [nan, 5], [3, nan]])
    np.testing.assert_array_equal(source.record(1).values["bag"], [[7, 8]])


def test_a_relation_whose_rows_are_steps(tmp_path: Path) -> None:
    head = "@relation r\n@attribute walk relational\n@attribute pulse numeric\n@attribute speed numeric\n@end walk\n"
    head += "@attribute class {a,b}\n@data\n"
    text = head + "'1,2\\n3,4\\n5,6',a\n'7,8',b\n"
    source = opened(tmp_path / "r.arff", text)
    np.testing.assert_array_equal(source.record(0).values["walk"], [[1, 2], [3, 4], [5, 6]])
    source = opened(tmp_path / "r.arff", text.replace("'7,8'", "'7,8\\n9,9\\n1,1'"), layout="channels-time")
    np.testing.assert_array_equal(source.record(0).values["walk"], [[1, 3, 5], [2, 4, 6]])


def test_numbers_as_labels_are_classes(tmp_path: Path) -> None:
    names = ",".join(str(number) for number in range(30))
    lines = "".join(f"{n / 7},{n % 3},{n}\n" for n in range(30))
    text = f"@relation r\n@attribute a numeric\n@attribute b numeric\n@attribute class {{{names}}}\n@data\n{lines}"
    source = opened(tmp_path / "a.arff", text)
    assert infer_schema(source, task=None, target=None, inputs=[]).task == "classify"
    source = opened(tmp_path / "a.arff", text, target="a")
    assert infer_schema(source, task=None, target="a", inputs=[]).task == "regress"


def test_texts_and_a_label(tmp_path: Path) -> None:
    text = "@relation r\n@attribute review string\n@attribute class {good,bad}\n@data\n"
    source = opened(tmp_path / "a.arff", text + '\'it isn\\\'t rude\',good\n"a, b and \\"c\\"",bad\n')
    assert [source.record(index).values["review"] for index in (0, 1)] == ["it isn't rude", 'a, b and "c"']
    assert infer_schema(source, task=None, target=None, inputs=[]).task == "classify"


def test_other_files_by_the_recipe(tmp_path: Path) -> None:
    train, new = tmp_path / "Italy_TRAIN.arff", tmp_path / "new.arff"
    source = opened(train, univariate())
    recipe = opened_source(source, DataConfig(), None).recipe
    new.write_text(univariate(cases=4).replace(",1\n", ",?\n").replace(",2\n", ",?\n"))
    reopened = reopen([str(new)], recipe, Notes(), labelled=False)
    assert len(reopened) == 4
    assert reopened.record(0).values["values"].shape == (24, 1)
    assert reopened.record(0).values["target"] is None
    new.write_text(univariate(cases=4))
    reopened = reopen([str(new)], recipe, Notes(), labelled=True)
    assert reopened.labels("target") == ["1", "2", "1", "2"]


def test_parts_by_name_and_the_format_that_comes_first(tmp_path: Path) -> None:
    for part in ("TRAIN", "TEST"):
        (tmp_path / f"Italy_{part}.arff").write_text(univariate())
    paths = find_parts([tmp_path / "Italy_TRAIN.arff"], DataConfig()).parts
    assert paths == {"train": [tmp_path / "Italy_TRAIN.arff"], "test": [tmp_path / "Italy_TEST.arff"]}
    assert find_parts([tmp_path], DataConfig()).parts == paths
    for part in ("TRAIN", "TEST"):
        (tmp_path / f"Italy_{part}.ts").write_text("@data\n")
        (tmp_path / f"ItalyDimension1_{part}.arff").write_text(univariate())
    parts = find_parts([tmp_path], DataConfig())
    assert parts.parts == {"train": [tmp_path / "Italy_TRAIN.ts"], "test": [tmp_path / "Italy_TEST.ts"]}
    assert "4 files in other formats left out" in parts.note


HEAD = "@relation r\n@attribute a numeric\n@attribute class {x,y}\n@data\n"
BAD = {
    "a value too many": (HEAD + "1,x\n2,3,y\n", r"line 6: found 3 values, expected 2, one for each @attribute"),
    "a value too few": (HEAD + "1\n", r"line 5: found 1 value, expected 2"),
    "a word": (
        HEAD + "1,x\nabc,y\n",
        r"line 6: the attribute 'a': 'abc' is not a number; write \? for a missing value",
    ),
    "infinity": (HEAD + "inf,y\n", r"line 5: the attribute 'a', step 1 is 'inf', expected a finite number"),
    "another label": (HEAD + "1,x\n1,z\n", r"line 6: 'z' is not among the values of 'class' \(x, y\)"),
    "sparse": (HEAD + "{0 1, 1 x}\n", r"line 5: the values are written as sparse ones"),
    "an open quote": (HEAD + "1,'x\n", r"""line 5: the quote at "'x" is not closed"""),
    "behind a quote": (HEAD + "1,'x' y\n", r"line 5: found 'y' behind a quoted value, expected a comma"),
    "no data": (HEAD, r"has no data: nothing follows @data"),
    "no line @data": ("@relation r\n@attribute a numeric\n", r"ends at line 2 without a line @data"),
    "no attributes": ("@relation r\n@data\n1\n", r"line 2: no @attribute stands before @data"),
    "another type": ("@relation r\n@attribute a float\n@data\n1\n", r"line 2: the type of 'a' is 'float', expected"),
    "no type": (
        "@relation r\n@attribute a\n@data\n1\n",
        r"line 2: found '@attribute a', expected @attribute NAME TYPE",
    ),
    "a name twice": ("@relation r\n@attribute a real\n@attribute a real\n@data\n1,2\n", r"has the attribute 'a' twice"),
    "prose": ("once upon a time\n", r"line 1: found 'once upon a time' where the header has"),
    "an open relation": (
        "@relation r\n@attribute b relational\n@attribute t real\n",
        r"line 2: the relational attribute",
    ),
    "words in a relation": (
        "@relation r\n@attribute b relational\n@attribute t string\n@end b\n@data\n",
        r"line 3: 't' within 'b' is text, expected numeric",
    ),
    "a longer row": (
        "@relation r\n@attribute b relational\n@attribute t0 real\n@attribute t1 real\n@end b\n@data\n'1,2\\n1,2,3'\n",
        r"line 7: row 2 of 'b' has 3 values, expected 2",
    ),
    "an empty series": (
        "@relation r\n@attribute b relational\n@attribute t0 real\n@attribute t1 real\n@end b\n@data\n'?,?'\n",
        r"line 7: the series has length 0",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_what_is_refused(name: str, tmp_path: Path) -> None:
    text, sentence = BAD[name]
    with pytest.raises(UserError, match=sentence):
        opened(tmp_path / "bad.arff", text)


def test_several_files_and_a_target_that_is_not_there(tmp_path: Path) -> None:
    path = tmp_path / "a.arff"
    with pytest.raises(UserError, match=r"has no column 'targets' \(--target\), did you mean 'target'\?"):
        opened(path, univariate(), target="targets")
    with pytest.raises(UserError, match=r"\.arff files are read one at a time, and 2 were given"):
        open_source([path, path], Reading(), Notes())


@pytest.mark.skipif(not UCR.is_dir(), reason="no shared data here")
def test_the_same_problem_in_both_formats(tmp_path: Path) -> None:
    """Twelve channels of 7 to 29 steps, written as ARFF."""
    ts = open_source([UCR / "JapaneseVowels" / "JapaneseVowels_TEST.ts"], Reading(), Notes())
    cases = [record.values["series"].T for record in ts]
    labels = ts.labels("label")
    assert labels is not None
    text = multivariate(cases, labels, 29).replace(
        "{Standing,'Running fast'}", "{" + ",".join(sorted(set(labels))) + "}"
    )
    arff = opened(tmp_path / "j.arff", text)
    assert arff.labels("activity") == labels
    for index, case in enumerate(cases):
        np.testing.assert_array_equal(arff.record(index).values["relationalAtt"], case.T)
