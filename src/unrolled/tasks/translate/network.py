"""The translation model: an encoder reads the source, a decoder says the target, each with its own vocabulary."""

from collections.abc import Callable
from typing import Any

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from unrolled.layers.decoders import AttentionKind, RecurrentDecoder, Source, TransformerDecoder
from unrolled.layers.dropout import dropout as drop
from unrolled.layers.families import build_backbone
from unrolled.layers.layer import SequenceLayer
from unrolled.layers.state import State
from unrolled.objectives.softmax import softmax_loss


class TranslationNetwork(nn.Module):
    """Encoder and decoder: source tokens and the target so far to logits of the next target token.

    Both vocabularies get one more token, `</s>`, with the number after their last: it ends a source, begins and ends a
    target, and is put there by this class, so that tokens go in and come out as the vocabularies number them. Rows are
    padded on the right.

    The encoder is bidirectional for recurrent families and sees the whole source for the transformer; the decoder is
    causal with a carried state, see `RecurrentDecoder` and `TransformerDecoder`.

    With `share_vocabulary` both sides have one vocabulary and one embedding table. With `tie_weights` the head is the
    decoder's table (Press and Wolf 2017, arXiv:1608.05859), and the decoder's output has its size. With learned
    positions `context` is the most tokens of a source or target. `settings` are those of the family (for the
    transformer `kv_heads`, `positions`, `window`, `feedforward`, `qk_norm`). Raises `ValueError` for settings that do
    not fit together.
    """

    config: Any = None
    """the configuration it was built from, if it was"""
    entered = ("token_losses", "encode", "step")
    """Methods that are called from outside, beside `forward`."""

    def __init__(
        self,
        source_size: int,
        target_size: int,
        *,
        family: str,
        layers: int,
        width: int,
        embedding_size: int | None = None,
        attention: AttentionKind = "multiplicative",
        share_vocabulary: bool = False,
        tie_weights: bool = True,
        dropout: float = 0.0,
        heads: int = 4,
        context: int = 1024,
        **settings: Any,
    ) -> None:
        super().__init__()
        if attention not in ("additive", "multiplicative", "none"):
            raise ValueError(f'attention must be additive, multiplicative or none, got "{attention}"')
        if share_vocabulary and source_size != target_size:
            raise ValueError(f"one vocabulary for both sides has one size, got {source_size} and {target_size}")
        transformer = family == "transformer"
        size = width if embedding_size is None or transformer else embedding_size
        self.source_end, self.end, self.dropout = source_size, target_size, dropout
        self.longest = context if transformer and settings.get("positions") == "learned" else None
        """Most tokens of a source or target, if there is a limit."""
        self.target_embedding = nn.Embedding(target_size + 1, size)
        self.source_embedding = self.target_embedding if share_vocabulary else nn.Embedding(source_size + 1, size)
        self.encoder: SequenceLayer
        self.decoder: RecurrentDecoder | TransformerDecoder
        if transformer:
            settings = {**settings, "heads": heads, "dropout": dropout, "max_length": context + 1}
            self.encoder = build_backbone(family, input_size=size, width=width, layers=layers, causal=False, **settings)
            self.decoder = TransformerDecoder(width, layers=layers, memory_size=width, attention=attention, **settings)
        else:
            settings = {**settings, "dropout": dropout}
            self.encoder = build_backbone(
                family, input_size=size, width=width, layers=layers, bidirectional=True, **settings
            )
            self.decoder = RecurrentDecoder(
                size,
                width,
                family=family,
                layers=layers,
                memory_size=width,
                output_size=size if tie_weights else width,
                attention=attention,
                **settings,
            )
        self.head = nn.Linear(self.decoder.output_size, target_size + 1)
        nn.init.zeros_(self.head.bias)
        for table in (self.source_embedding, self.target_embedding, self.head):
            nn.init.normal_(table.weight, std=size**-0.5)
        if tie_weights:
            self.head.weight = self.target_embedding.weight

    def encode(self, tokens: Int[Tensor, "batch source"], mask: Bool[Tensor, "batch source"] | None = None) -> Source:
        """What the decoder needs of each source: what it reads from (of `source + 1` steps, `</s>` is the last), and
        its state before the first step. A source may be empty."""
        tokens, mask = _with_end(tokens, mask, self.source_end)
        holes = None if bool(mask.all()) else mask
        x, _ = self.encoder(self._drop(self.source_embedding(tokens)), mask=holes)
        return self.decoder.prepare(self._drop(x), mask)

    def decode(
        self,
        tokens: Int[Tensor, "batch time"],
        source: Source,
        state: State | None = None,
        *,
        mask: Bool[Tensor, "batch time"] | None = None,
    ) -> tuple[Float[Tensor, "batch time target"], State]:
        """Logits of the next token after each of `tokens`, all at once, and the state after them. A target begins with
        the token `self.end`; `state` None is the beginning."""
        x, state, _ = self._features(tokens, source, state, mask)
        return self.head(x), state

    def step(
        self, tokens: Int[Tensor, " batch"], source: Source, state: State | None = None
    ) -> tuple[Float[Tensor, "batch target"], State, Float[Tensor, "batch source"] | None]:
        """One token per row: logits of the next, the state after it, and how much it read from each step of the source
        (None without attention)."""
        state = source.state if state is None else state
        x, state, weights = self.decoder.step(self.target_embedding(tokens), state, source.memories)
        return self.head(x), state, weights

    def token_losses(
        self,
        source: Int[Tensor, "batch source"],
        target: Int[Tensor, "batch target"],
        *,
        source_mask: Bool[Tensor, "batch source"] | None = None,
        target_mask: Bool[Tensor, "batch target"] | None = None,
        label_smoothing: float = 0.0,
    ) -> tuple[Float[Tensor, ""], Int[Tensor, ""]]:
        """The summed loss in nats of the targets given their own past (teacher forcing), and the number of tokens in
        it, `</s>` included."""
        answers, mask = _with_end(target, target_mask, self.end)
        begin = answers.new_full((len(answers), 1), self.end)
        inputs = torch.cat([begin, answers[:, :-1]], dim=1)
        # Without a mask: the decoder is causal, so pads on the right reach no answer, and unmasked loops are faster.
        x, _, _ = self._features(inputs, self.encode(source, source_mask), None, None)
        if not bool(mask.all()):  # pads never reach the head, by far the widest product of a large vocabulary
            x, answers = x[mask], answers[mask]
        else:
            x, answers = x.flatten(0, 1), answers.flatten()
        return softmax_loss(self.head(x), answers, label_smoothing=label_smoothing), mask.sum()

    def _features(
        self, tokens: Tensor, source: Source, state: State | None, mask: Tensor | None
    ) -> tuple[Tensor, State, Tensor | None]:
        if mask is not None:
            tokens = tokens.where(mask, self.end)
        state = source.state if state is None else state
        x, state, weights = self.decoder(self._drop(self.target_embedding(tokens)), state, source.memories, mask=mask)
        return self._drop(x), state, weights

    def _drop(self, x: Tensor) -> Tensor:
        return drop(x, self.dropout, training=self.training)

    def is_matrix(self, name: str, parameter: nn.Parameter) -> bool:
        """Whether a parameter is a hidden matrix: the tables at both ends are not, they hold one row per token."""
        tables = ("source_embedding.", "target_embedding.", "head.")
        return parameter.dim() == 2 and not name.startswith(tables) and not name.endswith(".table")


