rule make_logs:
    """Make one file of the synthetic stand-in, in the format of the CrowdAI logs."""
    output:
        raw=f"{RESULTS}/raw/{{shard}}.csv.gz",
    params:
        shard="{shard}",
        sessions=lambda wildcards: STAND_IN[wildcards.shard],
        seed=config["seed"],
        code=code("make_logs"),
    threads: 1
    resources:
        mem_mb=mem_mb,
        runtime=runtime,
    log:
        f"{RESULTS}/logs/make_logs/{{shard}}.log",
    conda:
        "../workflow/envs/fidelity.yaml"
    cache: CACHE
    script:
        "../workflow/scripts/make_logs.py"
