rule estimate_information:
    """Estimate what an observation tells about its holder, and an answer about membership."""
    input:
        unpack(answers_about_members),
        transitions=rules.select_songs.output.transitions,
        deals=rules.deal_users.output.deals,
    output:
        others=f"{POINT}/information.zip",
        information=f"{POINT}/information.csv",
    params:
        point=GRID_POINT,
        cells=INFORMATION["cells"],
        other_cells=OTHER_CELLS,
        aim={
            "errors": INFORMATION["errors"],
            "n_max": N_MAX,
            "n_permutations": INFORMATION["permutations"],
        },
        seed=config["seed"],
        code=code("estimate_information"),
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
        "../workflow/scripts/estimate_information.py"