def equal_parameters(build: Callable[[int], nn.Module], parameters: int, *, multiple: int = 2, start: int = 64) -> int:
    """The width, a multiple of `multiple`, at which `build(width)` comes nearest to a number of parameters.

    With it two kinds of attention are compared at equal cost: the kind with fewer parameters gets a wider network. With
    usual vocabularies the numbers agree within 1 % from a width of about 100; below, one step of the width is more.
    """

    def count(width: int) -> int:
        # Not on the device "meta", whose first use loads a compiler for seconds.
        with torch.random.fork_rng(devices=[]):
            return sum(parameter.numel() for parameter in build(width).parameters())

    low, high = multiple, max(multiple, start // multiple * multiple)
    while count(high) < parameters:
        low, high = high, 2 * high
    while high - low > multiple:
        middle = (low + high) // 2 // multiple * multiple
        low, high = (middle, high) if count(middle) < parameters else (low, middle)
    return min((low, high), key=lambda width: abs(count(width) - parameters))


def _with_end(tokens: Tensor, mask: Tensor | None, end: int) -> tuple[Tensor, Tensor]:
    """Rows with `end` after their last token, and its mask."""
    if mask is None:
        mask = torch.ones_like(tokens, dtype=torch.bool)
    elif bool((mask[:, 1:] & ~mask[:, :-1]).any()):
        raise ValueError("rows must be padded on the right, and a mask here has a hole or a pad on the left")
    steps = torch.arange(tokens.shape[1] + 1, device=tokens.device)
    lengths = mask.sum(1, keepdim=True)
    tokens = torch.cat([tokens, tokens.new_full((len(tokens), 1), end)], 1)
    # Whatever a pad holds, also numbers of no token, is `end` from here on.
    return tokens.where(steps < lengths, end), steps <= lengths
