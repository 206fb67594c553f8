"""Models that each break one law, as real models do, and the law and the words that must name it."""

import torch
from broken_layers import WrongTanh, bare
from torch import Tensor, nn

from unrolled.layers import state as states
from unrolled.models.config import ModelConfig
from unrolled.models.language import LanguageNetwork
from unrolled.models.records import InputSizes, RecordInputs, RecordNetwork

TOKENS = 5


def numbers_and_tokens(batch_size: int, length: int, generator: torch.Generator) -> RecordInputs:
    numbers = torch.randn(batch_size, length, 2, generator=generator)
    return RecordInputs(numbers, tokens(batch_size, length, generator)[..., None])


def tokens(batch_size: int, length: int, generator: torch.Generator) -> Tensor:
    return torch.randint(0, TOKENS, (batch_size, length), generator=generator)


class Classifier(RecordNetwork):
    """Keeps every law. A plain recurrent network with a running mean, of numbers and tokens."""

    make_inputs = staticmethod(numbers_and_tokens)

    def __init__(self, pooling: str = "mean", members: int = 1) -> None:
        config = ModelConfig(family="rnn", layers=1, width=4, embedding_size=4, pooling=pooling, members=members)  # type: ignore[arg-type]
        super().__init__(InputSizes(2, (TOKENS,)), 3, config, pooled=True)


class Speaker(LanguageNetwork):
    """Keeps every law."""

    make_inputs = staticmethod(tokens)

    def __init__(self) -> None:
        super().__init__(TOKENS, ModelConfig(family="gru", layers=1, width=4, embedding_size=4))


# Chunking


class PoolsEveryChunkAnew(Classifier):
    def forward(self, inputs, state, *, mask=None, reset=None):
        fresh = self.initial_state(len(inputs.numbers))
        carried = tuple(own._replace(pool=new.pool) for own, new in zip(state, fresh, strict=True))
        return super().forward(inputs, carried, mask=mask, reset=reset)


class HeadOfTheStepIsAnother(Classifier):
    def step(self, inputs, state, *, mask=None, reset=None):
        y, state = super().step(inputs, state, mask=mask, reset=reset)
        return 1.001 * y, state


class MembersShareAState(Classifier):
    def __init__(self):
        super().__init__(members=2)

    def forward(self, inputs, state, *, mask=None, reset=None):
        y, (first, _) = super().forward(inputs, state, mask=mask, reset=reset)
        return y, (first, first)


# Mask


class EmbedsAbsentTokens(Classifier):
    """A row's features are centred on those of all its tokens before the mask is looked at."""

    def forward(self, inputs, state=None, *, mask=None, reset=None):
        count = (inputs.tokens[..., 0] == 0).float().mean(1)
        state = self.initial_state(len(count)) if state is None else state
        y, state = RecordNetwork.forward(self, inputs, state, mask=mask, reset=reset)
        y = y + count[:, None, None, None]
        return (y if mask is None else torch.where(mask[..., None, None], y, 0)), state


EmbedsAbsentTokens = bare(EmbedsAbsentTokens)


class BiasUnderTheMask(Speaker):
    def forward(self, tokens, state=None, *, mask=None, reset=None):
        x, state = self.features(tokens, state, mask=mask, reset=reset)
        return self.head(x), state


BiasUnderTheMask = bare(BiasUnderTheMask)


class PoolCountsAbsentSteps(Classifier):
    def forward(self, inputs, state, *, mask=None, reset=None):
        y, ends = super().forward(inputs, state, mask=mask, reset=reset)
        if mask is None:
            return y, ends
        pool, absent = ends[0].pool, (~mask).sum(1)
        return y, (ends[0]._replace(pool=pool._replace(steps=pool.steps + absent)),)


# Reset


class PoolForgetsToReset(Classifier):
    def __init__(self):
        super().__init__()
        pool = self.members[0].pool
        forward = pool.forward
        pool.forward = lambda y, state, *, mask, reset: forward(y, state, mask=mask)


# Rows


class StandardisesByTheBatch(Classifier):
    def forward(self, inputs, state, *, mask=None, reset=None):
        numbers = inputs.numbers - inputs.numbers.mean(0)
        return super().forward(inputs._replace(numbers=numbers), state, mask=mask, reset=reset)


# Causality


class SeesTheNextToken(Speaker):
    def forward(self, tokens, state, *, mask=None, reset=None):
        following = torch.cat([tokens[:, 1:], tokens[:, -1:]], dim=1)
        return super().forward(following, state, mask=mask, reset=reset)


class ClaimsToForget(Classifier):
    def __init__(self):
        super().__init__()
        self.receptive_field = 0


# State


class KeepsItsPoolInTheModule(Classifier):
    def __init__(self):
        super().__init__()
        self.sum = torch.zeros(())

    def step(self, inputs, state, *, mask=None, reset=None):
        y, state = super().step(inputs, state, mask=mask, reset=reset)
        self.sum = self.sum + y.detach().mean()
        return y + self.sum, state


class BatchOnAxisOne(Classifier):
    def initial_state(self, batch_size, *, device=None):
        return states.map_state(lambda leaf: leaf.mT if leaf.dim() == 2 else leaf, super().initial_state(batch_size))


# Precision


class PoolsInBfloat16(Classifier):
    def forward(self, inputs, state, *, mask=None, reset=None):
        y, state = super().forward(inputs, state, mask=mask, reset=reset)
        return y, states.map_state(lambda leaf: leaf.bfloat16().float() if leaf.is_floating_point() else leaf, state)


# Backends


class HasAWrongGradient(Speaker):
    def __init__(self):
        super().__init__()
        self.head = nn.Sequential(WrongTanhModule(), self.head)


class WrongTanhModule(nn.Module):
    def forward(self, x):
        return WrongTanh.apply(x)


# Export


class AsksForTheToken(Speaker):
    def step(self, tokens, state, *, mask=None, reset=None):
        y, state = super().step(tokens, state, mask=mask, reset=reset)
        return (y * 2 if int(tokens[0]) == 0 else y), state


BROKEN = [
    (PoolsEveryChunkAnew, "chunking", "output differs from one chunk"),
    (HeadOfTheStepIsAnother, "chunking", "step by step.*output differs from one chunk"),
    (MembersShareAState, "chunking", "differs from one chunk"),
    (EmbedsAbsentTokens, "mask", "right pads.*output differs from each row alone"),
    (BiasUnderTheMask, "mask", "output differs from each row alone"),
    (PoolCountsAbsentSteps, "mask", "right pads.*final state leaf `0.pool.steps` differs"),
    (PoolForgetsToReset, "reset", "random resets.*output differs from separate sequences"),
    (StandardisesByTheBatch, "rows", "other rows of numbers before them"),
    (SeesTheNextToken, "causality", "the future.*output 0 depends on input 1, which comes later"),
    (ClaimsToForget, "causality", "receptive_field.*is 0, but steps reach outputs 7 steps away"),
    (KeepsItsPoolInTheModule, "state", "the same step twice.*output differs from the first call"),
    (BatchOnAxisOne, "state", "axis 0 must be the batch of 1"),
    (PoolsInBfloat16, "precision", "all values of state leaf `0.backbone.hidden` are torch.bfloat16 numbers"),
    (HasAWrongGradient, "backends", "gradients differ from finite differences"),
    (AsksForTheToken, "export", "the model raised"),
]
