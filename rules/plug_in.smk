# In the place of information.smk, where the plug-in estimate alone is asked for: of the holder, so
# that nothing waits for what the target answers.
COSTS["estimate_information"] = Cost(90, 30, 1, 0.1 * REPEATS)  # 79, 102, 154 MiB


rule estimate_information:
    """Estimate what an observation tells about its holder."""
    input:
        transitions=rules.select_songs.output.transitions,
        deals=rules.deal_users.output.deals,
    output:
        f"{POINT}/information.csv",
    params:
        point=GRID_POINT,
        cells=INFORMATION["cells"],
        code=code("estimate_plug_in"),
    threads: 1
    resources:
        mem_mb=mem_mb,
        runtime=runtime,
    log:
        f"{RESULTS}/logs/estimate_information/common-{{common}}/target-{{target}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/estimate_information/common-{{common}}/target-{{target}}.tsv"
    conda:
        "../workflow/envs/fidelity.yaml"
    script:
        "../workflow/scripts/estimate_plug_in.py"
