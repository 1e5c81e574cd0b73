"""What the benchmark imports, by the name of the package that provides it and what it is for."""

from __future__ import annotations

from importlib import import_module

REQUIRED = {
    "torch": ("torch", "all tensors"),
    "transformers": ("transformers", "the architectures of wav2vec 2.0 and HuBERT"),
    "lightning_fabric": ("lightning-fabric", "the training loop"),
    "numpy": ("numpy", "arrays"),
    "scipy": ("scipy", "intervals"),
    "sklearn": ("scikit-learn", "the k-means targets"),
    "pandas": ("pandas", "the power trace"),
    "matplotlib": ("matplotlib", "figures"),
    "jinja2": ("jinja2", "the page of a report"),
    "plotly": ("plotly", "its figures"),
    "pydantic": ("pydantic", "reading records"),
    "typer": ("typer", "the command line"),
    "rich": ("rich", "tables on the screen"),
    "psutil": ("psutil", "memory and other processes"),
    "safetensors": ("safetensors", "checkpoints"),
    "filelock": ("filelock", "one writer per run"),
    "platformdirs": ("platformdirs", "the folder of caches"),
    "tomli_w": ("tomli-w", "the settings of a study's runs"),
    "pynvml": ("nvidia-ml-py", "the GPU's energy counter"),
    "soundfile": ("soundfile", "reading speech"),
    "jiwer": ("jiwer (and rapidfuzz)", "error rates"),
}
OPTIONAL = {
    "codecarbon": ("codecarbon", "without it the energy of CPU and DRAM is unavailable where there is no counter"),
    "cpuinfo": ("py-cpuinfo", "without it CodeCarbon does not recognise the CPU, with the same effect"),
    "fvcore.nn": ("fvcore (and iopath, portalocker, tabulate, termcolor, yacs)", "without it no second count of MACs"),
}


def lacking(packages: dict[str, tuple[str, str]]) -> list[str]:
    """A line for each module that cannot be imported."""
    found = []
    for module, (package, purpose) in packages.items():
        try:
            import_module(module)
        except ImportError as error:
            found.append(f"{package}: {purpose} ({error})")
    return found
