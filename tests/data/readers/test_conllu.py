"""CoNLL-U, against the package conllu."""

import csv
import json
from pathlib import Path

import conllu
import pytest
from hypothesis import given
from hypothesis import strategies as st

from unrolled.cli.main import main
from unrolled.data.readers.conll import looks_like, read_conll
from unrolled.data.readers.conllu import columns_of
from unrolled.data.records import Notes, Reading
from unrolled.errors import UserError

TURKISH = """\
# sent_id = 1
# text = Eski kediler uyudu.
1\teski\teski\tADJ\tJJ\t_\t2\tamod\t_\t_
2-3\tkediler\t_\t_\t_\t_\t_\t_\t_\tSpaceAfter=No
2\tkedi\tkedi\tNOUN\tNN\tCase=Nom\t4\tnsubj\t_\t_
3\tler\tler\tPART\tRP\t_\t2\tcase\t_\t_
4\tuyudu\tuyu\tVERB\tVB\tTense=Past\t0\troot\t_\tSpaceAfter=No
4.1\tve\tve\tCCONJ\t_\t_\t_\t_\t4:cc\t_
5\t.\t.\tPUNCT\t.\t_\t4\tpunct\t_\t_

# sent_id = 2
#text with a\ttab
1\tSan Jose\tSan Jose\tPROPN\tNNP\t_\t0\troot\t_\t_
2\t#\t#\tSYM\tSYM\t_\t1\tdep\t_\t_
"""


def write(path: Path, text: str = TURKISH) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def by_oracle(text: str, column: str) -> list[tuple[list[str], list[str]]]:
    raw = {"feats": lambda line, i: line[i], "deps": lambda line, i: line[i], "misc": lambda line, i: line[i]}
    sentences = conllu.parse(text, field_parsers=raw)
    words = [[token for token in sentence if isinstance(token["id"], int)] for sentence in sentences]
    return [([t["form"] for t in sentence], [t[column] for t in sentence]) for sentence in words]


@pytest.mark.parametrize("column", ["upos", "xpos", "deprel", "feats", "lemma"])
def test_words_and_tags_are_those_of_the_package_conllu(column: str, tmp_path: Path) -> None:
    notes = Notes()
    source = read_conll([write(tmp_path / "a.conllu")], Reading(target=None if column == "upos" else column), notes)
    assert [field.name for field in source.fields] == ["tokens", column]
    assert [(r.values["tokens"], r.values[column]) for r in source] == by_oracle(TURKISH, column)
    assert notes.counts == {"comment lines left out": 4, "ranges of words and empty nodes, left out": 2}


WORD = st.text(st.characters(categories=["L", "N", "P", "S"]), min_size=1, max_size=4).filter(lambda w: w.strip() == w)


@given(
    st.lists(st.lists(st.tuples(WORD, st.sampled_from(["NOUN", "VERB", "_"]), st.booleans()), min_size=1), min_size=1)
)
def test_any_treebank(tmp_path_factory: pytest.TempPathFactory, sentences: list[list[tuple[str, str, bool]]]) -> None:
    lines = []
    for sentence in sentences:
        for number, (word, tag, ranged) in enumerate(sentence, start=1):
            if ranged:
                lines.append(f"{number}-{number + 1}\tx" + "\t_" * 8)
            lines.append(f"{number}\t{word}\t_\t{tag}" + "\t_" * 6)
        lines.append("")
    text = "\n".join(["1\tx\t_\tX" + "\t_" * 6, "", *lines]) + "\n"
    source = read_conll([write(tmp_path_factory.mktemp("u") / "a.txt", text)], Reading(), Notes())
    assert [(r.values["tokens"], r.values["upos"]) for r in source] == by_oracle(text, "upos")


def test_the_content_tells_whatever_the_file_is_called(tmp_path: Path) -> None:
    for name in ("a.txt", "a.conll", "a", "a.tsv.bak"):
        assert looks_like(write(tmp_path / name), Reading())
    assert columns_of(["1\ta\tb"]) is None
    assert columns_of(["\t".join("abcdefghij")]) is None
    two_columns = write(tmp_path / "b.conllu", "a\tO\nb\tB-x\n")
    assert [r.values["tags"] for r in read_conll([two_columns], Reading(), Notes())] == [["O", "B-x"]]


def test_columns_of_conllu_plus(tmp_path: Path) -> None:
    text = "# global.columns = ID FORM UPOS PARSEME:MWE\n1\tgive\tVERB\t1:LVC\n2\tup\tADP\t1\n"
    path = write(tmp_path / "a.cupt.conllu", text)
    assert [r.values["upos"] for r in read_conll([path], Reading(), Notes())] == [["VERB", "ADP"]]
    named = read_conll([path], Reading(target="PARSEME:MWE"), Notes())
    assert [r.values["PARSEME:MWE"] for r in named] == [["1:LVC", "1"]]


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("pos", "has no column 'pos'; the tags that it has are upos, xpos, deprel, feats, lemma|feats"),
        ("head", "the column head of .* holds no tag"),
        ("deps", "the column deps of .* holds no tag"),
    ],
)
def test_a_target_that_cannot_be_is_refused(target: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=message):
        read_conll([write(tmp_path / "a.conllu")], Reading(target=target), Notes())


def test_empty_columns(tmp_path: Path) -> None:
    bare = "".join(f"{number}\tw\t_\t_\tNN" + "\t_" * 5 + "\n" for number in (1, 2))
    path = write(tmp_path / "a.conllu", bare)
    assert read_conll([path], Reading(), Notes()).fields[1].name == "xpos", "the first that is filled"
    with pytest.raises(UserError, match=r"the column upos of .* is empty"):
        read_conll([path], Reading(target="upos"), Notes())
    untagged = write(tmp_path / "b.conllu", bare.replace("NN", "_"))
    with pytest.raises(UserError, match="has no tags"):
        read_conll([untagged], Reading(), Notes())
    assert [r.values for r in read_conll([untagged], Reading(unlabelled=True), Notes())] == [{"tokens": ["w", "w"]}]
    with pytest.raises(UserError, match=r"line 3 has 9 columns, expected 10"):
        read_conll([write(tmp_path / "c.conllu", bare + "3\tw" + "\t_" * 7 + "\n")], Reading(), Notes())


def test_training_evaluation_and_prediction(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = "\n".join(TURKISH for _ in range(20))
    path, run = write(tmp_path / "a.conllu", text), str(tmp_path / "run")
    assert main(["init", str(path), "--output", str(tmp_path / "a.yaml"), "--target", "XPOS"]) == 0
    assert "tag: tokens -> XPOS" in capsys.readouterr().out
    settings = ["--train.max_steps", "3", "--model.width", "8", "--run", run, "--target", "XPOS"]
    assert main(["train", str(path), *settings]) == 0
    assert "accuracy" in capsys.readouterr().out
    assert main(["evaluate", run, str(path), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)
    output = tmp_path / "tags.csv"
    assert main(["predict", run, str(path), "-o", str(output)]) == 0
    with output.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["token"] for row in rows[:7]] == ["eski", "kedi", "ler", "uyudu", ".", "San Jose", "#"]
