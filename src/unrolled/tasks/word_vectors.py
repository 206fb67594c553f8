"""Embeddings that begin from word vectors."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor, nn

from unrolled.data.config import DataConfig
from unrolled.data.encoders.token_parts import Progress
from unrolled.data.encoders.word_vectors import WordVectors, read_word_vectors
from unrolled.errors import UserError
from unrolled.models.config import ModelConfig


def words_wanted(data: DataConfig, model: ModelConfig) -> DataConfig:
    """The settings with a vocabulary of words where word vectors ask for one. Raises `UserError` for another one."""
    if not model.embedding_file:
        return data
    if data.vocabulary not in ("auto", "word"):
        raise UserError(
            f"--model.embedding {model.embedding} has vectors of words, and --data.vocabulary is {data.vocabulary}; "
            "choose --data.vocabulary word"
        )
    return replace(data, vocabulary="word")


def read_vectors(
    model: ModelConfig, tables: Sequence[Sequence[str]], progress: Progress | None = None
) -> list[WordVectors]:
    """The vectors of the words of each table, out of `model.embedding`; none if that is not a file."""
    if not model.embedding_file:
        return []
    if not tables:
        raise UserError(f"--model.embedding {model.embedding} has vectors of words, and the inputs have no words")
    whole = read_word_vectors(Path(model.embedding), [word for table in tables for word in table], progress)
    parts = []
    start = 0
    for table in tables:
        rows = slice(start, start + len(table))
        parts.append(WordVectors(whole.path, whole.matrix[rows], whole.known[rows]))
        start += len(table)
    return parts


def with_size(model: ModelConfig, size: int) -> ModelConfig:
    """The model with embeddings as large as the vectors. Raises `UserError` where it was given another size."""
    if model.embedding_size not in (None, size):
        raise UserError(
            f"--model.embedding_size is {model.embedding_size}, and the vectors in {model.embedding} have {size} "
            "features; leave it out"
        )
    return replace(model, embedding_size=size)


def of_width(model: ModelConfig, size: int) -> ModelConfig:
    """The same for a transformer over tokens, whose embeddings are as large as its width."""
    if model.width not in (None, size):
        raise UserError(
            f"--model.width is {model.width}, and a transformer needs it to be that of the vectors in "
            f"{model.embedding}, {size}; leave it out or choose another family"
        )
    return replace(model, width=size)


def fill(table: nn.Embedding, vectors: WordVectors, *, first: int = 0) -> None:
    """Put the vectors into a table, word 0 into row `first`. The other rows stay random, with the same spread."""
    weight: Tensor = table.weight
    known = torch.from_numpy(vectors.known)
    matrix = torch.from_numpy(vectors.matrix).to(weight)
    if not bool(known.any()):
        return
    with torch.no_grad():
        weight.mul_(matrix[known].std(correction=0) / weight.std(correction=0))
        rows = first + known.nonzero()[:, 0]
        weight[rows] = matrix[known]
