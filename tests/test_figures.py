import io
import itertools

import numpy as np
import pandas as pd
import pytest
from matplotlib.axis import Tick
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text

from fidelity.figures import FIGURES, draw, save
from fidelity.plotting import set_size_axis
from fidelity.summary import mean_with_interval

from .made_up import (
    CURVE,
    SONGS,
    accuracy_table,
    information_tables,
    leakage_table,
    plug_in_table,
    user_tables,
)

STYLE = {"width_mm": 120, "font_pt": 8}
NOTE = "synthetic stand-in"


def _tables(repeats=3):
    leakage = leakage_table(repeats)
    accuracy, in_sample = accuracy_table(0.5), accuracy_table(0.7)
    return {
        "figure2": {"shares": mean_with_interval(leakage, "tp"), "accuracy": accuracy},
        "figure3": {"shares": mean_with_interval(leakage, "fp")},
        **_information_tables(information_tables(repeats), user_tables(repeats)),
        "leakage": {"leakage": leakage},
        "accuracy": {"accuracy": accuracy, "in_sample": in_sample, "songs": SONGS},
        "song_selection": {"curve": CURVE, "songs": SONGS},
        **_attack_tables(user_tables(repeats), leakage),
    }


def _information_tables(found, of_users):
    return {
        "figure4": {"information": found["information"]},
        "membership": {"information": found["information"]},
        "observations": {
            "errors": found["errors"],
            "divergences": found["divergences"],
            "attack_errors": of_users["attack_errors"],
        },
    }


def _attack_tables(found, leakage):
    """Return the tables of each figure of attacks on users."""
    names = {
        "attack_roc": ["roc"],
        "attack_sizes": ["attacks"],
        "attack_scores": ["attacks", "shared_users"],
        "counterfactual": ["counterfactual"],
        "shared_users": ["shared_users"],
        "outliers": ["outliers"],
    }
    tables = {figure: {name: found[name] for name in own} for figure, own in names.items()}
    tables["counterfactual"] |= {"leakage": leakage, "attacks": found["attacks"]}
    return tables


def _scarce_attack_tables():
    """What is found of attacks where little is asked for, or where nobody could be attacked."""
    found, leakage = user_tables(), leakage_table()
    empty = {name: _reread(table.iloc[:0]) for name, table in found.items()}
    plain = user_tables(1, ("matches",))
    small = user_tables(2, ("matches", "RMIA"), sizes=(500,))
    large = user_tables(2, sizes=(None,))
    long = user_tables(2, ("matches", "calibrated matches", "calibrated log-likelihood"))
    is_of_users = ~found["attacks"]["metric"].isin(["members", "others", "leak", "p at most"])
    unscored = found | {
        "attacks": found["attacks"].assign(
            value=found["attacks"]["value"].mask(is_of_users), ci_low=np.nan, ci_high=np.nan
        ),
        "roc": found["roc"][found["roc"]["control"] == "shuffled"],
    }
    unknown = {"shared_users": found["shared_users"].assign(estimate=np.nan, ci_low=np.nan)}
    return {
        "nobody": _attack_tables(empty, leakage),
        "one plain score": _attack_tables(plain, leakage),
        "one small size": _attack_tables(small, leakage[leakage["target_size"] == 500]),
        "the largest size": _attack_tables(large, leakage.groupby("common_fraction").tail(2)),
        "long names": _attack_tables(long, leakage),
        "no score of both": _attack_tables(unscored, leakage),
        "nothing identifiable": {"shared_users": unknown},
        **_scarce_information_tables(),
    }


def _scarce_information_tables():
    """No members; all common, so that no test is made of holders; users that are not attacked."""
    found, of_users = information_tables(), user_tables()
    no_members = {name: own[own["secret"] == "holder"] for name, own in found.items()}
    no_test = found | {"errors": found["errors"][found["errors"]["test"] == "independent"]}
    nobody = of_users | {"attack_errors": _reread(of_users["attack_errors"].iloc[:0])}
    return {
        "no members": _information_tables(no_members, nobody),
        "no test of holders": _information_tables(no_test, of_users),
        "no attacks": _information_tables(found, nobody),
        "plug-in alone": {"figure4": {"information": plug_in_table()}},
    }


def _reread(table):
    """Return a table as it is after it was written and read: without rows, without types."""
    file = io.StringIO(table.to_csv(index=False))
    return pd.read_csv(file, dtype={"common_fraction": str})


SCARCE = [
    pytest.param(name, tables, id=f"{name}, {case}")
    for case, figures in _scarce_attack_tables().items()
    for name, tables in figures.items()
]


