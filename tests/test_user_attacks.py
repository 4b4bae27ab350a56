import numpy as np
import pytest
from scipy.stats import ttest_rel
from sklearn.metrics import roc_auc_score

from fidelity.recommender import ask_model
from fidelity.roc import area, roc, true_positive_rate_at
from fidelity.scores import SCORES, VERDICT_SCORES, Knowledge, References, Settings
from fidelity.user_attacks import TABLES, Plan, Scene, attack

from .made_up_users import draw_case, draw_responses

SETTINGS = Settings(epsilon=1e-3, k=3, gamma=1.0, prior=2.0)
N_USERS = 100


def make_scene(seed, references=True, target_only=True):
    """Return a scene of 100 users, 40 of them members, whose models answer at random."""
    target, knowledge = draw_case(seed, N_USERS, 2000, n_pairs=4)
    rng = np.random.default_rng(seed)
    if not references:
        knowledge = knowledge._replace(references=None)
    return Scene(
        users=10 * np.arange(N_USERS),
        member=rng.permutation(N_USERS) < 40,
        target=target,
        knowledge=knowledge,
        target_only=draw_responses(rng, 2000) if target_only else None,
        swapped=draw_responses(rng, 2000),
        in_swapped=rng.permutation(N_USERS) < 40,
        target_size=60,
        target_only_size=50,
        bigram_of=lambda rows: knowledge.bigram[rows],
    )


def leak(scene):
    """Return the scene with a target that knows its users' next songs, and nobody else's."""
    known = scene.member[scene.knowledge.user]
    probability = np.where(known, 0.9, 0.1)
    return scene._replace(target=scene.target._replace(match=known, probability=probability))


def report_of(scene, scores=tuple(SCORES), verdict_score="matches"):
    plan = Plan(list(scores), SETTINGS, verdict_score, 0.2, 5)
    return attack(scene, plan, np.random.default_rng(0))


def rows_of(report, table, **fields):
    rows = report.tables[table]
    return [row for row in rows if all(row[name] == value for name, value in fields.items())]


def test_rows_have_the_fields_of_their_tables():
    report = report_of(make_scene(1))
    assert report.tables.keys() == TABLES.keys()
    for name, rows in report.tables.items():
        assert rows
        for row in rows:
            assert row.keys() <= set(TABLES[name])


def test_every_score_has_every_metric_and_control():
    report = report_of(make_scene(2))
    for score in SCORES:
        for control in ("no", "shuffled", "target-only"):
            rows = rows_of(report, "attacks", score=score, control=control)
            found = [
                (row["metric"], row["level"])
                for row in rows
                if row["metric"] not in ("p at most", "listed")
            ]
            assert found == [
                ("members", None),
                ("others", None),
                ("auc", None),
                *[("tpr", level) for level in (0.1, 0.01, 0.001)],
                ("advantage", None),
                *[("precision", share) for share in (0.01, 0.05, 0.1)],
                *[("leak", None)] * (score == "matches"),
            ]
            assert all(row["access"] == SCORES[score].access for row in rows)


def test_what_cannot_be_resolved_is_empty():
    """Of 60 others none is one in a hundred."""
    report = report_of(make_scene(3))
    for row in rows_of(report, "attacks", metric="tpr"):
        assert (row["value"] is None) == (row["level"] < 1 / 60)
    assert {row["fpr"] for row in report.tables["roc"]} == {
        *(0.02, 0.03, 0.05, 0.07, 0.1, 0.15, 0.2, 0.3, 0.5, 0.7, 1.0)
    }


def test_controls_keep_scores_or_labels():
    scene = make_scene(4)
    report = report_of(scene, ["matches", "log-likelihood"])
    areas = {
        row["control"]: row["value"]
        for row in rows_of(report, "attacks", metric="auc", score="log-likelihood")
    }
    value = report.scores["log-likelihood"].value
    assert areas["no"] == pytest.approx(roc_auc_score(scene.member, value))
    score = SCORES["log-likelihood"]
    control = score.of_users(scene.target_only, scene.knowledge, SETTINGS).value
    assert areas["target-only"] == pytest.approx(roc_auc_score(scene.member, control))
    assert areas["shuffled"] != areas["no"]


