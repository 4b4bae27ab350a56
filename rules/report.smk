from fidelity.versions import versions

# What the report shows, in reading order: results by category, and their titles. The caption of
# each lies in workflow/report, where the result lies in the results.
REPORT = {
    "Findings": {"findings.html": "What was found"},
    "Data": {
        "figures/song_selection.png": "How the songs were reduced",
        "sessions/funnel.csv": "What each filter left",
        "sessions/song_selection.csv": "How the songs were reduced",
    },
    "The leak": {
        "figures/figure2.png": "True positives: figure 2 of the paper",
        "figures/figure3.png": "False positives: figure 3 of the paper",
        "figures/leakage.png": "The leak: TPR and FPR",
        "figures/accuracy.png": "Accuracy of the recommender",
        "tables/figure2.csv": "True positives: figure 2 of the paper",
        "tables/figure3.csv": "False positives: figure 3 of the paper",
        "tables/leakage.csv": "Shares, rates and the leak",
        "tables/accuracy.csv": "Accuracy on unknown users",
        "tables/in_sample_accuracy.csv": "Accuracy on known users",
    },
    "Information": {
        "figures/figure4.png": "Whose record is it? Figure 4 of the paper",
        "figures/membership.png": "Whose record, beside who is a member",
        "figures/observations.png": "How many observations an error needs",
        "tables/figure4.csv": "Whose record is it? Figure 4 of the paper",
        "tables/information.csv": "Bits an observation, by estimator",
        "tables/divergences.csv": "Distances between histograms",
        "tables/observations_needed.csv": "How many observations an error needs",
        "tables/errors.csv": "Errors of tests",
    },
    "Attacks on users": {
        "figures/attack_roc.png": "ROC of the plain and the best scores",
        "figures/attack_sizes.png": "Scores against the target's size",
        "figures/attack_scores.png": "All scores",
        "tables/attacks.csv": "All metrics of all scores",
        "tables/roc.csv": "ROC curves",
        "tables/attack_errors.csv": "Errors after N answers",
    },
    "Who is exposed": {
        "figures/counterfactual.png": "The same users, known to a model and not",
        "figures/shared_users.png": "How many users are shared",
        "figures/outliers.png": "The leak by how surprising users are",
        "tables/counterfactual.csv": "The same users, known to a model and not",
        "tables/shared_users.csv": "How many users are shared",
        "tables/outliers.csv": "The leak by how surprising users are",
        "tables/verdicts.csv": "Lists of accused users",
    },
}


def place_in_report(file):
    """Return the category and the labels of a result, numbered, as the report sorts them."""
    for i, (category, titles) in enumerate(REPORT.items(), start=1):
        for j, (name, title) in enumerate(titles.items(), start=1):
            if name == file:
                origin = {"data": NOTE} if NOTE else {}
                return f"{i} {category}", {"result": f"{i}.{j} {title}", "file": file, **origin}
    raise WorkflowError(f"{file}: has no place in REPORT of rules/report.smk")


def shown(file):
    """Return the path of a result that the report shows; `file` is its place in the results."""

    def place(wildcards):
        return place_in_report(file.format(**dict(wildcards.items())))

    return report(
        f"{RESULTS}/{file}",
        caption=f"../workflow/report/{Path(file).with_suffix('.rst')}",
        category=lambda wildcards: place(wildcards)[0],
        labels=lambda wildcards: place(wildcards)[1],
    )


def effective_config():
    """Return the config as the report shows it: in the order of the schema, without other datasets.

    Where their logs lie is nothing to whom the report is passed on.
    """
    schema = yaml.safe_load(SCHEMA.read_text(encoding="utf-8"))
    ordered = {key: config[key] for key in schema["properties"] if key in config}
    ordered["datasets"] = {DATASET: SOURCE}
    return yaml.safe_dump(
        ordered, sort_keys=False, default_flow_style=None, allow_unicode=True, width=50
    )
