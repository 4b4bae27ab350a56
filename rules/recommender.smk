rule train_models:
    """Train the target's model of each repeat."""
    input:
        transitions=rules.select_songs.output.transitions,
        deals=rules.deal_users.output.deals,
    output:
        models=f"{POINT}/models.zip" if config["keep_models"] else temp(f"{POINT}/models.zip"),
    params:
        point=TARGET_POINT,
        features=config["features"],
        recommender=RECOMMENDER,
        seed=config["seed"],
        code=recommender_code("train_models"),
    threads: MODEL_THREADS
    resources:
        mem_mb=mem_mb,
        runtime=runtime,
    log:
        f"{RESULTS}/logs/train_models/common-{{common}}/target-{{target}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/train_models/common-{{common}}/target-{{target}}.tsv"
    conda:
        "../workflow/envs/fidelity.yaml"
    script:
        "../workflow/scripts/train_models.py"


rule query_models:
    """Ask the target's models about each of the adversary's transitions."""
    input:
        transitions=rules.select_songs.output.transitions,
        deals=rules.deal_users.output.deals,
        models=rules.train_models.output.models,
    output:
        responses=f"{POINT}/responses.parquet",
    params:
        point=GRID_POINT,
        features=config["features"],
        recommender=RECOMMENDER,
        code=recommender_code("query_models"),
    threads: MODEL_THREADS
    resources:
        mem_mb=mem_mb,
        runtime=runtime,
    log:
        f"{RESULTS}/logs/query_models/common-{{common}}/target-{{target}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/query_models/common-{{common}}/target-{{target}}.tsv"
    conda:
        "../workflow/envs/fidelity.yaml"
    script:
        "../workflow/scripts/query_models.py"


rule cross_validate:
    """Measure the accuracy of the recommender on users that it does not know."""
    input:
        transitions=rules.select_songs.output.transitions,
        deals=rules.deal_users.output.deals,
    output:
        accuracy=f"{RESULTS}/accuracy/common-{{common}}/target-{{target}}.csv",
    params:
        # Not TARGET_POINT: "shared" is never the size of max.
        point=lambda wildcards: point_of(wildcards.common, wildcards.target, "full"),
        shared=lambda wildcards: SHARED_SIZE if wildcards.target == "shared" else None,
        features=config["features"],
        recommender=RECOMMENDER,
        seed=config["seed"],
        code=recommender_code("cross_validate"),
    threads: MODEL_THREADS
    resources:
        mem_mb=mem_mb,
        runtime=runtime,
    log:
        f"{RESULTS}/logs/cross_validate/common-{{common}}/target-{{target}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/cross_validate/common-{{common}}/target-{{target}}.tsv"
    conda:
        "../workflow/envs/fidelity.yaml"
    script:
        "../workflow/scripts/cross_validate.py"
