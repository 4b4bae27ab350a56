"""All that is reported of attacks on users, at one grid point in one repeat.

Each row of a table is a dict; the caller adds the grid point and the repeat.
"""

from typing import NamedTuple

import numpy as np

from .comparisons import reference_size
from .estimates import Estimate, mean_with_student, proportion
from .responses import Responses
from .roc import (
    area_with_interval,
    best_advantage,
    cross_fitted_error,
    draw_users,
    precision_at,
    roc,
    true_positive_rate_at,
)
from .scores import (
    SCORES,
    Knowledge,
    References,
    Settings,
    combine_by_tail,
    mean_by_user,
    running_means,
)
from .verdicts import SharedUsers, estimate_shared_users, list_users, null_scores, p_values

FALSE_POSITIVE_RATES = [0.1, 0.01, 0.001]
LIST_SHARES = [0.01, 0.05, 0.1]
P_LEVELS = [0.01, 0.05, 0.1]
CURVE_LEVELS = [
    round(digit * 10**power, 6) for power in (-4, -3, -2, -1) for digit in (1, 1.5, 2, 3, 5, 7)
] + [1.0]
DECILES = 10
DRAWS = 200  # of the bootstrap
NO_CONTROL, SHUFFLED, TARGET_ONLY = "no", "shuffled", "target-only"

_ESTIMATE = Estimate._fields
# The columns of each table, after those of the grid point and the repeat.
TABLES = {
    "attacks": (
        *("score", "access", "control", "metric", "level", *_ESTIMATE, "reference_mismatch"),
    ),
    "attack_errors": ("score", "observations", "members", "others", "error"),
    "roc": ("score", "access", "control", "fpr", "tpr"),
    "verdicts": ("fdr", "listed", "false", "realised", "reference_mismatch", "control"),
    "shared_users": (
        *("adversary_size", "common_users", "reference_mismatch"),
        *SharedUsers._fields,
        *("truth", "common_fraction_estimate", "control"),
    ),
    "counterfactual": (
        *("control", "users", "with_them", "without_them", "difference", "ci_low", "ci_high"),
    ),
    "outliers": (
        *("control", "decile", "surprise", "members", "others", "score", "metric", "level"),
        *_ESTIMATE,
    ),
}


class Plan(NamedTuple):
    """What is asked for: scores by name, their settings, and a list of suspects.

    The list is made by one score at a false discovery rate, where there are reference models;
    none if `verdict_score` is None. Errors are told for up to `n_max` observations of a user.
    """

    scores: list
    settings: Settings
    verdict_score: str | None
    false_discovery_rate: float | None
    n_max: int


class Scene(NamedTuple):
    """One deal of the users: who is a member, what the models say.

    users : shape (users,)
        Of D_A, ascending.
    member : bool, shape (users,)
        Whether the user is in D_T.
    target : Responses
        Of m_T to each transition of D_A.
    knowledge : Knowledge
        Of the adversary.
    target_only : Responses or None
        The control: of a model of the provider's users that are not in D_A; None if there are
        none.
    swapped : Responses
        The counterfactual: of a model of a database in which users gave place to others.
    in_swapped : bool, shape (users,)
        Whether the user is in that database.
    target_size, target_only_size : int
        Users of D_T, and of the control's model.
    bigram_of : callable
        As in `verdicts.null_scores`.
    """

    users: np.ndarray
    member: np.ndarray
    target: Responses
    knowledge: Knowledge
    target_only: Responses | None
    swapped: Responses
    in_swapped: np.ndarray
    target_size: int
    target_only_size: int
    bigram_of: object


class Report(NamedTuple):
    """What `attack` found.

    `tables` are {name in `TABLES`: rows}, `scores` {name: `UserScores`} of the attack itself;
    `p` and `listed`, of shape (users,), are None where no list was made.
    """

    tables: dict
    scores: dict
    p: np.ndarray | None
    listed: np.ndarray | None