def _points(axes):
    return [line.get_xydata() for line in axes.get_lines()]


def _drawn_texts(figure, width, height):
    """Return (text, its box) of what can be read.

    Labels of ticks beyond the axes are objects as well, but matplotlib does not draw them.
    """
    of_ticks = {label for tick in figure.findobj(Tick) for label in (tick.label1, tick.label2)}
    texts = []
    for text in figure.findobj(Text):
        if not (text.get_visible() and text.get_text().strip()):
            continue
        box = text.get_window_extent()
        inside = box.x0 >= 0 and box.x1 <= width and box.y0 >= 0 and box.y1 <= height
        if text not in of_ticks or inside:
            texts.append((text.get_text(), box))
    return texts


def test_every_figure_is_tested():
    assert _tables().keys() == FIGURES.keys()


def _extreme_tables():
    """What a model shows that remembers all of its own users and foretells nothing of others."""
    leakage = leakage_table().assign(tpr=0.98, fpr=0.01)
    accuracy = {"accuracy": accuracy_table(0.0), "in_sample": accuracy_table(0.9)}
    return {
        "leakage": {"leakage": leakage},
        "accuracy": {**accuracy, "songs": SONGS},
        "figure2": _tables()["figure2"] | {"accuracy": accuracy["accuracy"]},
    }


@pytest.mark.parametrize(
    ("name", "tables"), [*_tables().items(), *_extreme_tables().items(), *SCARCE]
)
def test_no_two_texts_overlap(name, tables, tmp_path):
    figure = draw(name, tables, STYLE)
    save(figure, tmp_path / "figure.png", STYLE, NOTE)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    width, height = canvas.get_width_height()
    texts = _drawn_texts(figure, width, height)
    assert any(text.startswith(NOTE) for text, _ in texts)
    legends = [("legend", legend.get_window_extent()) for legend in figure.legends]
    for text, box in texts + legends:
        assert box.x0 >= -1, text
        assert box.x1 <= width + 1, text
        assert box.y0 >= -1, text
        assert box.y1 <= height + 1, text
    for (one, box), (other, other_box) in itertools.combinations(texts, 2):
        assert not box.overlaps(other_box), (one, other)


@pytest.mark.parametrize("name", ["figure2", "figure3"])
def test_lines_are_the_means_of_each_fraction(name):
    tables = _tables()[name]
    means = tables["shares"]
    drawn = _points(draw(name, tables, STYLE).axes[0])
    for fraction in ("0", "0.5", "1"):
        own = means[means["common_fraction"] == fraction]
        expected = own[["target_size", "mean"]].to_numpy()
        assert any(line.shape == expected.shape and np.allclose(line, expected) for line in drawn)


def test_figure_4_is_the_plug_in_estimate_within_its_bracket_beside_the_null():
    panels = draw("figure4", _tables()["figure4"], STYLE).axes
    assert [axes.get_title() for axes in panels] == ["c = 0", "c = 0.5", "c = 1"]
    null, high_null, plug_in = _points(panels[1])
    sizes = np.array([500, 1000, 2000, 4000, 7000])
    bits = 100 / sizes + 0.001  # the mean of three repeats
    for line, expected in ((plug_in, bits), (null, bits / 10), (high_null, bits / 5)):
        assert np.allclose(line, np.column_stack([sizes, expected]))
    bracket = panels[1].collections[0].get_paths()[0].vertices
    assert bracket[:, 1].max() == pytest.approx(bits.max() + 0.1)


def test_figure_4_of_plug_in_estimates_alone_is_the_curve():
    figure = draw("figure4", {"information": plug_in_table()}, STYLE)
    whole = draw("figure4", _tables()["figure4"], STYLE)
    for axes, other in zip(figure.axes, whole.axes, strict=True):
        (curve,) = [line for line in _points(axes) if len(line)]
        assert np.array_equal(curve, _points(other)[-1])
        assert not any(len(band.get_paths()) for band in axes.collections)
    (legend,) = figure.legends
    (told,) = legend.get_texts()
    assert told.get_text().startswith("plug-in estimate")


def test_membership_stands_beside_the_holder():
    holder, membership = draw("membership", _tables()["membership"], STYLE).axes
    assert holder.get_title() == "c = 0.5: whose record?"
    assert len(_points(holder)) == 3  # the estimate, and two of its null
    assert len(_points(membership)) == 9


