"""The contract of every model: that of a layer, with embedding and head inside."""

from unrolled.layers.layer import SequenceModule


class SequenceModel(SequenceModule):
    """A model over time whose parallel form (`forward`) and step form (`step`) are the same function.

    `inputs` is a tensor `[batch, time, ...]` (tokens), or a `NamedTuple` of such tensors (numbers, tokens), of which
    some may be None; for `step` they have no time axis. Outputs are `[batch, time, *output_shape]`, at each step those
    of the sequence up to there. State, mask and reset are as for layers (see `SequenceModule`).

    A subclass defines `output_shape`, `initial_state`, `forward`, and `step` where that has a faster form than a chunk
    of one step. `unrolled.testing.check_model` checks the whole contract.
    """
