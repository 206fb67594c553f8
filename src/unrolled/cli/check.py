"""`unrolled check`: what this machine offers, and whether every family keeps the laws of a layer here."""

import time
from argparse import Namespace
from collections.abc import Iterator
from typing import Any, Literal, NamedTuple

from unrolled.cli.errors import Failed
from unrolled.cli.parser import Parser


class Finding(NamedTuple):
    """One line of the result."""

    mark: Literal["ok", "warning", "failed"]
    subject: str
    text: str


def add_arguments(parser: Parser) -> None:
    """Nothing to choose: the check is the same for everyone."""


def run(options: Namespace) -> dict[str, Any]:
    findings = []
    for finding in _findings():
        findings.append(finding)
        print(f"{finding.mark:8} {finding.subject}: {finding.text}", flush=True)
    result = {"ok": all(finding.mark != "failed" for finding in findings), "findings": [f._asdict() for f in findings]}
    if not result["ok"]:
        raise Failed(result)
    return result


def _findings() -> Iterator[Finding]:
    yield from _machine()
    yield _backends()
    yield _devices()
    yield _threads()
    yield from _laws()


def _machine() -> Iterator[Finding]:
    from unrolled.training.environment import environment

    facts = environment()
    yield Finding("ok", "versions", f"unrolled {facts['unrolled']}, Python {facts['python']}, PyTorch {facts['torch']}")
    features = facts["cpu features"]
    text = f"{facts['cpu']}, {facts['cores']} cores, {facts['threads']} threads, {', '.join(features) or 'no features'}"
    fast = any(name in feature for feature in features for name in ("avx2", "avx512", "asimd", "sve"))
    yield (
        Finding("ok", "processor", text)
        if fast
        else Finding("warning", "processor", f"{text}; without wide vector instructions training is slow")
    )


def _backends() -> Finding:
    import torch

    known = {
        "oneDNN": torch.backends.mkldnn.is_available(),
        "MKL": torch.backends.mkl.is_available(),
        "OpenMP": torch.backends.openmp.is_available(),
        "CUDA": torch.cuda.is_available(),
        "cuDNN": torch.backends.cudnn.is_available(),
        "MPS": torch.backends.mps.is_available(),
        "gloo": torch.distributed.is_available() and torch.distributed.is_gloo_available(),
        "NCCL": torch.distributed.is_available() and torch.distributed.is_nccl_available(),
    }
    here = ", ".join(name for name, available in known.items() if available)
    absent = ", ".join(name for name, available in known.items() if not available)
    return Finding("ok", "backends", f"{here or 'none'}; not here: {absent or 'none'}")


def _devices() -> Finding:
    import torch

    gpus = [torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count())]
    if torch.backends.mps.is_available():
        gpus.append("Apple GPU (MPS)")
    if torch.version.cuda and not gpus:
        text = f"cpu; PyTorch was built for CUDA {torch.version.cuda} but finds no GPU: see what nvidia-smi says"
        return Finding("warning", "devices", text)
    return Finding("ok", "devices", ", ".join(["cpu", *gpus]))


def _threads() -> Finding:
    """How threads would compute and wait at this moment: measured on updates of a small Transformer, in a second."""
    import torch

    from unrolled.layers.transformer import Transformer
    from unrolled.openmp import asked_for
    from unrolled.training.threads import choosing_threads, threads_asked_for

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        layer = Transformer(128, layers=2, heads=4)
        x = torch.randn(8, 64, 128)
    with choosing_threads(torch.device("cpu"), fixed=None) as chooser:
        while chooser.trying:
            started = time.perf_counter()
            layer(x)[0].sum().backward()
            chooser.update(float(x.numel()), time.perf_counter() - started)
    speeds, best = chooser.speeds(), chooser.chosen
    others = [f"{setting}: {speeds[setting] / speeds[best]:.2f} of it" for setting in speeds if setting != best]
    number = threads_asked_for()
    asked = [*([] if number is None else [f"OMP_NUM_THREADS={number}"]), *filter(None, [asked_for()])]
    text = f"quickest now: {best}"
    text += f" ({', '.join(others)})" if others else ""
    return Finding("ok", "threads", text + (f"; {', '.join(asked)} holds, as you asked" if asked else ""))


def _laws() -> Iterator[Finding]:
    import torch

    from unrolled.layers.families import FAMILIES

    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # the layers are tiny: threads would mostly wait for each other
    try:
        for family in FAMILIES:
            yield _law(family)
    finally:
        torch.set_num_threads(threads)


def _law(family: str) -> Finding:
    import torch

    from unrolled.layers.families import build_backbone
    from unrolled.testing.check import check_layer
    from unrolled.testing.failure import LawViolation

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        layer = build_backbone(family, input_size=8, width=8, layers=1)
    try:
        checked = check_layer(layer, long_steps=100)
    except LawViolation as violation:
        return Finding("failed", family, " ".join(str(violation).split()))
    kept = [law.law for law in checked if law.cases]
    seconds = sum(law.seconds for law in checked)
    return Finding("ok", family, f"keeps the laws of {', '.join(kept)} ({seconds:.1f} s)")
