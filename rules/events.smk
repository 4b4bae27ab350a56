# In the place of sessions.smk, where the dataset is an event log: one shard, whatever its files.
from os.path import relpath

from fidelity.event_settings import find_event_files

EVENT_FILES = [str(path) for path in find_event_files(SOURCE["logs"])]
USERS = f"{RESULTS}/sessions/users.parquet"
# 177 MiB for 5 MB of CSV, 413 for 102 MB; other files hold six times as much in a MB.
PACKED = 1 if all(file.endswith((".csv", ".tsv")) for file in EVENT_FILES) else 6
COSTS["extract_events"] = Cost(340, 3 * PACKED, 5, 0.05 * PACKED)
ASKED["events"] = [
    f"{name}: {value}"
    for name, value in event_settings("gap", "previous_bins", "reduce", "timing", "windows").items()
]
MAPPING = [USERS] if event_settings("keep_user_ids")["keep_user_ids"] else []
EVENT_CACHE = CACHE and not MAPPING  # where others may read, no one is to find the ids

if Path(USERS).exists() and not MAPPING:
    raise WorkflowError(
        f"{USERS} tells the user ids of an earlier run, but keep_user_ids is false; remove the "
        "file, or set keep_user_ids: true"
    )

if MAPPING and "extract_events" in (workflow.workflow_settings.cache or []):
    raise WorkflowError(
        "--cache extract_events would put the user ids that keep_user_ids asks for into the cache; "
        "leave the name out, or set keep_user_ids: false"
    )


rule extract_events:
    """Cut an event log into sessions, with codes in the place of user ids."""
    input:
        files=lambda wildcards: EVENT_FILES,
    output:
        **({"users": USERS} if MAPPING else {}),
        table=f"{RESULTS}/sessions/shards/log.parquet",
        funnel=f"{RESULTS}/sessions/shards/log.funnel.csv",
    params:
        names=[relpath(file, SOURCE["logs"]) for file in EVENT_FILES],  # they order the rows
        source=event_settings(
            *("columns", "timing", "separator", "time_unit", "timezone", "gap", "previous_bins")
        ),
        seed=config["seed"],
        code=code("extract_events"),
    threads: 1
    resources:
        mem_mb=mem_mb,
        runtime=runtime,
    log:
        f"{RESULTS}/logs/extract_events.log",
    conda:
        "../workflow/envs/fidelity.yaml"
    cache: EVENT_CACHE
    script:
        "../workflow/scripts/extract_events.py"


rule select_songs:
    """Reduce the items, cut runs of listenings, make the observations."""
    input:
        table=rules.extract_events.output.table,
        funnel=rules.extract_events.output.funnel,
    output:
        funnel=shown("sessions/funnel.csv"),
        songs=f"{RESULTS}/sessions/songs.parquet",
        curve=shown("sessions/song_selection.csv"),
        transitions=f"{RESULTS}/sessions/transitions.parquet",
    params:
        **event_settings("windows", "reduce"),
        shard="log",
        songs=config["songs"],
        min_songs=config["min_songs"] if config["songs"] == "densest" else None,
        length=config["sessions"]["length"],
        code=code("select_events"),
    threads: 1
    resources:
        mem_mb=mem_mb,
        runtime=runtime,
    log:
        f"{RESULTS}/logs/select_songs.log",
    benchmark:
        f"{RESULTS}/benchmarks/select_songs.tsv"
    conda:
        "../workflow/envs/fidelity.yaml"
    script:
        "../workflow/scripts/select_events.py"
