"""Word vectors in the text formats of word2vec and GloVe."""

from pathlib import Path

import numpy as np
import pytest

from unrolled.data.encoders.word_vectors import read_word_vectors
from unrolled.errors import UserError

GLOVE = "the 0.1 0.2 0.3\ncat 1 -2 3e-1\n. . 7 8 9\nat 4 5 6\n"


def file(tmp_path: Path, text: str | bytes) -> Path:
    path = tmp_path / "vectors.txt"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


@pytest.mark.parametrize(
    "text", [GLOVE, "4 3\n" + GLOVE, "4 3\n" + GLOVE.replace("\n", " \n"), GLOVE.replace("e ", "e\t")]
)
def test_with_and_without_a_header(text: str, tmp_path: Path) -> None:
    vectors = read_word_vectors(file(tmp_path, text), ["cat", "<unk>", "the", "The", ". ."])
    np.testing.assert_allclose(
        vectors.matrix, [[1, -2, 0.3], [0, 0, 0], [0.1, 0.2, 0.3], [0.1, 0.2, 0.3], [7, 8, 9]], rtol=1e-6
    )
    assert vectors.matrix.dtype == np.float32
    assert vectors.known.tolist() == [True, False, True, True, True]
    assert str(vectors) == f"word vectors: 4 of 5 words (80%) are in {tmp_path / 'vectors.txt'}, 3 features"


def test_a_word_as_written_comes_before_its_lower_case_and_the_first_of_two_counts(tmp_path: Path) -> None:
    path = file(tmp_path, "us 1 1\nUS 2 2\nus 3 3\nÄrger 4 4\n")
    vectors = read_word_vectors(path, ["US", "us", "Us", "Ärger"])
    assert vectors.matrix[:, 0].tolist() == [2, 1, 1, 4]


def test_only_the_words_of_the_vocabulary_are_kept(tmp_path: Path) -> None:
    """Nor are the numbers of others read: that would take most of the time."""
    lines = "".join(f"word{n} x y\n" for n in range(5000))
    vectors = read_word_vectors(file(tmp_path, "cat 1 2\n" + lines), ["cat"])
    assert vectors.matrix.tolist() == [[1, 2]]


BAD: dict[str, tuple[str | bytes, str]] = {
    "too few": (GLOVE + "dog 1 2\n", "line 5: expected a word and 3 numbers as in the lines before, found 2 columns"),
    "too many": (
        GLOVE + "dog 1 2 3 4\n",
        "line 5: expected a word and 3 numbers as in the lines before, found 4 columns",
    ),
    "no numbers": ("the cat sat\non the mat\n", "line 1: expected a word and its numbers, found 'the cat sat'"),
    "infinite": (GLOVE + "dog 1 nan 3\n", "line 5: expected a finite number, found 'nan'"),
    "a word among them": (GLOVE + "dog 1 x 3\n", "line 5: expected a finite number, found 'x'"),
    "empty": ("", "is empty"),
    "header only": ("3 2\n", "is empty"),
    "binary": (b"3 2\nthe \x00\x81\x02\xff\n", "line 2: expected a word and its numbers"),
    "other words": ("Hund 1 2\nKatze 3 4\n", "has none of the 2 words of the vocabulary"),
}


@pytest.mark.parametrize("name", BAD)
def test_damaged_files(name: str, tmp_path: Path) -> None:
    content, sentence = BAD[name]
    with pytest.raises(UserError) as caught:
        read_word_vectors(file(tmp_path, content), ["dog", "cat"])
    assert sentence in str(caught.value)
    assert "vectors.txt" in str(caught.value)
    assert "\n" not in str(caught.value)
