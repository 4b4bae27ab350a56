"""What all figures share: panels, shades and markers, lines with bands, labels beside them."""

import matplotlib
import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patheffects import withStroke
from matplotlib.ticker import FixedLocator, FuncFormatter, NullFormatter

MARKERS = "osD^vPX*<>"
GREY = "0.45"
_LEGEND_LETTERS = 74  # in a line of 120 mm at 8 pt


def new_figure():
    figure, (axes,) = new_panels(1, share_y=False)
    axes.set_xlabel("users of the target")
    return figure, axes


def new_panels(n_panels, share_y, width_ratios=None):
    figure = Figure()
    shape = {"sharey": share_y, "width_ratios": width_ratios, "squeeze": False}
    panels = figure.subplots(1, n_panels, **shape)[0]
    for axes in panels:
        axes.xaxis.set_major_formatter(FuncFormatter(lambda size, _: f"{size:,.0f}"))
    return figure, panels


def say(text):
    """Return a figure of words alone."""
    figure = Figure()
    figure.text(0.5, 0.5, text, ha="center", va="center")
    return figure


def fractions_of(table):
    return sorted(table["common_fraction"].unique(), key=float)


def round_below(size):
    """Return the largest number of one digit and zeros that is not above a size."""
    unit = 10 ** int(np.log10(size))
    return unit * int(size / unit)


def shades(n):
    """Return n colours from dark to light that stay apart in greyscale."""
    return matplotlib.colormaps["cividis"](np.linspace(0, 0.7, n))


def draw_line(axes, line, color, x="target_size", **style):
    """Draw means with their band; `style` is that of the line."""
    band = {"color": color, "alpha": 0.25, "linewidth": 0}
    axes.fill_between(line[x], line["ci_low"], line["ci_high"], **band)
    axes.plot(line[x], line["mean"], color=color, **style)


def label_middle(axes, line, text, offset):
    """Write a line's name `offset` points above its middle."""
    label_point(axes, middle(line), text, offset, "left")


def label_end(axes, line, text, offset):
    """Write a line's name `offset` points above its right end."""
    label_point(axes, line.iloc[-1], text, offset, "right")


def label_point(axes, point, text, offset, side):
    axes.annotate(
        text,
        (point["target_size"], point["mean"]),
        xytext=(0, offset),
        textcoords="offset points",
        ha=side,
        path_effects=[withStroke(linewidth=2, foreground="white")],
    )


def middle(line):
    """Return the point in the middle; of two the left one, as names are written to its right."""
    return line.iloc[len(line) // 2 if len(line) > 2 else 0]


def inwards(offset, rate):
    """Return the offset of a label in points, turned round where it would leave [0, 1]."""
    if offset < 0:
        return 7 if rate < 0.15 else offset
    return -14 if rate > 0.85 else offset


def set_size_axis(axes, sizes):
    """Show sizes on a logarithmic axis: most happens among the small ones.

    Powers of ten are written; of fewer than two also the smallest and the largest size.
    """
    low, high = min(sizes), max(sizes)
    axes.set_xscale("log")
    axes.set_xlim(low / 1.3, 1.3 * high)
    ticks = [10**power for power in range(9) if low / 1.2 <= 10**power <= 1.2 * high]
    if len(ticks) < 2:
        ticks = sorted({low, high, *(tick for tick in ticks if 3 * low <= tick <= high / 3)})
    axes.xaxis.set_major_locator(FixedLocator(ticks))
    axes.xaxis.set_major_formatter("{x:,.0f}")
    axes.xaxis.set_minor_formatter(NullFormatter())


def handle(label, **style):
    """Return what stands for a line, or a marker, in a legend."""
    return Line2D([], [], label=label, **style)


def line_inches():
    """Return the height of a line of text."""
    return matplotlib.rcParams["font.size"] / 72


def _column_widths(handles, columns):
    """Return the letters of the longest label in each column, as a legend fills them."""
    parts = np.array_split([len(handle.get_label()) for handle in handles], columns)
    return [part.max(initial=0) for part in parts]


def add_legend(figure, handles, columns):
    """Put a legend below the panels, for which the figure grows."""
    if sum(_column_widths(handles, columns)) > _LEGEND_LETTERS:
        columns = 1
    lines = 1.5 * -(-len(handles) // columns) + 1
    figure.set_figheight(figure.get_figheight() + lines * line_inches())
    narrow = {"handlelength": 2.2, "handletextpad": 0.6, "columnspacing": 1.2}
    figure.legend(handles=handles, loc="outside lower center", ncols=columns, **narrow)
