"""The loss of a batch of records against torch's own losses."""

import contextlib
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from unrolled.data.encoders.numbers import Scaler
from unrolled.data.encoders.texts import fit_vocabulary
from unrolled.data.feeds.examples import NO_TARGET, ExampleBatch
from unrolled.models.records import RecordNetwork
from unrolled.tasks.labels.objective import RecordObjective
from unrolled.tasks.labels.target import Target
from unrolled.tasks.labels.targets.labels import ClassTarget, MultilabelTarget
from unrolled.tasks.labels.targets.numbers import NumberTarget
from unrolled.tasks.transcribe.target import TranscriptTarget

CLASSES, LABELS = ClassTarget("y", ("a", "b", "c")), MultilabelTarget("y", ("a", "b"))
VALUES = NumberTarget("y", ("u", "v"), Scaler("none", (0.0, 0.0), (1.0, 1.0)))
TEXTS = TranscriptTarget("y", fit_vocabulary("char", lambda: iter(["abc"])))


class Says(RecordNetwork):
    """Says what it was given, and keeps what it was asked."""

    def __init__(self, outputs: Tensor) -> None:
        nn.Module.__init__(self)
        self.said = nn.Parameter(outputs)
        self.asked: dict[str, Any] = {}

    def answers(self, inputs: Any, *, mask: Any, reset: Any) -> Tensor:
        self.asked = {**inputs._asdict(), "mask": mask, "reset": reset}
        return self.said


def batch(targets: Tensor, lengths: Tensor | None = None, mask: Tensor | None = None) -> Any:
    """A batch on its device, of which only targets matter here."""
    return ExampleBatch("numbers", "tokens", mask, "reset", targets, lengths)  # type: ignore[arg-type]


def loss_of(outputs: Tensor, target: Target, given: Any, **settings: Any) -> tuple[Tensor, RecordObjective]:
    # The batch holds words in the place of arrays, to see that they are passed on; the types are those of tensors.
    objective = RecordObjective(Says(outputs), target, autocast=contextlib.nullcontext(), **settings)  # type: ignore[arg-type]
    loss, state = objective(given, None)
    assert state == ()
    return loss, objective


def test_one_class_of_several() -> None:
    outputs, targets = torch.randn(1, 5, 3), torch.tensor([0, 2, NO_TARGET, 1, 1])
    weights = torch.tensor([1.0, 2.0, 0.5])
    loss, objective = loss_of(outputs, CLASSES, batch(targets), weights=weights)
    wanted = functional.cross_entropy(outputs[0], targets, weight=weights, reduction="sum", ignore_index=NO_TARGET)
    torch.testing.assert_close(loss, wanted)
    assert "weights" not in objective.state_dict(), "they come from the data, and a resumed run finds them again"
    smooth, _ = loss_of(outputs, CLASSES, batch(targets), label_smoothing=0.2)
    torch.testing.assert_close(
        smooth,
        functional.cross_entropy(outputs[0], targets, label_smoothing=0.2, reduction="sum", ignore_index=NO_TARGET),
    )


def test_inputs_are_passed_on() -> None:
    _, objective = loss_of(torch.randn(1, 2, 3), CLASSES, batch(torch.tensor([0, 1])))
    assert objective.network.asked == {"numbers": "numbers", "tokens": "tokens", "mask": None, "reset": "reset"}


def test_several_labels_and_values() -> None:
    outputs = torch.randn(1, 4, 2)
    labels = torch.tensor([[0.0, 1.0], [1.0, 1.0], [torch.nan, torch.nan], [0.0, 0.0]])
    known = [0, 1, 3]
    wanted = functional.binary_cross_entropy_with_logits(outputs[0, known], labels[known], reduction="sum")
    torch.testing.assert_close(loss_of(outputs, LABELS, batch(labels))[0], wanted)
    values = torch.tensor([[0.5, torch.nan], [1.0, -1.0], [torch.nan, torch.nan], [0.0, 2.0]])
    present = values.isfinite()
    squares = (outputs[0][present] - values[present]).square().sum()
    torch.testing.assert_close(loss_of(outputs, VALUES, batch(values))[0], squares)


@pytest.mark.parametrize("members", [1, 3])
def test_transcripts_are_those_of_ctc(members: int) -> None:
    torch.manual_seed(1)
    outputs, mask = torch.randn(members, 2, 7, 4), torch.ones(2, 7, dtype=torch.bool)
    mask[1, 5:] = False
    targets, lengths = torch.tensor([[1, 3, 3], [2, 0, 0]]), torch.tensor([3, 1])
    loss, objective = loss_of(outputs, TEXTS, batch(targets, lengths, mask))
    alone = nn.CTCLoss(blank=0, reduction="sum")
    each = [alone(member.log_softmax(-1).transpose(0, 1), targets, torch.tensor([7, 5]), lengths) for member in outputs]
    torch.testing.assert_close(loss, torch.stack(each).mean(), rtol=1e-4, atol=1e-4)
    loss.backward()
    gradient = objective.network.said.grad
    assert gradient.isfinite().all()
    assert (gradient[:, 1, 5:] == 0).all(), "steps that are not there learn nothing"


def test_a_batch_without_texts_still_has_a_gradient() -> None:
    given = batch(torch.zeros(0, 1, dtype=torch.int64), torch.zeros(0, dtype=torch.int64))
    loss, objective = loss_of(torch.randn(2, 3, 4, 5), TEXTS, given)
    loss.backward()
    assert float(loss) == 0
    assert np.array_equal(objective.network.said.grad, np.zeros((2, 3, 4, 5)))
