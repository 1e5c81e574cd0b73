"""A Slurm cluster of one node on this machine, with accounting in a database, for the tests that ask for it."""

from __future__ import annotations

import os
import secrets
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

LONGEST_S = 90.0
DAEMON = """
AuthType=auth/munge
SlurmUser=root
"""
ACCOUNTS = """
AuthInfo=socket={at}/munge
DbdHost=localhost
DbdPort={ports[0]}
LogFile={at}/slurmdbd.log
PidFile={at}/slurmdbd.pid
StorageType=accounting_storage/mysql
StorageUser=root
StorageLoc=accounts
"""
CLUSTER = """
ClusterName=tiny
SlurmctldHost={host}(127.0.0.1)
SlurmdUser=root
AuthInfo=socket={at}/munge
AccountingStorageType=accounting_storage/slurmdbd
AccountingStorageHost=localhost
AccountingStoragePort={ports[0]}
AccountingStoragePass={at}/munge
AccountingStorageTRES=gres/gpu
SlurmctldPort={ports[1]}
SlurmdPort={ports[2]}
StateSaveLocation={at}/state
SlurmdSpoolDir={at}/spool
SlurmctldPidFile={at}/slurmctld.pid
SlurmdPidFile={at}/slurmd.pid
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=task=1
SelectType=select/cons_tres
GresTypes=gpu
MpiDefault=none
SchedulerParameters=batch_sched_delay=0,sched_interval=1
NodeName={host} NodeAddr=127.0.0.1 CPUs={cpus} RealMemory=1000 Gres=gpu:2
PartitionName=main Nodes={host} Default=YES
"""


@pytest.fixture(scope="session")
def slurm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The environment in which sbatch and sacct reach the cluster, which has two GPUs that are files."""
    at = tmp_path_factory.mktemp("slurm")
    environment = {**os.environ, "SLURM_CONF": f"{at}/slurm.conf", "MYSQL_UNIX_PORT": f"{at}/db.socket"}
    _configure(at)
    with ExitStack() as stack:

        def start(*command: str, until: list[str]) -> None:
            log = stack.enter_context((at / f"{command[0]}.out").open("wb"))
            process = subprocess.Popen(command, env=environment, stdout=log, stderr=log, cwd=at)
            stack.callback(process.wait)
            stack.callback(process.terminate)
            _await(lambda: _works(until, environment), process, at / f"{command[0]}.out")

        key = f"{at}/munge.key"
        start(
            "munged", "--foreground", "--force", f"--key-file={key}", f"--socket={at}/munge", f"--pid-file={at}/munged.pid",
            f"--log-file={at}/munged.log", f"--seed-file={at}/seed", until=["munge", "--no-input", f"--socket={at}/munge"],
        )  # fmt: skip
        _run(
            ["mariadb-install-db", "--user=root", f"--datadir={at}/db", "--auth-root-authentication-method=normal"],
            environment,
        )
        start(
            "mariadbd", "--no-defaults", "--user=root", f"--datadir={at}/db", f"--socket={at}/db.socket", "--skip-networking",
            "--innodb-buffer-pool-size=64M", "--innodb-lock-wait-timeout=900",
            until=["mariadb", "--no-defaults", f"--socket={at}/db.socket", "-e", "create database if not exists accounts"],
        )  # fmt: skip
        start("slurmdbd", "-D", until=["sacctmgr", "--noheader", "show", "cluster"])
        _run(["sacctmgr", "--immediate", "add", "cluster", "tiny"], environment)
        start("slurmctld", "-D", until=["scontrol", "ping"])
        start("slurmd", "-D", until=["sh", "-c", "sinfo --noheader --format=%T | grep -q ^idle"])
        yield environment


def _configure(at: Path) -> None:
    with ExitStack() as stack:
        bound = [stack.enter_context(socket.socket()) for _ in range(3)]
        for each in bound:
            each.bind(("127.0.0.1", 0))
        ports = [each.getsockname()[1] for each in bound]
    names = {"at": at, "ports": ports, "host": socket.gethostname().partition(".")[0], "cpus": os.cpu_count()}
    for name, text in {"slurm.conf": CLUSTER, "slurmdbd.conf": ACCOUNTS}.items():
        (at / name).write_text(DAEMON + text.format(**names))
        (at / name).chmod(0o600)
    for number in range(2):
        (at / f"gpu{number}").touch()
    (at / "gres.conf").write_text(f"Name=gpu File={at}/gpu[0-1]\n")
    (at / "munge.key").write_bytes(secrets.token_bytes(1024))
    (at / "munge.key").chmod(0o600)
    for name in ("state", "spool"):
        (at / name).mkdir()


def _run(command: list[str], environment: dict[str, str]) -> None:
    subprocess.run(command, env=environment, check=True, capture_output=True, timeout=LONGEST_S)


def _works(command: list[str], environment: dict[str, str]) -> bool:
    try:
        done = subprocess.run(
            command, env=environment, capture_output=True, stdin=subprocess.DEVNULL, timeout=10, check=False
        )
    except subprocess.TimeoutExpired:
        return False
    return done.returncode == 0


def _await(holds: Callable[[], bool], process: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + LONGEST_S
    while not holds():
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < end, log.read_text()
        time.sleep(0.1)


@pytest.fixture(scope="session")
def wider_driver(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the scripted driver as other tools need it, for LD_LIBRARY_PATH; see `wider_driver.c`."""
    folder, source = tmp_path_factory.mktemp("wider"), Path(__file__).with_name("wider_driver.c")
    command = ["cc", "-shared", "-fPIC", "-O1", "-Wall", "-Werror", "-Wl,-soname,libnvidia-ml.so.1"]
    subprocess.run([*command, "-o", str(folder / "libnvidia-ml.so.1"), str(source), "-lm"], check=True)
    return folder
