"""The place of this process among the tasks that a launcher has started on the nodes of a cluster."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass

LOCAL = ("SLURM_LOCALID", "OMPI_COMM_WORLD_LOCAL_RANK", "MPI_LOCALRANKID", "PALS_LOCAL_RANKID")
"""Where `srun` and the launchers of MPI leave a task's number on its node."""


@dataclass(frozen=True)
class Task:
    """One of the tasks of a job.

    Attributes:
        local: its number on its node; the first, 0, meters for all of them.
        node: the number of its node.
        nodes: of the job.
    """

    local: int = 0
    node: int = 0
    nodes: int = 1

    @classmethod
    def this(cls, environment: Mapping[str, str] = os.environ) -> Task:
        """The task of this process; a process that no launcher has started is the only one."""
        local = next((number for name in LOCAL if (number := _number(environment, name)) is not None), 0)
        node, nodes = _number(environment, "SLURM_NODEID"), _number(environment, "SLURM_JOB_NUM_NODES")
        return cls(local, 0 if node is None else node, max(1, nodes or 1))

    def named(self, name: str) -> str:
        """A model's name, with the node where there are several: each has a bill of its own."""
        return name if self.nodes == 1 else f"{name} (node {self.node + 1} of {self.nodes})"

    def folder(self, out: str) -> str:
        """A run folder, inside `out` where there are several nodes."""
        return out if self.nodes == 1 else f"{out}/node-{self.node + 1}"


def _number(environment: Mapping[str, str], name: str) -> int | None:
    text = environment.get(name, "")
    return int(text) if text.isdecimal() and len(text) < 10 else None