def test_errors_stand_between_their_bounds():
    figure = draw("observations", _tables()["observations"], STYLE)
    holder, membership = figure.axes
    independent, consecutive = _points(holder)
    assert np.allclose(independent, [(n, 0.5 / 2**n) for n in range(1, 7)])
    assert np.allclose(consecutive[:, 1], 0.4)
    band = holder.collections[0].get_paths()[0].vertices
    assert band[:, 1].max() == pytest.approx(0.8 / 2)
    assert band[:, 1].min() == pytest.approx((1 - np.sqrt(1 - 0.8**12)) / 2)
    *_, matches, best = _points(membership)
    assert np.allclose(matches[:, 1], 0.5)
    assert np.allclose(best[:, 1], [0.5 / 12 ** (n / 2) for n in range(1, 7)])


def test_accuracy_is_the_line_to_compare_with_in_figure_2():
    drawn = _points(draw("figure2", _tables()["figure2"], STYLE).axes[0])
    expected = [(size, 0.545) for size in (500, 1000, 2000, 4000, 10_000)]
    assert any(line.shape == (5, 2) and np.allclose(line, expected) for line in drawn)


def test_the_leak_is_the_gap_between_both_rates():
    panels = draw("leakage", _tables()["leakage"], STYLE).axes
    assert [axes.get_title() for axes in panels] == ["c = 0", "c = 0.5", "c = 1"]
    sizes = [500, 1000, 2000, 4000, 7000]
    tpr, fpr = _points(panels[1])
    assert np.allclose(tpr, [(size, 0.71) for size in sizes])
    assert np.allclose(fpr, [(size, 0.51) for size in sizes])
    assert len(_points(panels[0])) == 1  # no TPR at c = 0
    gap = panels[1].collections[0].get_paths()[0].vertices
    assert gap[:, 1].min() == pytest.approx(0.51)
    assert gap[:, 1].max() == pytest.approx(0.71)


@pytest.mark.parametrize("rate", ["tpr", "fpr"])
def test_a_rate_that_stands_alone_is_named(rate):
    other = {"tpr": "fpr", "fpr": "tpr"}[rate]
    table = leakage_table().assign(**{other: np.nan})
    figure = draw("leakage", {"leakage": table}, STYLE)
    texts = [text.get_text() for text in figure.findobj(Text)]
    assert rate.upper() in texts
    assert other.upper() not in texts


def test_deciles_are_in_order_though_a_repeat_lacks_some():
    outliers = _tables()["outliers"]["outliers"]
    first = outliers["repeat"].min()
    some = outliers[(outliers["repeat"] != first) | (outliers["decile"] > 3)]
    for axes in draw("outliers", {"outliers": some}, STYLE).axes:
        for line in axes.lines:
            assert np.all(np.diff(line.get_xdata()) >= 0)


def test_exposure_stands_beside_its_controls():
    leak, rate = draw("outliers", _tables()["outliers"], STYLE).axes
    for axes, expected in ((leak, [(d % 3 - 1) / 100 for d in range(1, 11)]), (rate, [0.01] * 10)):
        for line in _points(axes)[:2]:
            assert np.allclose(line, np.column_stack([np.arange(1, 11), expected]))


@pytest.mark.parametrize(
    ("sizes", "expected"),
    [
        ([100, 500, 7303], [100, 1000]),
        ([20, 50, 348], [20, 100, 348]),
        ([50, 406], [50, 406]),  # 100 would be too near
        ([500], [500]),
    ],
)
def test_two_sizes_at_least_are_written(sizes, expected):
    axes = Figure().subplots()
    set_size_axis(axes, sizes)
    assert axes.get_xticks().tolist() == expected


def test_one_repeat_is_drawn_without_a_band(tmp_path):
    for name, tables in _tables(repeats=1).items():
        save(draw(name, tables, STYLE), tmp_path / f"{name}.png", STYLE, "")
        assert (tmp_path / f"{name}.png").stat().st_size > 10_000


def _texts(figure):
    return [text.get_text() for text in figure.findobj(Text)]


def test_roc_is_drawn_in_steps_for_the_plain_and_the_best_scores():
    figure = draw("attack_roc", _tables()["attack_roc"], STYLE)
    assert [axes.get_title() for axes in figure.axes] == [
        "c = 0.5, 4,000 users of the target",
        "c = 0.5, 7,000 users of the target",
    ]
    for axes in figure.axes:
        guessing, shuffled, target_only, *scores = axes.get_lines()
        assert guessing.get_drawstyle() == "default"
        lines = [shuffled, target_only, *scores]
        assert all(line.get_drawstyle() == "steps-post" for line in lines)
        for line, place in zip(scores, (1, 5, 6, 7, 12), strict=True):  # of the 12 scores
            fpr, tpr = line.get_xydata().T
            assert np.allclose(tpr, fpr ** (1 - 0.8 * place / 12))
    labels = [text.get_text() for text in figure.legends[0].get_texts()]
    assert labels == [
        "label: matches",
        "label: Bernoulli LiRA offline",
        "top-k: top-k matches",
        "probability: log-likelihood",
        "probability: RMIA",
        "control: RMIA, shuffled",
        "control: RMIA, target-only",
        "guessing",
    ]