def attack(scene, plan, rng):
    """Return the `Report` of a scene.

    Parameters
    ----------
    scene : Scene
    plan : Plan
    rng : numpy.random.Generator
    """
    terms = make_terms(plan.scores, scene.target, scene.knowledge, plan.settings)
    variants = list_variants(scene, terms, plan.settings, rng)
    scores = variants[0].scores
    tables = {
        "attack_errors": list(trace_errors(terms, scene, plan.n_max, rng)),
        "attacks": list(measure_attacks(variants, scene.knowledge.user, rng)),
        "roc": list(trace_curves(variants)),
        "counterfactual": compare_with_and_without(scene, rng),
        "outliers": [],
        "shared_users": [],
        "verdicts": [],
    }
    if scene.knowledge.own is not None and scene.knowledge.own.probability is not None:
        tables["outliers"] += profile_outliers(scene.knowledge, variants, plan.settings.epsilon)
    p = listed = None
    if scene.knowledge.references is not None:
        tables["shared_users"] += count_shared_users(scene, rng)
        if plan.verdict_score is not None:
            judged = judge(scene, variants, plan)
            tables["attacks"] += trace_trust(judged, scene.member, plan)
            tables["verdicts"] += count_verdicts(judged, scene, variants, plan)
            p = judged[NO_CONTROL]
            listed = list_users(p, plan.false_discovery_rate)
    for row in tables["attacks"]:
        row["reference_mismatch"] = _mismatch_behind(row, scene)
    return Report(tables, scores, p, listed)


def make_terms(names, responses, knowledge, settings):
    """Return {name: terms, shape (transitions,)} of those of the named scores that can be made.

    Scores that need reference models are left out where there are none.
    """
    chosen = [name for name in names if _is_known(SCORES[name], knowledge)]
    return {name: SCORES[name].terms(responses, knowledge, settings) for name in chosen}


def combine(terms, responses, knowledge, settings):
    """Return {name: `UserScores`} from {name: terms}."""
    return {
        name: SCORES[name].combine(values, responses, knowledge, settings)
        for name, values in terms.items()
    }


class Variant(NamedTuple):
    """The attack itself, or a control of it: {name: `UserScores`} against who is a member.

    `match`, of shape (transitions,), is what the matches were counted from.
    """

    control: str
    scores: dict
    member: np.ndarray
    match: np.ndarray


def list_variants(scene, terms, settings, rng):
    """Return the `Variant`s: the attack itself ("no"), and its controls.

    Of "shuffled", membership is dealt anew to the same number of users; of "target-only", the
    model knows none of the adversary's users. Both leave nothing to be found: an AUC of .5.

    Parameters
    ----------
    scene : Scene
    terms : dict
        From `make_terms`, of the target.
    settings : Settings
    rng : numpy.random.Generator
    """
    scores = combine(terms, scene.target, scene.knowledge, settings)
    match = scene.target.match
    variants = [
        Variant(NO_CONTROL, scores, scene.member, match),
        Variant(SHUFFLED, scores, rng.permutation(scene.member), match),
    ]
    if scene.target_only is not None:
        asked = scene.target_only, scene.knowledge, settings
        control = combine(make_terms(terms, *asked), *asked)
        variants.append(Variant(TARGET_ONLY, control, scene.member, scene.target_only.match))
    return variants


def measure_attacks(variants, user, rng):
    """Yield a row for each metric of each score in each of `list_variants`.

    Fields: score, access, control, metric, level, and those of `estimates.Estimate`. Users without
    a value count nowhere: "members" and "others" are how many have one. A score that tells nobody
    from anybody has no other rows. Of matches also the "leak" is told, TPR - FPR per transition,
    of which `user`, shape (transitions,), says whose it is.
    """
    weights = draw_users(len(variants[0].member), DRAWS, rng)
    for control, scores, member, match in variants:
        is_members = member[user]
        leak = match[is_members].mean() - match[~is_members].mean()
        for name, (value, _) in scores.items():
            known = ~np.isnan(value)
            value, own = value[known], member[known]
            rows = [("members", None, Estimate(int(own.sum())))]
            rows.append(("others", None, Estimate(int((~own).sum()))))
            if own.any() and not own.all():
                rows.append(("auc", None, area_with_interval(value, own, weights[known])))
                rows += _read_off(roc(value, own))
            if name == "matches":
                rows.append(("leak", None, Estimate(leak)))
            for metric, level, estimate in rows:
                labels = _labels(name, control) | {"metric": metric, "level": level}
                yield labels | estimate._asdict()


