rule deal_users:
    """Deal the users to the adversary and the target, anew in each repeat."""
    input:
        transitions=rules.select_songs.output.transitions,
    output:
        deals=f"{RESULTS}/emulation/common-{{common}}.parquet",
    params:
        common_fraction="{common}",
        repeats=config["grid"]["repeats"],
        seed=config["seed"],
        code=code("deal_users"),
    threads: 1
    resources:
        mem_mb=mem_mb,
        runtime=runtime,
    log:
        f"{RESULTS}/logs/deal_users/common-{{common}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/deal_users/common-{{common}}.tsv"
    conda:
        "../workflow/envs/fidelity.yaml"
    script:
        "../workflow/scripts/deal_users.py"
