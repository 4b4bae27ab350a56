# Of this workflow, whatever folder it is run in.
configfile: f"{workflow.basedir}/config/config.yaml"


report: "workflow/report/workflow.rst"


include: "rules/common.smk"
include: "rules/resources.smk"
include: "rules/forks.smk"
include: "rules/report.smk"
include: "rules/progress.smk"
include: "rules/logs.smk"
include: "rules/events.smk" if SOURCE["format"] == "events" else "rules/sessions.smk"
include: "rules/emulation.smk"
include: "rules/recommender.smk"
include: "rules/attack.smk"
include: "rules/plug_in.smk" if PLUG_IN_ALONE else "rules/information.smk"
include: "rules/results.smk"


if workflow.is_main_process:
    require_linked()


# Too light to be submitted to a cluster: whoever runs Snakemake there runs these beside it.
localrules:
    deal_users,
    draw_figure,
    tabulate_accuracy,
    tabulate_attacks,
    tabulate_information,
    tabulate_leakage,
    write_findings,


onstart:
    # Snakemake's limit of submissions to clusters has it look for jobs to start once more a second
    # with every job that ends: a tenth of the time of a run of 300 jobs.
    if workflow.local_exec:
        workflow.scheduler.job_rate_limiter = None
    require_place()
    tell_progress()


onerror:
    tell_failures()


rule all:
    default_target: True
    input:
        expand(rules.draw_figure.output, figure=FIGURES),
        [f"{RESULTS}/tables/{name}.csv" for name in TABLES],
        rules.write_findings.output,
        MAPPING,
        grid("models.zip") if config["keep_models"] else [],
