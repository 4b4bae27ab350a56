rule measure_leakage:
    """Compare what the target's model answered with what the adversary's users did."""
    input:
        transitions=rules.select_songs.output.transitions,
        deals=rules.deal_users.output.deals,
        responses=rules.query_models.output.responses,
    output:
        leakage=f"{POINT}/leakage.csv",
    params:
        point=GRID_POINT,
        code=code("measure_leakage"),
    threads: 1
    resources:
        mem_mb=mem_mb,
        runtime=runtime,
    log:
        f"{RESULTS}/logs/measure_leakage/common-{{common}}/target-{{target}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/measure_leakage/common-{{common}}/target-{{target}}.tsv"
    conda:
        "../workflow/envs/fidelity.yaml"
    script:
        "../workflow/scripts/measure_leakage.py"


rule ask_own_models:
    """Ask models of the adversary's other users about each of its transitions."""
    input:
        transitions=rules.select_songs.output.transitions,
        deals=rules.deal_users.output.deals,
    output:
        responses=f"{RESULTS}/adversary/common-{{common}}/size-{{adversary}}.parquet",
    params:
        point=adversary_point,
        features=config["features"],
        recommender=RECOMMENDER,
        folds=ATTACKS["folds"],
        seed=config["seed"],
        code=recommender_code("ask_own_models"),
    threads: MODEL_THREADS
    resources:
        mem_mb=mem_mb,
        runtime=runtime,
    log:
        f"{RESULTS}/logs/ask_own_models/common-{{common}}/size-{{adversary}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/ask_own_models/common-{{common}}/size-{{adversary}}.tsv"
    conda:
        "../workflow/envs/fidelity.yaml"
    script:
        "../workflow/scripts/ask_own_models.py"


rule ask_comparisons:
    """Ask models of other databases: references, the control, the counterfactual."""
    input:
        transitions=rules.select_songs.output.transitions,
        deals=rules.deal_users.output.deals,
    output:
        responses=f"{POINT}/comparisons.parquet",
        users=f"{POINT}/comparison_users.parquet",
    params:
        point=GRID_POINT,
        references=lambda wildcards: count_references(wildcards.target),
        larger=larger_points,
        features=config["features"],
        recommender=RECOMMENDER,
        seed=config["seed"],
        code=recommender_code("ask_comparisons"),
    threads: MODEL_THREADS
    resources:
        mem_mb=mem_mb,
        runtime=runtime,
    log:
        f"{RESULTS}/logs/ask_comparisons/common-{{common}}/target-{{target}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/ask_comparisons/common-{{common}}/target-{{target}}.tsv"
    conda:
        "../workflow/envs/fidelity.yaml"
    script:
        "../workflow/scripts/ask_comparisons.py"


rule attack_users:
    """Score the adversary's users, judge them, measure how well that works."""
    input:
        transitions=rules.select_songs.output.transitions,
        deals=rules.deal_users.output.deals,
        responses=rules.query_models.output.responses,
        own=own_responses,
        comparisons=rules.ask_comparisons.output.responses,
        comparison_users=rules.ask_comparisons.output.users,
    output:
        attacks=f"{POINT}/attacks.zip",
        scores=f"{POINT}/scores.parquet",
        p_values=f"{POINT}/p_values.parquet",
    params:
        point=GRID_POINT,
        scores=ATTACKS["scores"],
        settings={name: ATTACKS[name] for name in ("epsilon", "gamma", "k", "prior")},
        verdict_score=VERDICTS["score"],
        false_discovery_rate=VERDICTS["false_discovery_rate"],
        n_max=N_MAX,
        features=config["features"],
        smoothing=ATTACKS["smoothing"],
        seed=config["seed"],
        code=code("attack_users"),
    threads: 1
    resources:
        mem_mb=mem_mb,
        runtime=runtime,
    log:
        f"{RESULTS}/logs/attack_users/common-{{common}}/target-{{target}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/attack_users/common-{{common}}/target-{{target}}.tsv"
    conda:
        "../workflow/envs/fidelity.yaml"
    script:
        "../workflow/scripts/attack_users.py"
