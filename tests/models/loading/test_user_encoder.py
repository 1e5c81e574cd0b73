"""Encoders of a user's own: found by file or by module, whatever they return, and never a traceback of ours."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from torch import nn

from ssl_benchmarks.counting.flops import inference_flops
from ssl_benchmarks.memory.forecast import forecast_inference
from ssl_models.catalog import load_model, require_name
from ssl_models.errors import BadInputError
from ssl_models.interface import SpeechFeatures
from ssl_models.loading.user_encoder import UserEncoder

HEAD = """\
import torch
from torch import nn

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(400, 8)
        self.attention = "eager"

    def forward(self, waveforms, lengths):
        return self.linear(waveforms.unfold(1, 400, 400))

def build():
    return Net()
"""


@pytest.fixture(autouse=True)
def path_as_it_was() -> Iterator[None]:
    """What a user's file adds to Python's path and modules goes again."""
    path, loaded = sys.path[:], set(sys.modules)
    yield
    sys.path[:] = path
    for name in set(sys.modules) - loaded:
        if name.startswith("_sslbench_user_") or name in {"mine", "helper"}:
            del sys.modules[name]


def written(folder: Path, text: str, name: str = "mine.py") -> Path:
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(text)
    return folder / name


def refused(name: str, *words: str) -> None:
    with pytest.raises(BadInputError) as caught:
        load_model(name)
    said = str(caught.value)
    assert "\n" not in said
    assert all(word in said for word in words), said


def test_a_function_in_a_file(tmp_path: Path) -> None:
    name = f"{written(tmp_path, HEAD)}:build"
    require_name(name)
    encoder = load_model(name)
    assert not encoder.training
    assert not encoder.module.training
    assert encoder.attention == "eager"
    found = encoder(torch.zeros(2, 4_100), torch.tensor([4_100, 2_000]))
    assert [layer.shape for layer in found.layers] == [(2, 10, 8)]


def test_a_class_is_a_function_too(tmp_path: Path) -> None:
    assert isinstance(load_model(f"{written(tmp_path, HEAD)}:Net").module, nn.Module)


def test_a_function_in_a_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written(tmp_path, HEAD)
    monkeypatch.syspath_prepend(tmp_path)
    assert load_model("mine:build")(torch.zeros(1, 800)).layers[-1].shape == (1, 2, 8)
    refused("mine:nothing", "no function 'nothing'", "torch.nn.Module")
    refused("not_there_at_all:build", "not_there_at_all", "ModuleNotFoundError")


class Returning(nn.Module):
    """A module that returns what it is given."""

    def __init__(self, out: object) -> None:
        super().__init__()
        self.out = out

    def forward(self, waveforms: torch.Tensor, lengths: torch.Tensor | None) -> object:
        del waveforms, lengths
        return self.out


FRAMES = torch.arange(2 * 50 * 4, dtype=torch.float32).view(2, 50, 4)
SAID = torch.tensor([50, 20])


@pytest.mark.parametrize(
    ("out", "layers", "known"),
    [
        (FRAMES, 1, False),
        ([FRAMES, FRAMES + 1], 2, False),
        ((FRAMES, FRAMES + 1, FRAMES + 2), 3, False),
        (SpeechFeatures((FRAMES, FRAMES + 1), SAID, 49.5), 2, True),
        (([FRAMES], SAID, 49.5), 1, True),
        ((FRAMES, SAID, 49.5), 1, True),
    ],
    ids=["tensor", "list", "tuple of three layers", "SpeechFeatures", "layers, lengths, rate", "tensor, lengths, rate"],
)
def test_what_it_may_return(out: object, layers: int, *, known: bool) -> None:
    """What is missing follows from the clip: 50 frames of 16,000 samples are 50 a second; 8,100 samples fill 25."""
    found = UserEncoder(Returning(out), "x:y")(torch.zeros(2, 16_000), torch.tensor([16_000, 8_100]))
    assert len(found.layers) == layers
    for i, layer in enumerate(found.layers):
        assert torch.equal(layer, FRAMES + i)
    assert found.lengths.tolist() == ([50, 20] if known else [50, 25])
    assert found.frame_rate == (49.5 if known else 50.0)
    whole = UserEncoder(Returning(FRAMES), "x:y")(torch.zeros(2, 16_000))
    assert whole.lengths.tolist() == [50, 50]


@pytest.mark.parametrize(
    "out",
    [
        None, "text", 3.0, {"last": FRAMES}, (), [], FRAMES[0], (FRAMES, "x"), (FRAMES, None, 50.0),
        (FRAMES, [50, 50], 50.0), (FRAMES, torch.tensor(50), 50.0), [FRAMES, SAID],
    ],
)  # fmt: skip
def test_what_it_may_not_return(out: object) -> None:
    with pytest.raises(BadInputError, match=r"x:y: forward returned .*torch\.nn\.Module") as caught:
        UserEncoder(Returning(out), "x:y")(torch.zeros(2, 16_000))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("def build(:\n", "SyntaxError"),
        ("import nothing_of_that_name\n", "ModuleNotFoundError"),
        ("raise ValueError('one\\ntwo')\n", "ValueError: one two"),
        ("import sys\nsys.exit(3)\n", "SystemExit"),
        ("build = 3\n", "no function 'build'"),
        ("", "no function 'build'"),
        ("def build():\n    return 7\n", "returned int"),
        ("def build(width):\n    return width\n", "TypeError"),
        ("def build():\n    raise RuntimeError('a\\n\\nb')\n", "RuntimeError: a b"),
        ("def build():\n    raise SystemExit\n", "SystemExit"),
        ("from ssl_models import Net\n", "cannot import name 'Net'"),
    ],
)
def test_what_fails_in_it_is_one_line(tmp_path: Path, text: str, words: str) -> None:
    """And what failed is not kept: a corrected file works."""
    path = written(tmp_path, text)
    refused(f"{path}:build", str(path), words)
    if "def build" not in text or "(:" in text:
        path.write_text(HEAD + "# longer, so that no stale bytecode stands for it\n")
        if text and "build = 3" not in text:
            assert isinstance(load_model(f"{path}:build"), UserEncoder)


def test_names_that_lead_nowhere(tmp_path: Path) -> None:
    refused(f"{tmp_path}/gone.py:build", "gone.py", "no such file")
    refused(f"{written(tmp_path, HEAD)}:", "no function")
    refused(":build", "importing")
    with pytest.raises(BadInputError, match=r"add the name of a function in it, as in .*mine\.py:build"):
        require_name(f"{tmp_path}/mine.py")


def test_neighbours_named_as_ours_hide_nothing(tmp_path: Path) -> None:
    """A file models.py, a package benchmarks/ beside the user's file; its helper is found."""
    written(tmp_path, "raise ImportError('the wrong models')\n", "models.py")
    written(tmp_path / "benchmarks", "raise ImportError('the wrong benchmarks')\n", "__init__.py")
    written(tmp_path, "raise ImportError('the wrong torch')\n", "torch.py")
    written(tmp_path, "WIDTH = 8\n", "helper.py")
    extra = (
        "import helper\nimport ssl_models.interface\nimport ssl_benchmarks.counting.flops\nassert helper.WIDTH == 8\n"
    )
    encoder = load_model(f"{written(tmp_path, HEAD + extra)}:build")
    assert encoder(torch.zeros(1, 800)).layers[-1].shape == (1, 2, 8)
    assert sys.path[-1] == str(tmp_path)


