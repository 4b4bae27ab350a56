"""Every figure, in one style: for print, in greyscale, and for colour-blind readers.

Common fractions are told apart by shade, marker and a label at the line's end. Bands are 95 %
intervals over repeats (of accuracies: over folds). Each function takes tables as the workflow
writes them and returns a matplotlib `Figure`.
"""

import io
from collections.abc import Callable
from pathlib import Path

import matplotlib
import pandas as pd
from matplotlib.patheffects import withStroke
from matplotlib.ticker import NullFormatter

from . import attack_figures, information_figures
from .plotting import (
    GREY,
    MARKERS,
    draw_line,
    fractions_of,
    inwards,
    label_end,
    label_middle,
    label_point,
    middle,
    new_figure,
    new_panels,
    round_below,
    shades,
)
from .summary import POINT, mean_with_interval

GOLDEN_RATIO = 1.618
MM_PER_INCH = 25.4


def draw(name, tables, style):
    """Return a figure by its name in `FIGURES`.

    Parameters
    ----------
    name : str
    tables : dict of DataFrame
        The arguments of the figure's function.
    style : dict
        width_mm, font_pt.
    """
    with matplotlib.rc_context(_settings(**style)):
        figure = FIGURES[name](**tables)
        figure.set_label(_BANDS.get(name, ""))
    return figure


def save(figure, path, style, note):
    """Write a figure in the format that the path's ending names; the same bytes each time.

    Parameters
    ----------
    figure : Figure
    path : path
    style : dict
        As in `draw`.
    note : str
        Printed above the figure, such as where its data come from, before what its bands are.
    """
    with matplotlib.rc_context(_settings(**style)):
        title = " · ".join(filter(None, [note, figure.get_label()]))
        figure.suptitle(
            title, x=0.99, ha="right", color=GREY, style="italic", size=style["font_pt"]
        )
        dateless = {"pdf": {"CreationDate": None}, "svg": {"Date": None}, "png": {}}
        kind = str(path).rpartition(".")[2]
        drawn = io.BytesIO()  # as matplotlib stumbles over a full disk, and then tells of that
        figure.savefig(drawn, format=kind, metadata=dateless[kind])
    Path(path).write_bytes(drawn.getbuffer())


def draw_true_positives(shares, accuracy):
    """Figure 2 of the paper: the share of true positives against the target's size."""
    figure, axes = new_figure()
    _draw_by_fraction(axes, shares)
    widest = _accuracy_by_size(accuracy)
    axes.plot(widest["target_size"], widest["mean"], color="black", linestyle="--", linewidth=1)
    is_end_free = widest["mean"].iloc[-1] < 0.5 * shares["mean"].max()
    label = label_end if is_end_free else label_middle
    label(axes, widest, "accuracy on unknown users", 4 if is_end_free else 14)
    axes.set_ylabel("true positives (share of all transitions)")
    highest = min(1, shares[["mean", "ci_high"]].max().max())  # one repeat has no interval
    axes.set_ylim(0, max(1.12 * widest["mean"].max(), 1.05 * highest))
    return figure


def draw_false_positives(shares):
    """Figure 3 of the paper: the share of false positives against the target's size."""
    figure, axes = new_figure()
    _draw_by_fraction(axes, shares)
    axes.set_ylabel("false positives (share of all transitions)")
    axes.set_ylim(0, None)
    return figure


def draw_leakage(leakage):
    """TPR and FPR against the target's size, one panel a fraction; the gap is the leak."""
    fractions = fractions_of(leakage)
    figure, panels = new_panels(len(fractions), share_y=True)
    for fraction, axes in zip(fractions, panels, strict=True):
        own = leakage[leakage["common_fraction"] == fraction]
        rates = {rate: mean_with_interval(own, rate) for rate in ("tpr", "fpr")}
        both = pd.merge(*rates.values(), on=POINT, suffixes=("_tpr", "_fpr"))
        axes.fill_between(
            both["target_size"], both["mean_fpr"], both["mean_tpr"], color="0.85", linewidth=0
        )
        for rate, marker, style in (("tpr", "o", "-"), ("fpr", "s", "--")):
            if len(rates[rate]):
                draw_line(axes, rates[rate], color="black", marker=marker, linestyle=style)
        axes.set_title(f"c = {fraction}")
        axes.set_xlim(0, 1.05 * own["target_size"].max())
        axes.set_xticks([0, round_below(0.7 * own["target_size"].max())])
    figure.supxlabel("users of the target", size=panels[0].xaxis.label.get_size())
    panels[0].set_ylabel("rate of matches")
    panels[0].set_ylim(0, 1)
    _label_rates(panels, leakage, fractions)
    return figure


