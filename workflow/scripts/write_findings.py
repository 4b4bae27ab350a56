"""Tell in words and numbers what was found."""

import numpy as np

from fidelity import findings
from fidelity.files import whole_file
from fidelity.logs import logged
from fidelity.markdown import to_html
from fidelity.summary import read_table
from fidelity.tables import read_columns


def write_findings(path, page, transitions, tables, *, dataset, note, asked):
    read = {name: read_table(table) for name, table in tables.items()}
    n_users = len(np.unique(read_columns(transitions, ["user"])["user"]))
    text = findings.write_findings(dataset, note, asked, n_users, read)
    with whole_file(path) as partial:
        partial.write_text(text, encoding="utf-8")
    with whole_file(page) as partial:
        partial.write_text(to_html(f"Findings: {dataset}", text), encoding="utf-8")


if __name__ == "__main__":
    with logged(snakemake.log[0], snakemake.input, snakemake.output):
        tables = dict(snakemake.input.items())
        write_findings(
            snakemake.output.findings,
            snakemake.output.page,
            tables.pop("transitions"),
            tables,
            dataset=snakemake.params.dataset,
            note=snakemake.params.note,
            asked=snakemake.params.asked,
        )