def trace_errors(terms, scene, n_max, rng):
    """Yield a row for each score and N = 1..n_max: the error with at most N transitions a user.

    `roc.cross_fitted_error` of the mean of the user's first N terms. RMIA's share of other users
    rises with that mean and is left out of account; a tail is no mean, and has no rows. Fields:
    score, observations (N), members, others, error. Only answers are cut to N: models that knew
    the user, the target's and references, were trained on all of its transitions.
    """
    half = np.zeros(len(scene.users), dtype=bool)
    for side in (scene.member, ~scene.member):
        chosen = rng.permutation(np.flatnonzero(side))
        half[chosen[: len(chosen) // 2]] = True
    for name, values in terms.items():
        if SCORES[name].combine is combine_by_tail:
            continue
        for n, means in enumerate(running_means(values, scene.knowledge, n_max).T, 1):
            known = ~np.isnan(means)
            member, first = scene.member[known], half[known]
            if len(np.unique(2 * member + first)) < 4:  # a half without members, or without others
                continue
            yield {
                "score": name,
                "observations": n,
                "members": int(member.sum()),
                "others": int((~member).sum()),
                "error": cross_fitted_error(means[known], member, first),
            }


def trace_curves(variants):
    """Yield a row for each level of FPR that can be resolved: the ROC, read off at its steps.

    Fields: score, access, control, fpr (the level), tpr (the largest TPR whose FPR is at most
    that).
    """
    for control, scores, member, _ in variants:
        for name, (value, _) in scores.items():
            known = ~np.isnan(value)
            if not member[known].any():
                continue
            steps = roc(value[known], member[known])
            for level in CURVE_LEVELS:
                found = true_positive_rate_at(steps, level).value
                if found is not None:
                    yield _labels(name, control) | {"fpr": level, "tpr": found}


def judge(scene, variants, plan):
    """Return {control: p of each user}, of the attack itself and of the control "target-only".

    Parameters
    ----------
    scene : Scene
        With reference models.
    variants : list of Variant
    plan : Plan
        With a `verdict_score`.
    """
    name = plan.verdict_score
    null = null_scores(SCORES[name], scene.knowledge, plan.settings, scene.bigram_of)
    return {
        variant.control: p_values(variant.scores[name].value, null)
        for variant in variants
        if variant.control != SHUFFLED
    }


def trace_trust(p_by_control, member, plan):
    """Yield rows that tell how far p-values, as `judge` returns them, can be trusted.

    The rows have the fields of `measure_attacks`: "p at most", the share of others with p at most
    the level, which should be no larger (of "target-only" all users are others); and "listed",
    the share of all users on the list at the plan's false discovery rate.
    """
    for control, p in p_by_control.items():
        of_others = p[~_known_to(control, member) & ~np.isnan(p)]
        listed = list_users(p, plan.false_discovery_rate)
        found = [
            ("p at most", level, int(np.count_nonzero(of_others <= level)), len(of_others))
            for level in P_LEVELS
        ]
        found.append(("listed", plan.false_discovery_rate, int(listed.sum()), len(listed)))
        for metric, level, hits, n in found:
            labels = _labels(plan.verdict_score, control) | {"metric": metric, "level": level}
            yield labels | proportion(hits, n)._asdict()


def count_verdicts(p_by_control, scene, variants, plan):
    """Yield the row of each list: its length, how many on it are no members, and their share.

    Of "shuffled" it is the attack's own list beside membership dealt anew: what a list of that
    length holds of others by chance. Of "target-only" nobody is a member, and every name false.
    """
    for control, _, member, _ in variants:
        known = _known_to(control, member)
        p = p_by_control[NO_CONTROL if control == SHUFFLED else control]
        listed = list_users(p, plan.false_discovery_rate)
        n_listed, n_false = int(listed.sum()), int((listed & ~known).sum())
        yield {
            "fdr": plan.false_discovery_rate,
            "listed": n_listed,
            "false": n_false,
            "realised": n_false / max(n_listed, 1),
            "reference_mismatch": _is_mismatch(scene, control),
            "control": control,
        }


def count_shared_users(scene, rng):
    """Yield the rows of `verdicts.estimate_shared_users`, beside the truth.

    What is estimated is the share of D_A's users in D_T, common_users / |A|; times |A| / |T| it
    is c, for an adversary that knows |T|. Of the control "shuffled" it is drawn which half of its
    users a reference model is said to know, so that it cannot tell how members differ: the share
    is then not identifiable. Of "target-only" the target is the model that knows none of them,
    and the truth is 0.
    """
    knowledge, member = scene.knowledge, scene.member
    drawn = knowledge._replace(references=_shuffle_known(knowledge.references, rng))
    cases = [
        (NO_CONTROL, scene.target, knowledge, member, scene.target_size),
        (SHUFFLED, scene.target, drawn, member, scene.target_size),
    ]
    if scene.target_only is not None:
        nobody = _known_to(TARGET_ONLY, member)
        cases.append((TARGET_ONLY, scene.target_only, knowledge, nobody, scene.target_only_size))
    for control, target, known, truth, size in cases:
        found = estimate_shared_users(target.match, known)
        ratio = len(member) / size
        yield {
            "adversary_size": len(member),
            "common_users": int(truth.sum()),
            "reference_mismatch": _is_mismatch(scene, control),
            **found._asdict(),
            "truth": truth.mean(),
            "common_fraction_estimate": None if found.estimate is None else found.estimate * ratio,
            "control": control,
        }


def _known_to(control, member):
    """Return whom the model knows: the members, but nobody of the control "target-only"."""
    return np.zeros_like(member) if control == TARGET_ONLY else member


def compare_with_and_without(scene, rng):
    """Return the rows of the counterfactual: the match rates of the same users, in both models.

    Users whose membership differs between m_T and the model of the swapped database, compared
    pair by pair: mean over users of the rate where they are known minus that where they are
    not, with Student's interval. Of the control "shuffled" it is drawn which of the two models
    is said to know a user.
    """
    moved = scene.member != scene.in_swapped
    rates = np.array(
        [
            mean_by_user(responses.match, scene.knowledge).value[moved]
            for responses in (scene.target, scene.swapped)
        ]
    )
    stayed = scene.member[moved]
    labels = {NO_CONTROL: stayed, SHUFFLED: rng.permutation(stayed)}
    return [
        {"control": control} | _compare_pairs(*np.where(by_target, rates, rates[::-1]))
        for control, by_target in labels.items()
    ]


def profile_outliers(knowledge, variants, epsilon):
    """Yield rows for users by decile of their surprise: what the model leaks of each, and whom.

    Surprise is the mean of -log2 p_A^{-u}(y_j | x_j) over the user's transitions, in bits: how
    little the adversary's other users tell of this one. Decile 1 is the least surprising.
    Fields: control, decile, surprise (its mean), members, others, score, metric, level, and those
    of `estimates.Estimate`: the metric "leak" (TPR - FPR of matches per transition), and "tpr" of
    each score at an FPR of 1 % among the others of the decile.
    """
    bits = -np.log2(np.maximum(knowledge.own.probability, epsilon))
    surprise, counts = mean_by_user(bits, knowledge)
    deciles = np.array_split(np.argsort(surprise, kind="stable"), DECILES)
    for control, scores, all_members, match in variants:
        hits = np.bincount(knowledge.user, match, minlength=knowledge.n_users)
        for number, chosen in enumerate(deciles, 1):
            member = all_members[chosen]
            if not 0 < member.sum() < len(member):
                continue
            labels = {
                "control": control,
                "decile": number,
                "surprise": surprise[chosen].mean(),
                "members": int(member.sum()),
                "others": int((~member).sum()),
            }
            inside, outside = (
                hits[part].sum() / counts[part].sum() for part in (chosen[member], chosen[~member])
            )
            yield labels | {"score": "matches", "metric": "leak", "value": inside - outside}
            for name, (value, _) in scores.items():
                known = ~np.isnan(value[chosen])
                if not member[known].any():
                    continue
                found = true_positive_rate_at(roc(value[chosen][known], member[known]), 0.01)
                yield labels | {"score": name, "metric": "tpr", "level": 0.01} | found._asdict()


def _read_off(steps):
    """Yield (metric, level, `Estimate`) of what steps of a ROC tell."""
    for level in FALSE_POSITIVE_RATES:
        yield "tpr", level, true_positive_rate_at(steps, level)
    yield "advantage", None, Estimate(best_advantage(steps))
    for share in LIST_SHARES:
        yield "precision", share, precision_at(steps, share)


def _compare_pairs(known, unknown):
    """Return a row of the counterfactual from the match rates of each user."""
    difference = mean_with_student(known - unknown)
    return {
        "users": len(known),
        "with_them": known.mean(),
        "without_them": unknown.mean(),
        "difference": difference.value,
        "ci_low": difference.ci_low,
        "ci_high": difference.ci_high,
    }


def _shuffle_known(references, rng):
    """Return the references, in each pair of which users take each other's places."""
    pairs = references.knows.reshape(-1, 2, references.knows.shape[1])
    drawn = [pair[:, rng.permutation(pair.shape[1])] for pair in pairs]
    return References(references.responses, np.concatenate(drawn))


def _is_mismatch(scene, control):
    """Return if reference models know another number of users than the model asked about."""
    size = scene.target_only_size if control == TARGET_ONLY else scene.target_size
    return size != reference_size(scene.target_size, len(scene.users))


def _mismatch_behind(row, scene):
    """Return `_is_mismatch` of a number of attacks; None where no reference model is behind it."""
    is_of_references = "references" in SCORES[row["score"]].needs
    if is_of_references or row["metric"] in ("p at most", "listed"):
        return _is_mismatch(scene, row["control"])
    return None


def _labels(name, control):
    return {"score": name, "access": SCORES[name].access, "control": control}


def _is_known(score, knowledge):
    return all(getattr(knowledge, need) is not None for need in score.needs)
