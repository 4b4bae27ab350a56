rule estimate_information:
    """Estimate what an observation tells about its holder."""
    input:
        transitions=rules.select_songs.output.transitions,
        deals=rules.deal_users.output.deals,
    output:
        information=f"{POINT}/information.csv",
    params:
        point=point,
        cells=config["information"]["cells"],
        seed=config["seed"],
        code=code("estimate_information"),
    log:
        f"{RESULTS}/logs/estimate_information/common-{{common}}/target-{{target}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/estimate_information/common-{{common}}/target-{{target}}.tsv"
    script:
        "../workflow/scripts/estimate_information.py"