def draw_accuracy(accuracy, in_sample, songs):
    """Accuracy against the size of the target's database."""
    figure, axes = new_figure()
    for table, marker, style, label, offset in (
        (in_sample, "s", "--", "on the users it was trained on", 7),
        (accuracy, "o", "-", "on unknown users (10-fold)", -14),
    ):
        widest = _accuracy_by_size(table)
        draw_line(axes, widest, color="black", marker=marker, linestyle=style)
        label_middle(axes, widest, label, inwards(offset, middle(widest)["mean"]))
    baseline = 1 / len(songs)
    axes.axhline(baseline, color=GREY, linewidth=1, linestyle=":")
    axes.annotate(
        f"a song at random, 1/{len(songs)}",
        (1, baseline),
        xycoords=("axes fraction", "data"),
        xytext=(-2, 3),
        textcoords="offset points",
        ha="right",
        color=GREY,
    )
    axes.set_ylabel("accuracy")
    axes.set_ylim(0, 1)
    return figure


def draw_song_selection(curve, songs):
    """What is left while the songs with fewest sessions are dropped."""
    figure, panels = new_panels(2, share_y=False)
    kept = curve[curve["songs"] == len(songs)].iloc[0]
    for axes, column, label in zip(
        panels, ("sessions", "ratio"), ("sessions left", "sessions per song"), strict=True
    ):
        left = curve[curve[column] > 0]
        axes.plot(left["songs"], left[column], color="black", linewidth=1)
        axes.plot(kept["songs"], kept[column], "o", color="black")
        axes.annotate(
            f"{len(songs)} songs\n{kept[column]:,.{0 if column == 'sessions' else 1}f}",
            (kept["songs"], kept[column]),
            xytext=(0.45, 0.2),
            textcoords="axes fraction",
            arrowprops={"arrowstyle": "-", "color": GREY, "linewidth": 0.6},
        )
        axes.set_xscale("log")
        axes.set_yscale("log")
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_minor_formatter(NullFormatter())
        axes.set_title(label)
        axes.set_xlabel("songs left")
    return figure


_OVER_DEALS = "bands: 95 % intervals over deals of one population"
_BANDS = {
    "figure2": _OVER_DEALS,
    "figure3": _OVER_DEALS,
    "leakage": _OVER_DEALS,
    "accuracy": "bands: 95 % intervals over folds",
    **information_figures.BANDS,
    **attack_figures.BANDS,
}
FIGURES: dict[str, Callable] = {
    "figure2": draw_true_positives,
    "figure3": draw_false_positives,
    "leakage": draw_leakage,
    "accuracy": draw_accuracy,
    "song_selection": draw_song_selection,
    **information_figures.FIGURES,
    **attack_figures.FIGURES,
}


def _settings(width_mm, font_pt):
    width = width_mm / MM_PER_INCH
    return {
        "figure.figsize": (width, width / GOLDEN_RATIO),
        "figure.constrained_layout.use": True,
        "figure.constrained_layout.h_pad": 0.08,
        "savefig.dpi": 300,
        "font.size": font_pt,
        "axes.titlesize": font_pt,
        "axes.labelsize": font_pt,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.linewidth": 0.6,
        "lines.linewidth": 1,
        "lines.markersize": font_pt / 2.5,
        "legend.frameon": False,
        "pdf.fonttype": 42,
        "svg.fonttype": "none",
        "svg.hashsalt": "fidelity",
    }


def _accuracy_by_size(table):
    """Return the means at each size, of the largest c: only it has an accuracy at all sizes."""
    found = mean_with_interval(table, "accuracy")
    return found[found["common_fraction"] == fractions_of(found)[-1]]


def _draw_by_fraction(axes, table):
    """Draw a labelled line for each c."""
    fractions = fractions_of(table)
    for fraction, color, marker in zip(
        fractions, shades(len(fractions)), MARKERS * len(fractions), strict=False
    ):
        line = table[table["common_fraction"] == fraction]
        draw_line(axes, line, color=color, marker=marker, linestyle="-")
        last = line.iloc[-1]
        axes.annotate(
            f"c = {fraction}",
            (last["target_size"], last["mean"]),
            xytext=(5, 2),
            textcoords="offset points",
            color=color,
            path_effects=[withStroke(linewidth=2, foreground="white")],
        )


def _label_rates(panels, leakage, fractions):
    """Name each line in the first panel with both, or with it alone where no panel has both."""
    for rate, offset in (("tpr", 8), ("fpr", -12)):
        known = leakage.dropna(subset=["tpr", "fpr"])
        known = known if len(known) else leakage.dropna(subset=[rate])
        if known.empty:
            continue
        fraction = known["common_fraction"].iloc[0]
        own = known[known["common_fraction"] == fraction]
        point = mean_with_interval(own, rate).iloc[-1]
        panel = panels[fractions.index(fraction)]
        side = "right" if point["target_size"] > max(panel.get_xlim()) / 2 else "left"
        label_point(panel, point, rate.upper(), inwards(offset, point["mean"]), side)
