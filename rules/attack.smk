rule measure_leakage:
    """Compare what the target's model answered with what the adversary's users did."""
    input:
        transitions=rules.select_songs.output.transitions,
        deals=rules.deal_users.output.deals,
        responses=rules.query_models.output.responses,
    output:
        leakage=f"{POINT}/leakage.csv",
    params:
        point=point,
        code=code("measure_leakage"),
    log:
        f"{RESULTS}/logs/measure_leakage/common-{{common}}/target-{{target}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/measure_leakage/common-{{common}}/target-{{target}}.tsv"
    script:
        "../workflow/scripts/measure_leakage.py"
