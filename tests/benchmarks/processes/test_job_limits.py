"""What a job may use, from made-up trees of control groups of both versions."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from ssl_benchmarks.processes import job_limits
from ssl_benchmarks.processes.job_limits import groups, memory_at_hand, memory_limit, usable_cpus

GIB = 2**30
MACHINE = SimpleNamespace(total=512 * GIB, available=400 * GIB)


@pytest.fixture(autouse=True)
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """64 cores and 512 GiB, and nothing that bounds them."""
    monkeypatch.setattr(job_limits, "PROC", tmp_path / "proc")
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(64)), raising=False)
    monkeypatch.setattr(job_limits, "psutil", SimpleNamespace(virtual_memory=lambda: MACHINE))
    return tmp_path


def kernel(at: Path, lines: list[str], mounts: list[tuple[str, str, str, str]]) -> None:
    """The two files of proc: the groups of this process, and each mount's root, point, kind and options."""
    (at / "proc").mkdir()
    (at / "proc" / "cgroup").write_text("\n".join(lines) + "\n")
    told = [
        f"31 23 0:28 {root} {point} rw,relatime shared:9 - {kind} none {options}"
        for root, point, kind, options in mounts
    ]
    (at / "proc" / "mountinfo").write_text("22 1 8:1 / / rw - ext4 /dev/sda rw\n" + "\n".join(told) + "\n")


def put(folder: Path, **files: object) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, value in files.items():
        (folder / name.replace("__", ".")).write_text(f"{value}\n")


def version_two(at: Path) -> None:
    """A Slurm job's step, four groups deep: the job has 4 GiB and one and a half CPUs, its step no bounds of its own."""
    root = at / "cgroup"
    kernel(at, ["0::/system.slice/slurmd/job_77/step_0"], [("/", str(root), "cgroup2", "rw")])
    put(root, memory__stat="anon 1")
    put(root / "system.slice", memory__max="max", memory__current=90 * GIB, cpu__max="max 100000")
    put(root / "system.slice/slurmd", memory__max=100 * GIB, memory__current=50 * GIB)
    job = root / "system.slice/slurmd/job_77"
    put(
        job,
        memory__max=4 * GIB,
        memory__current=3 * GIB,
        memory__stat=f"anon 5\ninactive_file {2 * GIB}",
        cpu__max="150000 100000",
    )
    put(job / "step_0", memory__max="max", memory__current=3 * GIB, cpu__max="max 100000")


def version_one(at: Path) -> None:
    """The same in the older files, each controller with a mount of its own."""
    kernel(
        at,
        ["4:memory:/slurm/job_77/step_0", "3:cpu,cpuacct:/slurm/job_77", "1:name=systemd:/user", "0::/user"],
        [("/", str(at / "memory"), "cgroup", "rw,memory"), ("/", str(at / "cpu"), "cgroup", "rw,cpu,cpuacct")],
    )
    endless = 9223372036854771712
    put(at / "memory", memory__limit_in_bytes=endless, memory__usage_in_bytes=90 * GIB)
    job = at / "memory/slurm/job_77"
    put(
        job,
        memory__limit_in_bytes=4 * GIB,
        memory__usage_in_bytes=3 * GIB,
        memory__stat=f"total_inactive_file {2 * GIB}",
    )
    put(job / "step_0", memory__limit_in_bytes=endless, memory__usage_in_bytes=3 * GIB)
    put(at / "cpu/slurm/job_77", cpu__cfs_quota_us=150000, cpu__cfs_period_us=100000)
    put(at / "cpu", cpu__cfs_quota_us=-1, cpu__cfs_period_us=100000)


def container(at: Path) -> None:
    """A container sees its own group as the mount, by a path that leads nowhere in it."""
    kernel(at, ["0::/../../docker/abc"], [("/", str(at / "cgroup"), "cgroup2", "rw")])
    put(at / "cgroup", memory__max=4 * GIB, memory__current=GIB, cpu__max="150000 100000")


def bind_mount(at: Path) -> None:
    """A part of the hierarchy is mounted, under a name with a blank."""
    point = str(at / "c group").replace(" ", "\\040")
    kernel(
        at,
        ["4:memory:/docker/abc/inner", "3:cpu:/docker/abc/inner"],
        [("/docker/abc", point, "cgroup", "rw,memory,cpu")],
    )
    put(at / "c group", memory__limit_in_bytes=4 * GIB, memory__usage_in_bytes=GIB)
    put(at / "c group/inner", cpu__cfs_quota_us=150000, cpu__cfs_period_us=100000)


@pytest.mark.parametrize("tree", [version_two, version_one, container, bind_mount])
def test_the_tightest_group_around_the_process_counts(machine: Path, tree: object) -> None:
    """4 GiB of which 1 GiB is held, caches aside, and one and a half CPUs."""
    assert callable(tree)
    tree(machine)
    assert memory_limit() == 4 * GIB
    assert memory_at_hand() == 3 * GIB
    assert usable_cpus() == 1.5


def nothing(_: Path) -> None:
    """As on a system without control groups."""


def no_bounds(at: Path) -> None:
    kernel(at, ["0::/user.slice"], [("/", str(at / "cgroup"), "cgroup2", "rw")])
    put(at / "cgroup/user.slice", memory__max="max", memory__current=GIB, cpu__max="max 100000")


def other_controllers(at: Path) -> None:
    kernel(at, ["4:devices:/x", "1:name=systemd:/"], [("/", str(at / "cgroup"), "cgroup", "rw,devices")])
    put(at / "cgroup/x", memory__limit_in_bytes=1, memory__usage_in_bytes=1)


def broken(at: Path) -> None:
    kernel(at, ["0::/x"], [("/", str(at / "cgroup"), "cgroup2", "rw")])
    put(at / "cgroup/x", memory__max="", memory__current="?", cpu__max="100000 0")


@pytest.mark.parametrize("tree", [nothing, no_bounds, other_controllers, broken])
def test_without_a_bound_it_is_the_machine(machine: Path, tree: object) -> None:
    assert callable(tree)
    tree(machine)
    assert (memory_limit(), memory_at_hand(), usable_cpus()) == (512 * GIB, 400 * GIB, 64)


def test_cpus_are_those_the_process_is_bound_to(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    version_two(machine)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {5})
    assert usable_cpus() == 1


def test_the_machine_bounds_a_group_that_may_have_more(machine: Path) -> None:
    kernel(machine, ["0::/x"], [("/", str(machine / "cgroup"), "cgroup2", "rw")])
    put(machine / "cgroup/x", memory__max=900 * GIB, memory__current=GIB, cpu__max="99900000 100000")
    assert (memory_limit(), memory_at_hand(), usable_cpus()) == (512 * GIB, 400 * GIB, 64)


def test_a_group_that_holds_more_than_it_may_leaves_nothing(machine: Path) -> None:
    kernel(machine, ["0::/x"], [("/", str(machine / "cgroup"), "cgroup2", "rw")])
    put(machine / "cgroup/x", memory__max=GIB, memory__current=2 * GIB)
    assert memory_at_hand() == 0


def test_groups_come_from_the_inner_to_the_outer(machine: Path) -> None:
    version_two(machine)
    found: Iterator[Path] = groups("memory")
    root = machine / "cgroup"
    parts = ["system.slice/slurmd/job_77/step_0", "system.slice/slurmd/job_77", "system.slice/slurmd", "system.slice"]
    assert list(found) == [*(root / part for part in parts), root]
