"""From fields to task, inputs and target."""

from collections.abc import Sequence

import pytest

from unrolled.data.records import Field, Record, Source
from unrolled.errors import UserError
from unrolled.tasks.infer_schema import infer_schema

LABEL = Field("label", "categorical", False)
STYLE = Field("style", "categorical", False)
AMOUNT = Field("amount", "numeric", False, ("amount",))
FEATURES = Field("features", "numeric", False, ("a", "b", "c"))
SERIES = Field("values", "numeric", True, ("x", "y"))
SIGNAL = Field("signal", "signal", True, ("I", "II"), 360.0)
EVENTS = Field("events", "event", True)
TAGS = Field("tag", "categorical", True)
WORDS = Field("words", "token", True)
TEXT = Field("text", "text", False)
OTHER = Field("other", "text", False)
STEPS = Field("level", "numeric", True, ("level",))


class Fields(Source):
    def __init__(self, fields: Sequence[Field], guess: str | None = None) -> None:
        self.fields = tuple(fields)
        if guess is not None:
            self.target_guess = guess

    def __len__(self) -> int:
        return 1

    def record(self, index: int) -> Record:
        raise AssertionError("inference looks at fields only")


CASES = [
    ([SERIES, LABEL], {}, "classify", ["values"], "label"),
    ([SIGNAL, LABEL], {}, "classify", ["signal"], "label"),
    ([SIGNAL, EVENTS], {}, "tag", ["signal"], "events"),
    ([WORDS, TAGS], {}, "tag", ["words"], "tag"),
    ([TEXT, OTHER], {}, "translate", ["text"], "other"),
    ([SIGNAL, TEXT], {}, "transcribe", ["signal"], "text"),
    ([SERIES], {}, "forecast", ["values"], None),
    ([TEXT], {}, "language", ["text"], None),
    ([TEXT, LABEL], {}, "classify", ["text"], "label"),
    ([FEATURES, AMOUNT], {"target": "amount"}, "regress", ["features"], "amount"),
    ([SERIES, STEPS], {"target": "level"}, "tag", ["values"], "level"),
    ([SERIES, LABEL, STYLE], {"target": "style"}, "classify", ["values", "label"], "style"),
    ([SERIES, LABEL, STYLE], {"target": "style", "inputs": ["values"]}, "classify", ["values"], "style"),
    ([FEATURES, LABEL, STYLE], {"target": "style", "inputs": ["b"]}, "classify", ["features"], "style"),
    ([SERIES, FEATURES, LABEL], {"inputs": ["V*"]}, "classify", ["values"], "label"),
    ([SERIES, LABEL], {"task": "forecast"}, "forecast", ["values", "label"], None),
    ([SERIES, AMOUNT], {"task": "regress"}, "regress", ["values"], "amount"),
]


@pytest.mark.parametrize(("fields", "given", "task", "inputs", "target"), CASES)
def test_what_is_learned(fields: list[Field], given: dict, task: str, inputs: list[str], target: str | None) -> None:
    schema = infer_schema(Fields(fields), **{"task": None, "target": None, "inputs": [], **given})
    assert schema.task == task
    assert [field.name for field in schema.inputs] == inputs
    assert (schema.target.name if schema.target else None) == target


def test_a_reader_that_knows_better_is_believed() -> None:
    schema = infer_schema(Fields([LABEL, STYLE, SERIES], guess="style"), task=None, target=None, inputs=[])
    assert schema.target == STYLE


REFUSED = [
    ([SERIES, LABEL, STYLE], {}, "the target could be any of label, style; choose one with --target"),
    ([SERIES, LABEL], {"target": "lable"}, "the data has no field 'lable'; did you mean 'label'?"),
    ([SERIES, LABEL], {"target": "zzz"}, "the data has no field 'zzz'; it has values, label"),
    ([FEATURES, LABEL], {"inputs": ["bb"]}, "the data has no field 'bb'; did you mean 'b'?"),
    ([SERIES, LABEL], {"inputs": ["label"], "target": "label"}, "label is both an input and the target"),
    ([LABEL], {}, "there is nothing to learn label from"),
    ([SERIES, LABEL], {"task": "regress"}, "nothing in the data can be the target of regress"),
    ([SERIES, LABEL], {"task": "regress", "target": "label"}, "regress needs a number per record as its target"),
    ([SERIES, LABEL], {"task": "tag", "target": "label"}, "and label is categorical per record"),
    ([SERIES, AMOUNT], {"task": "classify", "target": "amount"}, "classify needs a label per record"),
    ([SIGNAL], {}, "the data has no label to learn; name one with --target, or give --labels"),
]


@pytest.mark.parametrize(("fields", "given", "sentence"), REFUSED)
def test_what_cannot_be(fields: list[Field], given: dict, sentence: str) -> None:
    with pytest.raises(UserError) as caught:
        infer_schema(Fields(fields), **{"task": None, "target": None, "inputs": [], **given})
    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value)