def test_areas_of_controls_have_intervals_as_that_of_the_attack():
    report = report_of(leak(make_scene(12)), ["matches", "log-likelihood"])
    for row in rows_of(report, "attacks", metric="auc"):
        assert row["ci_low"] <= row["value"] <= row["ci_high"]
        assert row["control"] == "no" or row["ci_high"] - row["ci_low"] > 0.1


def test_the_leak_is_told_beside_its_controls():
    scene = leak(make_scene(13))
    user = scene.knowledge.user
    leaks = {
        row["control"]: row["value"] for row in rows_of(report_of(scene), "attacks", metric="leak")
    }
    assert leaks["no"] == 1
    match, member = scene.target_only.match, scene.member[user]
    assert leaks["target-only"] == pytest.approx(match[member].mean() - match[~member].mean())
    assert abs(leaks["shuffled"]) < 0.5


def test_controls_of_a_model_that_leaks_average_to_a_half():
    """Over 20 deals, within 4 standard errors; single intervals miss one time in twenty."""
    reports = [report_of(leak(make_scene(seed)), ["matches"]) for seed in range(20)]
    for control in ("shuffled", "target-only"):
        areas = []
        for report in reports:
            (row,) = rows_of(report, "attacks", metric="auc", control=control)
            areas.append(row["value"])
        error = np.std(areas, ddof=1) / np.sqrt(len(areas))
        assert abs(np.mean(areas) - 0.5) < 4 * error


def test_without_target_only_users_or_references_there_is_less():
    scene = make_scene(5, references=False, target_only=False)
    report = report_of(scene)
    assert {row["control"] for row in report.tables["attacks"]} == {"no", "shuffled"}
    needs = {name for name in SCORES if "references" in SCORES[name].needs}
    assert report.scores.keys() == SCORES.keys() - needs
    assert report.tables["shared_users"] == report.tables["verdicts"] == []
    assert report.p is None
    assert report.listed is None


@pytest.mark.parametrize("name", VERDICT_SCORES)
def test_verdicts_count_who_is_listed(name):
    scene = make_scene(6)
    report = report_of(scene, verdict_score=name)
    (row,) = rows_of(report, "verdicts", control="no")
    assert row["listed"] == report.listed.sum()
    assert row["false"] == (report.listed & ~scene.member).sum()
    assert row["realised"] == row["false"] / max(row["listed"], 1)
    assert row["reference_mismatch"]  # 60 users of the target, 50 a reference model
    for row in rows_of(report, "attacks", metric="p at most", control="no"):
        assert row["value"] == np.mean(report.p[~scene.member] <= row["level"])
    for row in report.tables["attacks"]:
        is_of_references = "LiRA" in row["score"] or row["score"] == "RMIA"
        if is_of_references or row["metric"] in ("p at most", "listed"):
            assert row["reference_mismatch"] == (row["control"] != "target-only")
        else:
            assert row["reference_mismatch"] is None
    # Of a model that knows nobody all users are others.
    unknown = report_of(scene._replace(target=scene.target_only), verdict_score=name)
    for row in rows_of(report, "attacks", metric="p at most", control="target-only"):
        assert row["value"] == np.mean(unknown.p <= row["level"])


def test_a_score_of_none_of_the_members_has_no_rates():
    """No reference model knows a member, so no member has an online score."""
    scene = make_scene(15)
    said, knows = scene.knowledge.references
    knowledge = scene.knowledge._replace(references=References(said, knows & ~scene.member))
    report = report_of(scene._replace(knowledge=knowledge), ["LiRA online"], None)
    found = {row["metric"]: row["value"] for row in rows_of(report, "attacks", control="no")}
    assert found["members"] == 0 < found["others"]
    assert "auc" not in found
    assert not rows_of(report, "roc", control="no")


def test_controls_of_verdicts_are_lists_by_lot_and_lists_of_nobody():
    scene = leak(make_scene(14))
    said, knows = scene.knowledge.references
    said = said._replace(match=knows[:, scene.knowledge.user])  # references that leak as well
    knowledge = scene.knowledge._replace(references=References(said, knows))
    report = report_of(scene._replace(knowledge=knowledge))
    rows = {row["control"]: row for row in report.tables["verdicts"]}
    assert [*rows] == ["no", "shuffled", "target-only"]
    assert rows["no"]["listed"] == rows["shuffled"]["listed"] == 40
    assert rows["no"]["realised"] == 0
    assert abs(rows["shuffled"]["realised"] - 0.6) < 4 * np.sqrt(0.6 * 0.4 / 40)
    (listed,) = rows_of(report, "attacks", control="target-only", metric="listed")
    unknown = rows["target-only"]
    assert unknown["listed"] == unknown["false"] == listed["value"] * N_USERS > 0
    assert unknown["realised"] == 1
    assert rows["no"]["reference_mismatch"]
    assert not unknown["reference_mismatch"]  # it has 50 users, as a reference model


