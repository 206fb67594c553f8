import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from python_calls import python_calls
from unrolled.errors import UserError
from unrolled.scoring.text import edit_distances, transcription_metrics, translation_metrics

REFERENCES = ["the cat sat on the mat .", "hello there , my friend", "it is raining again today", "no"]
HYPOTHESES = ["the cat sat on a mat .", "hello my friend", "it rains again today", ""]


def slow_distance(text, other):
    row = list(range(len(other) + 1))
    for i, a in enumerate(text, 1):
        row, above = [i], row
        for j, b in enumerate(other, 1):
            row.append(min(above[j] + 1, row[j - 1] + 1, above[j - 1] + (a != b)))
    return row[-1]


@given(st.lists(st.tuples(st.text("abc", max_size=9), st.text("abcé", max_size=9)), max_size=12))
def test_edit_distance_is_that_of_the_textbook(pairs):
    distances = edit_distances([text for text, _ in pairs], [other for _, other in pairs])
    assert distances.tolist() == [slow_distance(text, other) for text, other in pairs]


def test_edit_distance_by_hand_and_of_words():
    assert edit_distances(["kitten", "", "abc"], ["sitting", "ab", ""]).tolist() == [3, 2, 3]
    assert edit_distances([["a", "b", "c"]], [["a", "c"]]).tolist() == [1]


def test_error_rates_by_hand():
    metrics = transcription_metrics(["one two three", "four"], ["one too three", "four five"])
    assert metrics["cer"].value == pytest.approx((1 + 5) / 17)
    assert metrics["wer"].value == pytest.approx((1 + 1) / 4)
    assert metrics["cer"].better == "lower"
    assert metrics["cer"].low <= metrics["cer"].value <= metrics["cer"].high
    assert transcription_metrics([""], ["x"])["cer"].note == "the references are empty"


def test_ten_thousand_transcripts_are_quick():
    random = np.random.default_rng(0)
    texts = ["".join(random.choice(list("abcdefgh "), size=30)) for _ in range(10_000)]
    assert transcription_metrics(texts, texts[::-1])["cer"].value > 0.3
    pairs = python_calls(lambda: transcription_metrics(texts, texts[::-1])) / len(texts)
    assert pairs < 30 * 30 / 3  # the textbook takes more than one step for each pair of characters


def test_a_long_pair_beside_short_ones():
    long = "ab" * 1000
    assert edit_distances(["a", long, "b"], ["b", long + "c", "b"]).tolist() == [1, 1, 0]


def test_scores_are_those_of_sacrebleu():
    sacrebleu = pytest.importorskip("sacrebleu")
    metrics = translation_metrics(REFERENCES, HYPOTHESES)
    bleu = sacrebleu.metrics.BLEU(force=True)
    chrf = sacrebleu.metrics.CHRF()
    assert metrics["bleu"].value == pytest.approx(bleu.corpus_score(HYPOTHESES, [REFERENCES]).score)
    assert metrics["chrf"].value == pytest.approx(chrf.corpus_score(HYPOTHESES, [REFERENCES]).score)
    assert metrics["bleu"].note == f"sacrebleu {bleu.get_signature().format()}"
    assert "tok:13a" in metrics["bleu"].note


def test_the_interval_is_about_that_of_sacrebleu():
    sacrebleu = pytest.importorskip("sacrebleu")
    random = np.random.default_rng(1)
    words = list("abcdefghij")
    references = [" ".join(random.choice(words, size=12)) for _ in range(150)]
    hypotheses = [" ".join(w if random.random() < 0.8 else "x" for w in text.split()) for text in references]
    theirs = sacrebleu.metrics.BLEU().corpus_score(hypotheses, [references], n_bootstrap=1000)
    ours = translation_metrics(references, hypotheses)["bleu"]
    assert (ours.high - ours.low) / 2 == pytest.approx(theirs._ci, rel=0.15)


def test_perfect_empty_and_unequal():
    pytest.importorskip("sacrebleu")
    assert translation_metrics(REFERENCES, REFERENCES)["bleu"].value == pytest.approx(100.0)
    assert translation_metrics([], [])["chrf"].value is None
    with pytest.raises(ValueError, match="1 hypotheses for 2 references"):
        translation_metrics(["a", "b"], ["a"])


def test_without_sacrebleu_there_is_one_clear_sentence(monkeypatch):
    monkeypatch.setitem(sys.modules, "sacrebleu.metrics", None)
    with pytest.raises(UserError, match=r'needs sacrebleu: pip install "unrolled\[translation\]"'):
        translation_metrics(["a"], ["a"])
