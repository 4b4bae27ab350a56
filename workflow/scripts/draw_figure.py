"""Draw one figure for print and screen."""

from fidelity.figures import draw, save
from fidelity.files import whole_file
from fidelity.logs import logged
from fidelity.summary import read_table


def draw_figure(name, tables, outputs, *, style, note):
    read = {key: read_table(path) for key, path in tables.items()}
    figure = draw(name, read, style)
    for path in outputs:
        with whole_file(path) as partial:
            save(figure, partial, style, note)


if __name__ == "__main__":
    with logged(snakemake.log[0], snakemake.input, snakemake.output):
        draw_figure(
            snakemake.wildcards.figure,
            dict(snakemake.input.items()),
            snakemake.output,
            style=snakemake.params.style,
            note=snakemake.params.note,
        )
