# Of this workflow, whatever folder it is run in.
configfile: f"{workflow.basedir}/config/config.yaml"


include: "rules/common.smk"
include: "rules/logs.smk"
include: "rules/events.smk" if SOURCE["format"] == "events" else "rules/sessions.smk"
include: "rules/emulation.smk"
include: "rules/recommender.smk"
include: "rules/attack.smk"
include: "rules/information.smk"
include: "rules/results.smk"


onstart:
    # Its limit of submissions to clusters lets Snakemake look for jobs to start once more a second
    # with every job that ends: a tenth of the time of a run of 300 jobs.
    if workflow.local_exec:
        workflow.scheduler.job_rate_limiter = None


rule all:
    default_target: True
    input:
        [f"{RESULTS}/figures/{name}.{format}" for name in FIGURES for format in FORMATS],
        [f"{RESULTS}/tables/{name}.csv" for name in TABLES],
        f"{RESULTS}/findings.md",
        MAPPING,
        grid("models.zip") if config["keep_models"] else [],