def test_shares_of_users_stand_beside_their_controls():
    """Models that match members in .7 and others in .5 of cases, in 40 deals of them."""
    estimates = {"no": [], "shuffled": [], "target-only": []}
    for seed in range(40):
        scene = make_scene(seed)
        user, rng = scene.knowledge.user, np.random.default_rng(seed)

        def answer(known, user=user, rng=rng):
            return rng.random(len(user)) < np.where(known[user], 0.7, 0.5)

        said, knows = scene.knowledge.references
        said = said._replace(match=np.array([answer(known) for known in knows]))
        knowledge = scene.knowledge._replace(references=References(said, knows))
        scene = scene._replace(
            knowledge=knowledge,
            target=scene.target._replace(match=answer(scene.member)),
            target_only=scene.target_only._replace(match=answer(np.zeros(N_USERS, bool))),
        )
        rows = report_of(scene, ["matches"]).tables["shared_users"]
        assert [row["control"] for row in rows] == [*estimates]
        assert [row["truth"] for row in rows] == [0.4, 0.4, 0]
        assert [row["common_users"] for row in rows] == [40, 40, 0]
        assert [row["reference_mismatch"] for row in rows] == [True, True, False]
        for row in rows:
            estimates[row["control"]].append(row["estimate"])
    for control, truth in (("no", 0.4), ("target-only", 0)):
        error = np.std(estimates[control], ddof=1) / np.sqrt(40)
        assert abs(np.mean(estimates[control]) - truth) < 4 * error
    # Of 40 deals one is identifiable by chance.
    found = [estimate for estimate in estimates["shuffled"] if estimate is not None]
    assert len(found) <= 1 + 4


def test_a_control_smaller_than_references_is_told():
    report = report_of(make_scene(15)._replace(target_only_size=49))
    for table in ("shared_users", "verdicts"):
        (row,) = rows_of(report, table, control="target-only")
        assert row["reference_mismatch"]


def test_the_counterfactual_is_a_paired_comparison():
    scene = make_scene(7)
    (row,) = rows_of(report_of(scene), "counterfactual", control="no")
    user = scene.knowledge.user
    known, unknown = [], []
    for u in range(N_USERS):
        rates = [np.mean(said.match[user == u]) for said in (scene.target, scene.swapped)]
        if scene.member[u] and not scene.in_swapped[u]:
            known.append(rates[0]), unknown.append(rates[1])
        if scene.in_swapped[u] and not scene.member[u]:
            known.append(rates[1]), unknown.append(rates[0])
    assert row["users"] == len(known)
    assert row["with_them"] == pytest.approx(np.mean(known))
    assert row["without_them"] == pytest.approx(np.mean(unknown))
    bounds = ttest_rel(known, unknown).confidence_interval(0.95)
    assert (row["ci_low"], row["ci_high"]) == pytest.approx(tuple(bounds))


def test_outliers_are_tenths_by_surprise():
    scene = make_scene(8)
    report = report_of(scene, ["matches", "log-likelihood"])
    leaks = rows_of(report, "outliers", metric="leak", control="no")
    assert [row["decile"] for row in leaks] == [*range(1, 11)]
    assert all(row["members"] + row["others"] == 10 for row in leaks)
    surprises = [row["surprise"] for row in leaks]
    assert surprises == sorted(surprises)
    user = scene.knowledge.user
    bits = -np.log2(np.maximum(scene.knowledge.own.probability, SETTINGS.epsilon))
    surprise = np.array([bits[user == u].mean() for u in range(N_USERS)])
    last = np.argsort(surprise)[-10:]
    of_member, of_other = (
        scene.target.match[np.isin(user, last[scene.member[last] == side])].mean()
        for side in (True, False)
    )
    assert leaks[-1]["value"] == pytest.approx(of_member - of_other)
    # Ten users do not resolve a rate of one in a hundred.
    assert all(row["value"] is None for row in rows_of(report, "outliers", metric="tpr"))


