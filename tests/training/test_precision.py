"""bfloat16 where it is faster, float32 elsewhere."""

import math
from pathlib import Path

import pytest
import torch
from small_runs import losses, text_file, train

from unrolled.errors import UserError
from unrolled.training import precision
from unrolled.training.precision import autocast, choose_precision


@pytest.mark.parametrize(("fast", "chosen"), [(True, "bf16"), (False, "32")])
def test_auto_asks_the_device(monkeypatch: pytest.MonkeyPatch, fast: bool, chosen: str) -> None:
    monkeypatch.setattr(precision, "_cpu_multiplies_bfloat16", lambda: fast)
    assert choose_precision("auto", torch.device("cpu")) == chosen
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda _: (8, 6) if fast else (7, 5))
    assert choose_precision("auto", torch.device("cuda")) == chosen
    assert choose_precision("auto", torch.device("mps")) == "32"


def test_what_is_given_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    assert choose_precision("32", torch.device("cpu")) == "32"
    assert choose_precision("bf16", torch.device("cpu")) == "bf16"
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda: False)
    with pytest.raises(UserError, match=r"this GPU has no bfloat16; use --train.precision 32"):
        choose_precision("bf16", torch.device("cuda"))


def test_only_matrix_products_change_their_type() -> None:
    x = torch.randn(2, 4)
    with autocast("bf16", torch.device("cpu")):
        assert torch.nn.Linear(4, 4)(x).dtype == torch.bfloat16
    with autocast("32", torch.device("cpu")):
        assert torch.nn.Linear(4, 4)(x).dtype == torch.float32


@pytest.mark.parametrize("family", ["rnn", "lstm", "gru", "transformer"])
def test_both_train_alike_and_keep_their_weights_in_float32(tmp_path: Path, family: str) -> None:
    text_file(tmp_path)
    model = {"family": family, "dropout": 0.0} | ({"heads": 2} if family == "transformer" else {})
    for kind in ("32", "bf16"):
        train(tmp_path, kind, model=model, train={"precision": kind, "max_steps": 40})
    full, brain = losses(tmp_path / "32"), losses(tmp_path / "bf16")
    assert full[-1] < full[0] - 0.1
    assert brain != full, "bfloat16 is really used"
    assert all(math.isclose(loss, other, rel_tol=0.02) for loss, other in zip(full, brain, strict=True))
    import safetensors.torch

    weights = safetensors.torch.load_file(tmp_path / "bf16/best/model.safetensors")
    assert {tensor.dtype for tensor in weights.values()} == {torch.float32}
