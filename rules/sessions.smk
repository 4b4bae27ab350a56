MAPPING = []  # of user ids to codes: here there are none


rule extract_sessions:
    """Keep the sessions of one raw file that pass the filters."""
    input:
        raw=lambda wildcards: RAW[wildcards.shard],
    output:
        table=f"{RESULTS}/sessions/shards/{{shard}}.parquet",
        funnel=f"{RESULTS}/sessions/shards/{{shard}}.funnel.csv",
    params:
        name=lambda wildcards: Path(RAW[wildcards.shard]).name,  # it stands in the table
        filters=dict(sorted(config["sessions"].items())),
        code=code("extract_sessions"),
    threads: 1
    resources:
        mem_mb=mem_mb,
        runtime=runtime,
    log:
        f"{RESULTS}/logs/extract_sessions/{{shard}}.log",
    conda:
        "../workflow/envs/fidelity.yaml"
    cache: CACHE
    script:
        "../workflow/scripts/extract_sessions.py"


rule select_songs:
    """Reduce the songs until each has enough sessions; make the observations."""
    input:
        tables=[f"{RESULTS}/sessions/shards/{shard}.parquet" for shard in RAW],
        funnels=[f"{RESULTS}/sessions/shards/{shard}.funnel.csv" for shard in RAW],
    output:
        funnel=shown("sessions/funnel.csv"),
        songs=f"{RESULTS}/sessions/songs.parquet",
        curve=shown("sessions/song_selection.csv"),
        transitions=f"{RESULTS}/sessions/transitions.parquet",
    params:
        shards=list(RAW),
        songs=config["songs"],
        min_songs=config["min_songs"] if config["songs"] == "densest" else None,
        code=code("select_songs"),
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
        "../workflow/scripts/select_songs.py"
