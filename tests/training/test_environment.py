import json
import platform

import torch

from unrolled.training.environment import environment


def test_environment():
    facts = environment()
    assert facts["python"] == platform.python_version()
    assert facts["torch"] == torch.__version__
    assert facts["threads"] == torch.get_num_threads()
    assert facts["cores"] >= 1
    assert facts["cpu"]
    assert len(facts["gpu"]) == torch.cuda.device_count() or torch.backends.mps.is_available()
    assert json.loads(json.dumps(facts)) == facts


def test_features_agree_with_pytorch():
    capability = torch.backends.cpu.get_cpu_capability()
    if capability in ("AVX2", "AVX512"):
        assert {"AVX2": "avx2", "AVX512": "avx512f"}[capability] in environment()["cpu features"]
