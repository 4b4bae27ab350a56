rule tabulate_leakage:
    """Join the leakage of all grid points."""
    input:
        leakage=grid("leakage.csv"),
    output:
        **{name: shown(f"tables/{name}.csv") for name in ("leakage", "figure2", "figure3")},
    params:
        code=code("tabulate_leakage"),
    threads: 1
    resources:
        mem_mb=mem_mb,
        runtime=runtime,
    log:
        f"{RESULTS}/logs/tabulate_leakage.log",
    benchmark:
        f"{RESULTS}/benchmarks/tabulate_leakage.tsv"
    conda:
        "../workflow/envs/fidelity.yaml"
    script:
        "../workflow/scripts/tabulate_leakage.py"


rule tabulate_information:
    """Join the information of all grid points."""
    input:
        information=grid("information.csv"),
        others=[] if PLUG_IN_ALONE else grid("information.zip"),
        # Not by its rule: then Snakemake would hash all files of a list for each of them.
        transitions=f"{RESULTS}/sessions/transitions.parquet",
    output:
        **{name: shown(f"tables/{name}.csv") for name in [*INFORMATION_TABLES, "figure4"]},
    params:
        points=[point_of(common, target) for common in FRACTIONS for target in SIZES],
        code=code("tabulate_information"),
    threads: 1
    resources:
        mem_mb=mem_mb,
        runtime=runtime,
    log:
        f"{RESULTS}/logs/tabulate_information.log",
    benchmark:
        f"{RESULTS}/benchmarks/tabulate_information.tsv"
    conda:
        "../workflow/envs/fidelity.yaml"
    script:
        "../workflow/scripts/tabulate_information.py"


rule tabulate_accuracy:
    """Join the accuracies."""
    input:
        accuracy=accuracy_files(),
    output:
        accuracy=shown("tables/accuracy.csv"),
        in_sample=shown("tables/in_sample_accuracy.csv"),
    params:
        code=code("tabulate_accuracy"),
    threads: 1
    resources:
        mem_mb=mem_mb,
        runtime=runtime,
    log:
        f"{RESULTS}/logs/tabulate_accuracy.log",
    benchmark:
        f"{RESULTS}/benchmarks/tabulate_accuracy.tsv"
    conda:
        "../workflow/envs/fidelity.yaml"
    script:
        "../workflow/scripts/tabulate_accuracy.py"


rule tabulate_attacks:
    """Join what was found of attacks on users at all grid points."""
    input:
        attacks=grid("attacks.zip", ATTACKED),
    output:
        **{name: shown(f"tables/{name}.csv") for name in USER_TABLES},
    params:
        code=code("tabulate_attacks"),
    threads: 1
    resources:
        mem_mb=mem_mb,
        runtime=runtime,
    log:
        f"{RESULTS}/logs/tabulate_attacks.log",
    benchmark:
        f"{RESULTS}/benchmarks/tabulate_attacks.tsv"
    conda:
        "../workflow/envs/fidelity.yaml"
    script:
        "../workflow/scripts/tabulate_attacks.py"


rule draw_figure:
    """Draw one figure for print and screen."""
    input:
        unpack(lambda wildcards: figure_tables(wildcards.figure)),
    output:
        f"{RESULTS}/figures/{{figure}}.pdf",
        shown("figures/{figure}.png"),
        f"{RESULTS}/figures/{{figure}}.svg",
    params:
        style=dict(sorted(config["figures"].items())),
        note=NOTE,
        code=code("draw_figure"),
    threads: 1
    resources:
        mem_mb=mem_mb,
        runtime=runtime,
    log:
        f"{RESULTS}/logs/draw_figure/{{figure}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/draw_figure/{{figure}}.tsv"
    conda:
        "../workflow/envs/fidelity.yaml"
    script:
        "../workflow/scripts/draw_figure.py"


rule write_findings:
    """Tell in words and numbers what was found."""
    input:
        **{name: f"{RESULTS}/tables/{name}.csv" for name in INFORMATION_TABLES},
        **(dict(rules.tabulate_attacks.output.items()) if ATTACKED else {}),
        funnel=rules.select_songs.output.funnel,
        songs=rules.select_songs.output.songs,
        curve=rules.select_songs.output.curve,
        leakage=rules.tabulate_leakage.output.leakage,
        accuracy=rules.tabulate_accuracy.output.accuracy,
        in_sample=rules.tabulate_accuracy.output.in_sample,
        transitions=f"{RESULTS}/sessions/transitions.parquet",
    output:
        findings=f"{RESULTS}/findings.md",
        page=shown("findings.html"),
    params:
        dataset=DATASET,
        note=NOTE,
        asked=ASKED,
        code=code("write_findings"),
    threads: 1
    resources:
        mem_mb=mem_mb,
        runtime=runtime,
    log:
        f"{RESULTS}/logs/write_findings.log",
    benchmark:
        f"{RESULTS}/benchmarks/write_findings.tsv"
    conda:
        "../workflow/envs/fidelity.yaml"
    script:
        "../workflow/scripts/write_findings.py"
