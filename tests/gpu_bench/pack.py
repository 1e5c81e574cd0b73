"""`make gpu-pack`: one folder for a machine with a GPU and without a network: the project, wheels and real speech.

The machine has Python 3.12, torch and transformers, with what they need; the wheels are of the other packages.
"""

from __future__ import annotations

import argparse
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

from running import ROOT
from speech import TEST, TRAIN, speakers

MOST = 64 * 2**20
"""Bytes that the folder may have."""
PYTHON = "3.12"
PLATFORMS = [f"manylinux_2_{n}_x86_64" for n in (39, 35, 34, 31, 28, 27, 24, 17)] + ["manylinux2014_x86_64"]
WITH_NEEDS = ("pydantic",)
"""Packages that pin others to one version."""
WHEELS = (
    "soundfile", "cffi", "pycparser", "jiwer", "rapidfuzz", "plotly", "narwhals", "praatio", "lightning-fabric",
    "lightning-utilities", "codecarbon", "py-cpuinfo", "prometheus-client", "questionary", "prompt-toolkit", "wcwidth",
    "pycountry", "arrow", "authlib", "joserfc", "nvidia-ml-py", "platformdirs", "tomli-w", "filelock",
)  # fmt: skip
SPEAKERS = {TRAIN: 12, TEST: 6}
"""Enough for ten minutes of labels and a test by others."""
COMMAND = (
    "python3 -m pip install -q --no-index --no-deps --no-compile --target site wheels/*.whl"
    " && PYTHONPATH=site python3 tests/gpu_bench"
)


def copy_project(to: Path) -> None:
    """The files that git tracks, as they are now."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, stdout=subprocess.PIPE).stdout.decode()
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():
            (to / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, to / name)


def fetch_wheels(to: Path) -> None:
    """Download the wheels with pip, from the index that it is set up for."""
    words = [sys.executable, "-m", "pip", "download", "-q", "--only-binary=:all:", "--python-version", PYTHON]
    words += ["--implementation", "cp", *(word for name in PLATFORMS for word in ("--platform", name)), "-d", str(to)]
    for asked in (WITH_NEEDS, ("--no-deps", *WHEELS)):
        subprocess.run([*words, *asked], check=True)


def copy_speech(given: Path, to: Path) -> None:
    """The first speakers of both parts, and the licence and notices beside them."""
    for part, most in SPEAKERS.items():
        for name in speakers(given / part)[:most]:
            shutil.copytree(given / part / name, to / part / name)
    for path in given.glob("*.TXT"):
        shutil.copyfile(path, to / path.name)


def size_of(folder: Path) -> int:
    """Bytes of all files."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def main() -> int:
    parser = argparse.ArgumentParser(prog="make gpu-pack", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--to", type=Path, default=ROOT / ".gpu-pack", help="folder to make anew [.gpu-pack]")
    parser.add_argument("--speech", type=Path, help=f"folder with {TRAIN} and {TEST} [the packaged sample]")
    parser.add_argument("--no-wheels", action="store_true", help="for a machine that has all packages, or a network")
    asked = parser.parse_args()
    if asked.speech and not all((asked.speech / part).is_dir() for part in SPEAKERS):
        sys.stdout.write(f"--speech: {TRAIN} and {TEST} are not both in {asked.speech}\n")
        return 2
    if asked.to.exists() and not (asked.to / "tests" / "gpu_bench").is_dir() and any(asked.to.iterdir()):
        sys.stdout.write(f"--to: {asked.to} holds something else\n")
        return 2
    shutil.rmtree(asked.to, ignore_errors=True)
    copy_project(asked.to)
    if asked.speech:
        copy_speech(asked.speech, asked.to / "speech")
    if not asked.no_wheels:
        fetch_wheels(asked.to / "wheels")
    size, command = size_of(asked.to), COMMAND.rpartition(" && ")[2] if asked.no_wheels else COMMAND
    command = command.removeprefix("PYTHONPATH=site ") if asked.no_wheels else command
    sys.stdout.write(f"{asked.to}: {size / 2**20:.1f} MiB\n")
    if size > MOST:
        sys.stdout.write(f"too large: at most {MOST // 2**20} MiB\n")
        return 1
    folder = shlex.quote(asked.to.name)
    sys.stdout.write(f"copy the folder, then: cd {folder} && {command}{' --speech speech' * bool(asked.speech)}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
