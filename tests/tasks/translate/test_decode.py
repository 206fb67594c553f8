"""Texts in, texts out."""

import numpy as np
import pytest
import torch

from unrolled.data.encoders.vocabulary import CharVocabulary, WordVocabulary
from unrolled.tasks.translate.decode import padded, translate, translate_tokens
from unrolled.tasks.translate.network import TranslationNetwork

TEXT = "the cat sat on the mat and the dog sat by the door"


@pytest.fixture(scope="module")
def model() -> TranslationNetwork:
    torch.manual_seed(5)
    words, letters = WordVocabulary.fit([TEXT]), CharVocabulary.fit([TEXT])
    made = TranslationNetwork(len(words), len(letters), family="gru", layers=1, width=16)
    with torch.no_grad():
        for parameter in made.parameters():
            parameter.add_(0.3 * torch.randn_like(parameter))
        made.head.bias[made.end] -= 1
    return made.eval()


@pytest.mark.parametrize("beams", [1, 3])
def test_the_order_and_the_batches_change_nothing(model: TranslationNetwork, beams: int) -> None:
    words, letters = WordVocabulary.fit([TEXT]), CharVocabulary.fit([TEXT])
    texts = ["the cat sat", "", "the dog sat by the door and the cat", "mat", "unheard of", "the mat"]
    together = translate(model, words, letters, texts, beams=beams, batch_size=4)
    assert together == [translate(model, words, letters, [text], beams=beams)[0] for text in texts]
    assert len(set(together)) > 2


def test_lengths_and_attention(model: TranslationNetwork) -> None:
    sources = [np.array([3, 1, 4]), np.array([], dtype=np.int64), np.array([1, 5, 2, 6, 5])]
    for source, hypotheses in zip(sources, translate_tokens(model, sources, attention=True), strict=True):
        for hypothesis in hypotheses:
            assert len(hypothesis.tokens) <= 2 * len(source) + 10
            assert hypothesis.attention is not None
            assert hypothesis.attention.shape == (len(hypothesis.tokens) + 1, len(source) + 1)
            torch.testing.assert_close(hypothesis.attention.sum(1), torch.ones(len(hypothesis.tokens) + 1))
    assert all(len(hypotheses[0].tokens) <= 2 for hypotheses in translate_tokens(model, sources, max_length=2))
    assert translate_tokens(model, []) == []


def test_learned_positions_bound_the_target() -> None:
    torch.manual_seed(0)
    made = TranslationNetwork(5, 5, family="transformer", layers=1, width=8, heads=2, positions="learned", context=4)
    with torch.no_grad():
        made.head.bias[made.end] = -30
    assert [len(hypotheses[0].tokens) for hypotheses in translate_tokens(made.eval(), [np.array([1, 2, 3, 4])])] == [4]


def test_padded() -> None:
    tokens, mask = padded([np.array([7, 8]), np.array([], dtype=np.int64), np.array([9])], torch.device("cpu"))
    assert tokens.tolist() == [[7, 8], [0, 0], [9, 0]]
    assert mask.tolist() == [[True, True], [False, False], [True, False]]
