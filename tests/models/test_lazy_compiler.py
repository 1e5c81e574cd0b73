"""torch's compiler stays away from what compiles nothing, and comes whole when it is wanted; each in a process of its own."""

from __future__ import annotations

import subprocess
import sys

import pytest

QUIET = """
from ssl_models.lazy_compiler import import_compiler_when_needed
import_compiler_when_needed()
import sys, torch
layer = torch.nn.Linear(3, 3)
optimiser = torch.optim.AdamW(layer.parameters(), lr=0.1)
def step():
    before = layer.weight.detach().clone()
    layer(torch.ones(2, 3)).sum().backward()
    optimiser.step()
    optimiser.zero_grad()
    return float((layer.weight.detach() - before).abs().max())
moved = step()
from torch._subclasses.fake_tensor import FakeTensorMode
with FakeTensorMode():
    assert (torch.ones(3) * 2).shape == (3,)
assert 0.099 < moved < 0.11, moved
assert "torch._dynamo.eval_frame" not in sys.modules
"""
WANTED = {
    "to compile": """
@torch._dynamo.allow_in_graph
def marked(x):
    return x + 1
@torch.compiler.disable(recursive=False)
def kept_out(x):
    return x - 1
assert "torch._dynamo.eval_frame" not in sys.modules
assert torch.compile(lambda x: marked(kept_out(x)), backend="eager")(torch.ones(1)).item() == 1.0
from torch._dynamo.trace_rules import is_callable_allowed
assert is_callable_allowed(marked)
assert 0.09 < torch.compile(lambda: step(), backend="eager")() < 0.11
""",
    "for a part": """
import torch._dynamo.utils as utils
assert utils is torch._dynamo.utils and utils.counters is not None
from torch._dynamo.backends.registry import list_backends
assert "inductor" in list_backends()
""",
    "to tell what was compiled": """
from lightning_fabric import Fabric
from lightning_fabric.wrappers import OptimizedModule, _unwrap_compiled
fabric = Fabric(accelerator="cpu", devices=1)
assert fabric.setup(layer) is not layer and not isinstance(layer, OptimizedModule) and _unwrap_compiled(layer) == (layer, None)
assert "torch._dynamo.eval_frame" not in sys.modules
compiled = torch.compile(layer, backend="eager")
assert isinstance(compiled, OptimizedModule) and not isinstance(layer, OptimizedModule)
compiled._compile_kwargs = {"backend": "eager"}
assert _unwrap_compiled(compiled) == (layer, {"backend": "eager"})
assert isinstance(fabric.setup(compiled)._forward_module, OptimizedModule)
""",
    "for an attribute": "assert callable(torch._dynamo.explain)",
}
ENDING = "\nassert 'torch._dynamo.eval_frame' in sys.modules and type(torch._dynamo).__name__ == 'module'\n"


def runs(script: str) -> None:
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("wanted", WANTED.values(), ids=WANTED)
def test_it_comes_when_it_is_wanted(wanted: str) -> None:
    """Before: an optimiser's step and fake tensors without it."""
    runs(QUIET + wanted + ENDING)


LIBRARIES = """
from transformers import HubertModel
from lightning_fabric import Fabric
fabric = Fabric(accelerator="cpu", devices=1)
fabric.setup(layer, optimiser)
from ssl_benchmarks.counting.flops import fake_tensors
with fake_tensors():
    assert torch.tensor([2.0]).mul(3).item() == 6.0
assert "torch._dynamo.eval_frame" not in sys.modules
"""


def test_libraries_do_without_it() -> None:
    """transformers' models, Fabric's wrapping, constants among tensors without values."""
    runs(QUIET + LIBRARIES)


@pytest.mark.slow
def test_where_it_is_already_nothing_changes() -> None:
    runs(
        "import torch._dynamo, sys\nbefore = list(sys.meta_path)\nfrom ssl_models.lazy_compiler import import_compiler_when_needed\n"
        "import_compiler_when_needed()\nassert sys.meta_path == before\n"
    )