def test_a_file_named_as_one_of_ours_is_no_trouble(tmp_path: Path) -> None:
    assert load_model(f"{written(tmp_path, HEAD, 'models.py')}:build")(torch.zeros(1, 800)).frame_rate == 40.0


def test_a_file_is_run_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whichever of its functions is asked for and however its path is written; each call builds anew."""
    log = f"with open({str(tmp_path / 'log')!r}, 'a') as log:\n    log.write('x')\n"
    path = written(tmp_path, HEAD + log)
    monkeypatch.chdir(tmp_path)
    one, two, three = (load_model(name) for name in (f"{path}:build", "mine.py:Net", "./mine.py:build"))
    assert (tmp_path / "log").read_text() == "x"
    assert type(one.module) is type(two.module) is type(three.module)
    assert one.module is not three.module


def test_the_same_name_in_another_folder_is_another_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    widths = []
    for folder, width in (("a", 8), ("b", 5)):
        written(tmp_path / folder, HEAD.replace("400, 8", f"400, {width}"))
        monkeypatch.chdir(tmp_path / folder)
        widths.append(load_model("mine.py:build")(torch.zeros(1, 800)).layers[-1].shape[2])
    assert widths == [8, 5]


STORED = """
WINDOW = torch.hann_window(400)

def stored():
    from safetensors.torch import load_file
    net = Net()
    net.load_state_dict(load_file({file!r}))
    net.register_buffer("window", WINDOW)
    assert float(net.linear.bias.detach().sum()) == 8.0
    return net
"""


def test_it_may_read_weights_even_where_tensors_have_no_values(tmp_path: Path) -> None:
    """Counting builds it too; what the file keeps for itself stays real, and the count is that of its shapes."""
    from safetensors.torch import save_file

    weights = tmp_path / "weights.safetensors"
    save_file({"linear.weight": torch.ones(8, 400), "linear.bias": torch.ones(8)}, weights)
    name = f"{written(tmp_path, HEAD + STORED.format(file=str(weights)))}:stored"
    assert inference_flops(lambda: load_model(name), 1.0).macs == 40 * 400 * 8
    peak = forecast_inference(lambda: load_model(name), 1.0, 1, device="cuda")
    # Weights, bias and window in blocks of 512 B; the waveform, its frames copied for the product, the output.
    assert peak.weights.value == 12_800 + 512 + 2_048
    assert type(load_model(name).module.window) is torch.Tensor
    assert load_model(name)(torch.ones(1, 800)).layers[-1].tolist() == [[[401.0] * 8] * 2]