def test_a_rate_that_is_not_resolved_is_no_zero():
    auc, tpr = draw("attack_sizes", _tables()["attack_sizes"], STYLE).axes
    sizes = [{size for line in _points(axes)[1:] for size in line[:, 0]} for axes in (auc, tpr)]
    assert sizes[0] == {500, 1000, 2000, 4000, 7000}
    assert sizes[1] == {1000, 2000, 4000, 7000}
    small = _scarce_attack_tables()["one small size"]
    for name in ("attack_sizes", "attack_scores", "outliers"):
        texts = " ".join(_texts(draw(name, small[name], STYLE)))
        assert "not resolvable" in texts


def test_bars_are_scores_by_access_at_both_sizes():
    auc, tpr = draw("attack_scores", _tables()["attack_scores"], STYLE).axes
    for axes, start, end in ((auc, 0.5, 0.901), (tpr, 0, 0.01**0.2 + 0.001)):
        bars = axes.patches
        assert len(bars) == 24
        assert {bar.get_x() for bar in bars} == {start}
        assert max(bar.get_x() + bar.get_width() for bar in bars) == pytest.approx(end)
    labels = [text.get_text() for text in auc.get_yticklabels()]
    assert [label for label in labels if label.startswith("access: ")] == [
        "access: label",
        "access: top-k",
        "access: probability",
    ]


def test_a_leak_stands_beside_its_counterfactual():
    panels = draw("counterfactual", _tables()["counterfactual"], STYLE).axes
    assert [axes.get_title() for axes in panels] == ["c = 0.5", "c = 1"]
    leak, difference, *controls = _points(panels[0])
    assert np.allclose(leak[:, 1], 0.2)
    assert np.allclose(difference, [(size, 0.21) for size in (500, 1000, 2000, 4000, 7000)])
    assert len(controls) == 2
    for control in controls:
        assert np.allclose(control, [(size, 0) for size in (500, 1000, 2000, 4000, 7000)])


def test_shares_stand_beside_those_of_a_model_that_knows_nobody():
    target, control = draw("shared_users", _tables()["shared_users"], STYLE).axes
    of_target, of_control = ([line[0] for line in _points(axes)[1:]] for axes in (target, control))
    expected = [(0.5 * 4000 / 7000, 0.5 * 4000 / 7000), (0.5, 0.5), (0.4, 0.4)]
    assert np.allclose(of_target, expected)
    assert np.allclose(of_control, [(0, 0), (1, -0.3), (2, 0)])


def test_shares_that_are_not_identifiable_are_named():
    texts = _texts(draw("shared_users", _tables()["shared_users"], STYLE))
    assert "control, users shuffled: found in 0 of 9 deals" in texts
    assert "c = 0.5, 7,000 users: 1 of 3" in texts
    assert not any(text.startswith("c = 1, ") for text in texts)


def test_without_attacks_a_figure_says_so():
    for name, tables in _scarce_attack_tables()["nobody"].items():
        (text,) = _texts(draw(name, tables, STYLE))
        other = {"shared_users": "No reference models", "outliers": "Nobody's surprise is known"}
        assert text.startswith(other.get(name, "Nobody was attacked"))


@pytest.mark.parametrize("name", ["figure4", "attack_scores"])
@pytest.mark.parametrize("kind", ["pdf", "png", "svg"])
def test_the_same_tables_make_the_same_bytes(kind, name, tmp_path):
    contents = []
    for i in range(2):
        path = tmp_path / f"{i}.{kind}"
        save(draw(name, _tables()[name], STYLE), path, STYLE, NOTE)
        contents.append(path.read_bytes())
    assert contents[0] == contents[1]


def test_width_and_font_are_those_of_the_config():
    figure = draw("figure3", _tables()["figure3"], {"width_mm": 90, "font_pt": 6})
    assert figure.get_figwidth() == pytest.approx(90 / 25.4)
    assert figure.axes[0].xaxis.label.get_size() == 6
