"""A Slurm cluster of this one machine, for as long as the tests run.

No accounting database and no control groups: daemons of Debian's slurm-wlm and munge, with a key
and a socket of their own, on ports of the loopback. Programs that jobs start find the cluster by
/etc/slurm/slurm.conf alone, so that this file is written, and removed at the end.
"""

import os
import secrets
import shutil
import signal
import subprocess
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path

CONFIG = Path("/etc/slurm/slurm.conf")
MARK = "# Written by the tests of the workflow, which remove it.\n"
PROGRAMS = Path(__file__).with_name("programs").read_text(encoding="utf-8").split()
CPUS = 4
MEMORY = 6000  # MiB, of all jobs together


def require_cluster():
    """Return nothing if a cluster can be started here; else raise, telling what to do."""
    missing = [name for name in PROGRAMS if shutil.which(name, path=_path()) is None]
    if missing:
        raise RuntimeError(f"{missing[0]} is not installed; run tests/slurm/install.sh as root")
    if os.geteuid() != 0:
        raise RuntimeError("only root can start slurmd")
    if CONFIG.exists() and not CONFIG.read_text(encoding="utf-8").startswith(MARK):
        raise RuntimeError(
            f"{CONFIG} is of a cluster that the tests did not make; they would replace it. "
            "Run them on a machine that belongs to no cluster"
        )


@contextmanager
def running_cluster(folder):
    """Run the daemons; give the folder with what they log, and stop them whatever happens."""
    require_cluster()
    with ExitStack() as stack:
        socket = _start_munge(stack, folder)
        CONFIG.parent.mkdir(exist_ok=True)
        stack.callback(CONFIG.unlink, missing_ok=True)
        CONFIG.write_text(MARK + _configuration(folder, socket), encoding="utf-8")
        for daemon in ("slurmctld", "slurmd"):
            (folder / daemon).mkdir()
            _start(stack, [daemon, "-D"], folder / f"{daemon}.out")
        _wait_for("a node that is idle", folder, _is_idle)
        stack.callback(_cancel_all)
        yield folder


def submissions(format):
    """Return [{letter: value}] of all jobs that the cluster remembers, as squeue tells."""
    letters = format.split()
    text = run("squeue", "--states=all", "--noheader", "--sort=i", "--format=" + "|".join(letters))
    return [dict(zip(letters, line.split("|"), strict=True)) for line in text.splitlines()]


def run(*command):
    done = subprocess.run(command, env=environment(), capture_output=True, text=True, check=True)
    return done.stdout


def environment():
    return {**os.environ, "PATH": _path()}


def _path():
    return f"{os.environ['PATH']}:/usr/sbin:/sbin"


def _start_munge(stack, folder):
    """Start munged with a new key; return its socket."""
    own = folder / "munge"
    own.mkdir(mode=0o700)
    key, socket = own / "key", own / "socket"
    key.write_bytes(secrets.token_bytes(128))
    key.chmod(0o600)
    options = {
        "key-file": key,
        "socket": socket,
        "pid-file": own / "pid",
        "log-file": own / "log",
        "seed-file": own / "seed",
    }
    # --force: the folder may be below a /tmp where others can write too.
    command = ["munged", "--foreground", "--force", "--num-threads=2"]
    _start(stack, [*command, *(f"--{name}={path}" for name, path in options.items())], own / "out")
    _wait_for("munge", folder, socket.exists)
    return socket


def _start(stack, command, output):
    """Start a daemon in the foreground, which ends with the stack."""
    with open(output, "w", encoding="utf-8") as file:
        process = subprocess.Popen(
            command,
            env=environment(),
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
        )
    stack.callback(_stop, process)


def _stop(process):
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(timeout=20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _configuration(folder, socket):
    host = run("hostname", "-s").strip()
    return f"""
ClusterName=test
SlurmctldHost={host}(127.0.0.1)
AuthInfo=socket={socket}
SlurmUser=root
SlurmdUser=root
SlurmctldPort=16817
SlurmdPort=16818
StateSaveLocation={folder}/slurmctld
SlurmdSpoolDir={folder}/slurmd
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
# Nothing that a container may lack: no control groups, no accounting database.
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
AccountingStorageType=accounting_storage/none
MpiDefault=none
ReturnToService=2
# Memory is what jobs are granted, and what they are killed for.
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=task=1
JobAcctGatherParams=OverMemoryKill
# More cores than there may be, so that jobs run side by side.
SlurmdParameters=config_overrides
NodeName={host} NodeAddr=127.0.0.1 CPUs={CPUS} RealMemory={MEMORY}
PartitionName=small Nodes={host} Default=YES MaxTime=INFINITE State=UP
"""


def _is_idle():
    found = subprocess.run(
        ["sinfo", "--noheader", "--format=%T"], env=environment(), capture_output=True, text=True
    )
    return found.stdout.strip() == "idle"


def _cancel_all():
    run("scancel", "--user=root")
    _wait_for("the end of all jobs", None, lambda: not run("squeue", "--noheader").strip())


def _wait_for(what, folder, is_there):
    for _ in range(300):
        if is_there():
            return
        time.sleep(0.1)
    logs = [] if folder is None else [*folder.glob("*.log"), *folder.glob("*/log")]
    raise RuntimeError(
        f"waited 30 s for {what}\n" + "\n".join(path.read_text()[-2000:] for path in logs)
    )
