"""What all figures share: panels, shades and markers, lines with bands, labels beside them."""

import matplotlib
import numpy as np
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke
from matplotlib.ticker import FuncFormatter

MARKERS = "osD^vPX*<>"
GREY = "0.45"


def new_figure():
    figure, (axes,) = new_panels(1, share_y=False)
    axes.set_xlabel("users of the target")
    return figure, axes


def new_panels(n_panels, share_y):
    figure = Figure()
    panels = figure.subplots(1, n_panels, sharey=share_y, squeeze=False)[0]
    for axes in panels:
        axes.xaxis.set_major_formatter(FuncFormatter(lambda size, _: f"{size:,.0f}"))
    return figure, panels


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
    return line.iloc[len(line) // 2]


def inwards(offset, rate):
    """Return the offset of a label in points, turned round where it would leave [0, 1]."""
    if offset < 0:
        return 7 if rate < 0.15 else offset
    return -14 if rate > 0.85 else offset
