"""Embeddings that begin from word vectors, for records and for language models."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from unrolled.cli.main import main
from unrolled.data.config import DataConfig
from unrolled.data.encoders.word_vectors import WordVectors
from unrolled.errors import UserError
from unrolled.models.config import ModelConfig
from unrolled.tasks.labels.load import load_records
from unrolled.tasks.language.load import load
from unrolled.tasks.word_vectors import fill, words_wanted
from unrolled.training.config import TrainConfig
from unrolled.training.ranges import check_ranges

WORDS = ["good", "bad", "film", "the"]
QUICK = ["--train.max_steps", "1", "--train.learning_rate", "1e-12", "--train.weight_decay", "0", "--model.layers", "1"]


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("UNROLLED_CACHE", str(tmp_path / "cache"))
    Path("vectors.txt").write_text("".join(f"{word} {n}.5 {n} -1 0.25 2 {n}\n" for n, word in enumerate(WORDS)))
    texts = [f"the film was {('good', 'bad')[n % 2]} {n},{('yes', 'no')[n % 2]}" for n in range(40)]
    Path("films.csv").write_text("text,label\n" + "\n".join(texts) + "\n")
    Path("films.txt").write_text("\n".join(text.split(",")[0] for text in texts) + "\n")


def test_records_begin_from_the_vectors(capsys: pytest.CaptureFixture) -> None:
    options = ["--model.embedding", "vectors.txt", "--model.width", "8", "--model.members", "2", "--run", "run"]
    assert main(["train", "films.csv", *options, *QUICK]) == 0
    log = Path("run/log.txt").read_text()
    assert "word vectors: 4 of" in log
    loaded = load_records("run")
    (words,) = loaded.model.encoding.words
    for table in loaded.model.network.embeddings:
        assert table.weight.shape == (len(words) + 1, 6)
        for number, word in enumerate(WORDS):
            wanted = torch.tensor([number + 0.5, number, -1, 0.25, 2, number])
            torch.testing.assert_close(table.weight[1 + words.index(word)], wanted, atol=1e-4, rtol=0)
    capsys.readouterr()
    assert main(["train", "films.csv", *options, *QUICK, "--train.resume", "auto", "--train.max_steps", "2"]) == 0


@pytest.mark.parametrize("family", ["gru", "transformer"])
def test_language_begins_from_the_vectors(family: str) -> None:
    options = ["--model.embedding", "vectors.txt", "--model.family", family, "--data.context", "8", "--run", "run"]
    options += ["--model.heads", "3"] if family == "transformer" else ["--model.width", "16"]
    assert main(["train", "films.txt", *options, *QUICK]) == 0
    loaded = load("run")
    table = loaded.network.embedding
    assert isinstance(table, nn.Embedding)
    assert table.weight.shape[1] == 6
    row = loaded.vocabulary.tokens.index("bad")
    torch.testing.assert_close(table.weight[row], torch.tensor([1.5, 1, -1, 0.25, 2, 1]), atol=1e-4, rtol=0)


def test_words_that_the_file_lacks_stay_random_with_the_same_spread() -> None:
    torch.manual_seed(0)
    table = nn.Embedding(1001, 20)
    random = np.random.default_rng(0)
    known = np.arange(1000) < 500
    vectors = WordVectors(Path("x"), random.normal(0, 0.3, size=(1000, 20)).astype(np.float32), known)
    fill(table, vectors, first=1)
    torch.testing.assert_close(table.weight[1:501].detach(), torch.from_numpy(vectors.matrix[:500]))
    assert float(table.weight.detach()[501:].std()) == pytest.approx(0.3, rel=0.05)
    assert float(table.weight.detach()[0].std()) < 0.6


REFUSED = [
    (["films.csv", "--model.embedding", "onehot"], '"onehot", and there is no such file; did you mean "one-hot"?'),
    (["films.csv", "--model.embedding", "vectors.txt", "--model.embedding_size", "9"], "have 6 features; leave it out"),
    (["films.csv", "--model.embedding", "vectors.txt", "--data.vocabulary", "char"], "choose --data.vocabulary word"),
    (
        ["films.txt", "--model.embedding", "vectors.txt", "--model.family", "transformer", "--model.width", "8"],
        "of the vectors in vectors.txt, 6",
    ),
    (["numbers.csv", "--model.embedding", "vectors.txt"], "the inputs have no words"),
    (["films.csv", "--model.embedding", "films.csv"], "films.csv, line 1: expected a word and its numbers"),
]


@pytest.mark.parametrize(("arguments", "sentence"), REFUSED)
def test_what_cannot_be(arguments: list[str], sentence: str, capsys: pytest.CaptureFixture) -> None:
    Path("numbers.csv").write_text(
        "a,b,label\n" + "\n".join(f"{n}.5,{n % 7}.1,{'xy'[n % 2]}" for n in range(20)) + "\n"
    )
    assert main(["train", *arguments]) == 2
    err = capsys.readouterr().err
    assert sentence in err
    assert not Path("runs").exists()


def test_a_vocabulary_of_words_is_chosen() -> None:
    assert words_wanted(DataConfig(), ModelConfig(embedding="vectors.txt")).vocabulary == "word"
    assert words_wanted(DataConfig(), ModelConfig()).vocabulary == "auto"
    with pytest.raises(UserError, match="there is no such file; give learned, one-hot or a file"):
        check_ranges(DataConfig(), ModelConfig(embedding="glove.6B.100d.txt"), TrainConfig())
