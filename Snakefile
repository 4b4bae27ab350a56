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


rule all:
    default_target: True
    input:
        [f"{RESULTS}/figures/{name}.{format}" for name in FIGURES for format in FORMATS],
        [f"{RESULTS}/tables/{name}.csv" for name in TABLES],
        f"{RESULTS}/findings.md",
        MAPPING,
        grid("models.zip") if config["keep_models"] else [],