def test_controls_of_tables_find_nothing():
    """In a model that leaks: means over 20 deals, within 4 standard errors of nothing."""
    reports = [report_of(leak(make_scene(seed)), ["matches"]) for seed in range(20)]
    for table, control, column in (
        ("counterfactual", "shuffled", "difference"),
        ("outliers", "shuffled", "value"),
        ("outliers", "target-only", "value"),
    ):
        rows = [rows_of(report, table, control=control) for report in reports]
        # Of outliers the mean over deciles, so that one number a deal is left.
        found = [
            np.mean([row[column] for row in own if row.get("metric", "leak") == "leak"])
            for own in rows
        ]
        assert abs(np.mean(found)) < 4 * np.std(found, ddof=1) / np.sqrt(len(found))


def test_errors_fall_with_the_transitions_that_are_seen():
    """Members are matched in nine transitions of ten, others in one."""
    scene = make_scene(13)
    rng = np.random.default_rng(13)
    known = scene.member[scene.knowledge.user]
    match = rng.random(len(known)) < np.where(known, 0.9, 0.1)
    report = report_of(scene._replace(target=scene.target._replace(match=match)), ["matches"])
    errors = {row["observations"]: row["error"] for row in report.tables["attack_errors"]}
    assert list(errors) == [1, 2, 3, 4, 5]
    assert errors[1] == pytest.approx(0.1, abs=0.09)
    assert errors[5] < 0.05


def test_every_score_but_a_tail_has_errors():
    report = report_of(make_scene(14))
    names = {row["score"] for row in report.tables["attack_errors"]}
    assert names == SCORES.keys() - {"Bernoulli LiRA offline"}
    for row in report.tables["attack_errors"]:
        assert (row["members"], row["others"]) == (40, 60)


def test_users_without_a_value_are_counted():
    scene = make_scene(12)
    knows = scene.knowledge.references.knows.copy()
    knows[:, :30] = False  # no reference model knows these, so that they have no score
    references = scene.knowledge.references._replace(knows=knows)
    scene = scene._replace(knowledge=scene.knowledge._replace(references=references))
    report = report_of(scene, ["matches", "LiRA online"])
    for name, first in (("matches", 0), ("LiRA online", 30)):
        for metric, side in (("members", scene.member), ("others", ~scene.member)):
            (row,) = rows_of(report, "attacks", score=name, metric=metric, control="no")
            assert row["value"] == side[first:].sum()


def test_curves_are_read_off_at_steps():
    scene = make_scene(9)
    report = report_of(scene, ["matches", "log-likelihood"])
    steps = roc(report.scores["log-likelihood"].value, scene.member)
    for row in rows_of(report, "roc", control="no", score="log-likelihood"):
        assert row["tpr"] == true_positive_rate_at(steps, row["fpr"]).value


def test_a_model_that_remembers_its_users_gives_them_away():
    report = report_of(leak(make_scene(10)), ["matches", "log-likelihood", "Markov ratio"])
    for row in rows_of(report, "attacks", metric="auc", control="no"):
        assert row["value"] > 0.99


FOREST = {"estimator": "fidelity.forest.RandomForestClassifier", "n_estimators": 10}


def area_of_matches(seed, timing_levels):
    """Return the AUC of matches of 200 users, half of them known to a forest.

    All follow one table of songs; the timing data are random, of so many levels.
    """
    rng = np.random.default_rng(seed)
    n_users, songs = 200, 20
    user = np.repeat(np.arange(n_users), 19)
    table = rng.dirichlet(np.full(songs, 0.1), size=songs).cumsum(axis=1)
    song = rng.integers(songs, size=len(user))
    y = (rng.random(len(user))[:, None] > table[song]).sum(axis=1).clip(max=songs - 1)
    X = np.column_stack([song, rng.integers(timing_levels, size=len(user))])
    member = rng.permutation(n_users) < n_users // 2
    known = member[user]
    responses = ask_model(FOREST, (X[known], y[known]), (X, y), seed)
    knowledge = Knowledge(user, n_users)
    return area(SCORES["matches"].of_users(responses, knowledge, SETTINGS).value, member)


def test_fine_timing_gives_members_away_and_songs_alone_hardly():
    assert area_of_matches(1, timing_levels=60_000) > 0.95
    coarse = [area_of_matches(seed, timing_levels=1) for seed in range(20)]
    assert 0.5 < np.mean(coarse) < 0.6
