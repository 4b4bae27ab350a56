"""Tell in words and numbers what was found."""

from fidelity import findings
from fidelity.files import whole_file
from fidelity.logs import logged
from fidelity.markdown import to_html
from fidelity.summary import read_table


def write_findings(path, page, tables, *, dataset, note):
    read = {name: read_table(table) for name, table in tables.items()}
    text = findings.write_findings(dataset, note, read)
    with whole_file(path) as partial:
        partial.write_text(text, encoding="utf-8")
    with whole_file(page) as partial:
        partial.write_text(to_html(f"Findings: {dataset}", text), encoding="utf-8")


if __name__ == "__main__":
    with logged(snakemake.log[0], snakemake.input, snakemake.output):
        write_findings(
            snakemake.output.findings,
            snakemake.output.page,
            dict(snakemake.input.items()),
            dataset=snakemake.params.dataset,
            note=snakemake.params.note,
        )
