import copy
import subprocess
import sys

import pytest
import torch
from torch import nn

from unrolled.training.optimizers import make_optimizers, set_learning_rate


class Model(nn.Module):
    def __init__(self, tied=False):
        super().__init__()
        self.embedding = nn.Embedding(11, 8)
        self.backbone = nn.ModuleDict(
            {"mix": nn.Linear(8, 8), "norm": nn.RMSNorm(8), "rnn": nn.GRU(8, 8), "conv": nn.Conv1d(8, 8, 3)}
        )
        self.head = nn.Linear(8, 11)
        self.frozen = nn.Parameter(torch.zeros(2, 2), requires_grad=False)
        if tied:
            self.head.weight = self.embedding.weight


def placement(model, optimizers):
    """Parameter name to the optimiser's class and the decay."""
    names = {id(p): name for name, p in model.named_parameters()}
    return {
        names[id(p)]: (type(optimizer).__name__, group["weight_decay"])
        for optimizer in optimizers
        for group in optimizer.param_groups
        for p in group["params"]
    }


def test_adamw_decays_matrices_only():
    model = Model()
    placed = placement(model, make_optimizers(model, "adamw", 1e-3, 0.1))
    assert {name for name, (_, decay) in placed.items() if decay == 0.1} == {
        "backbone.mix.weight",
        "backbone.rnn.weight_ih_l0",
        "backbone.rnn.weight_hh_l0",
        "backbone.conv.weight",
        "head.weight",
    }
    assert {kind for kind, _ in placed.values()} == {"AdamW"}
    assert placed.keys() == {name for name, p in model.named_parameters() if p.requires_grad}
    assert placed["embedding.weight"] == ("AdamW", 0.0)


def test_muon_gets_hidden_matrices_only():
    model = Model()
    optimizers = make_optimizers(model, "muon", 1e-3, 0.1)
    placed = placement(model, optimizers)
    assert {name for name, (kind, _) in placed.items() if kind == "Muon"} == {
        "backbone.mix.weight",
        "backbone.rnn.weight_ih_l0",
        "backbone.rnn.weight_hh_l0",
    }
    assert placed["head.weight"] == ("AdamW", 0.1)
    assert sum(len(g["params"]) for o in optimizers for g in o.param_groups) == len(placed)


def test_a_tied_head_is_an_embedding():
    model = Model(tied=True)
    for kind in ("adamw", "muon"):
        assert placement(model, make_optimizers(model, kind, 1e-3, 0.1))["embedding.weight"] == ("AdamW", 0.0)


def test_own_predicate():
    model = Model()
    chosen = make_optimizers(model, "muon", 1e-3, 0.1, is_matrix=lambda name, p: name == "head.weight")
    assert [n for n, (kind, _) in placement(model, chosen).items() if kind == "Muon"] == ["head.weight"]


def test_all_or_no_matrices():
    assert [type(o).__name__ for o in make_optimizers(nn.Linear(3, 3, bias=False), "muon", 1e-3, 0.1)] == ["Muon"]
    assert [type(o).__name__ for o in make_optimizers(nn.LayerNorm(3), "muon", 1e-3, 0.1)] == ["AdamW"]


def test_learning_rate_is_a_factor_of_the_peak():
    optimizers = make_optimizers(Model(), "muon", 0.02, 0.1)
    for factor in (0.5, 0.25, 1.0):
        set_learning_rate(optimizers, factor)
        assert {group["lr"] for o in optimizers for group in o.param_groups} == {0.02 * factor}


def test_adamw_step_against_the_formula():
    """Two steps of Loshchilov and Hutter's algorithm 2, in float64."""
    torch.manual_seed(0)
    model = nn.Linear(4, 3).double()
    weight, bias = (p.detach().clone() for p in (model.weight, model.bias))
    (optimizer,) = make_optimizers(model, "adamw", 0.01, 0.1)
    moments = {"w": [0.0, 0.0], "b": [0.0, 0.0]}
    for t in (1, 2):
        gradients = torch.randn(3, 4).double(), torch.randn(3).double()
        model.weight.grad, model.bias.grad = (g.clone() for g in gradients)
        optimizer.step()
        for value, gradient, key, decay in ((weight, gradients[0], "w", 0.1), (bias, gradients[1], "b", 0.0)):
            first, second = moments[key]
            moments[key] = [0.9 * first + 0.1 * gradient, 0.95 * second + 0.05 * gradient**2]
            mean, square = moments[key][0] / (1 - 0.9**t), moments[key][1] / (1 - 0.95**t)
            value -= 0.01 * (decay * value + mean / (square.sqrt() + 1e-8))
    torch.testing.assert_close(model.weight.detach(), weight, rtol=1e-10, atol=1e-10)
    torch.testing.assert_close(model.bias.detach(), bias, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("shape", [(64, 64), (256, 64), (64, 256)])
def test_muon_steps_are_about_as_large_as_adamws(shape):
    """Liu et al.: the root mean square of an update is about 0.2 to 0.4 of the learning rate, for any shape."""
    torch.manual_seed(0)
    model = nn.Linear(shape[1], shape[0], bias=False)
    before = copy.deepcopy(model.weight.detach())
    (optimizer,) = make_optimizers(model, "muon", 0.01, 0.0)
    model.weight.grad = torch.randn(shape) * 37.0
    optimizer.step()
    size = (model.weight.detach() - before).square().mean().sqrt().item()
    assert 0.001 < size < 0.004


WITHOUT_COMPILER = """
import sys, torch
from unrolled.training.optimizers import make_optimizers
model = torch.nn.Linear(3, 2)
for kind in ("adamw", "muon"):
    for optimizer in make_optimizers(model, kind, 1e-3, 0.1):
        model(torch.ones(1, 3)).sum().backward()
        optimizer.step()
        optimizer.load_state_dict(optimizer.state_dict())
        optimizer.zero_grad()
print("torch._dynamo" in sys.modules)
"""


def test_they_do_without_the_compiler_whose_import_takes_longer_than_a_small_training():
    done = subprocess.run([sys.executable, "-c", WITHOUT_COMPILER], capture_output=True, text=True)
    assert done.stdout == "False\n", done.stderr


@pytest.mark.parametrize("kind", ["adamw", "muon"])
def test_they_compute_what_those_of_pytorch_do(kind):
    ours, theirs = Model(), Model()
    theirs.load_state_dict(ours.state_dict())
    optimizers, peers = make_optimizers(ours, kind, 1e-2, 0.1), []
    named = dict(theirs.named_parameters())
    names = {id(parameter): name for name, parameter in ours.named_parameters()}
    for optimizer in optimizers:
        groups = [
            group | {"params": [named[names[id(parameter)]] for parameter in group["params"]]}
            for group in optimizer.param_groups
        ]
        peers.append(getattr(torch.optim, type(optimizer).__name__)(groups))
    for turn in range(4):
        for model, those in ((ours, optimizers), (theirs, peers)):
            loss = sum(((turn + 1) * p).sin().sum() for p in model.parameters() if p.requires_grad)
            for optimizer in those:
                optimizer.zero_grad()
            loss.backward()
            for optimizer in those:
                optimizer.step()
        if turn == 1:
            for optimizer in optimizers:
                optimizer.load_state_dict(copy.deepcopy(optimizer.state_dict()))
    for name, parameter in ours.named_parameters():
        assert torch.equal(parameter, named[name]), name
