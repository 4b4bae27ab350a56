"""Tables of all grid points, and means with Student's interval."""

import zipfile

import pandas as pd

from .errors import InputError
from .estimates import student

POINT = ["common_fraction", "target_size"]
_TYPES = {"common_fraction": str, "reference_mismatch": "boolean"}  # where there are these


def read_table(path):
    """Return a table from a CSV (common_fraction as the text that it is) or parquet file."""
    if str(path).endswith(".parquet"):
        return pd.read_parquet(path)
    return pd.read_csv(path, dtype=_TYPES)


def read_zip(path, name):
    """Return one of the tables that `tables.write_zip` has put into a zip."""
    with zipfile.ZipFile(path) as archive, archive.open(f"{name}.csv") as file:
        return read_table(file)


def join_points(tables):
    """Return the tables of grid points as one, ordered by c and size.

    Parameters
    ----------
    tables : iterable of DataFrame
        With the columns `POINT`; without rows where a size does not exist.

    Raises
    ------
    InputError
        If none has a row.
    """
    tables = [table for table in tables if len(table)]
    if not tables:
        raise InputError(
            "grid.target_size: there are not so many users at any grid point; ask for smaller "
            "sizes or max"
        )
    joined = pd.concat(tables, ignore_index=True)
    return joined.sort_values(POINT, key=pd.to_numeric, kind="stable", ignore_index=True)


def fraction_nearest_half(table):
    """Return the common fraction nearest to .5 in a table, the smaller of two."""
    fractions = table["common_fraction"].unique()
    return min(fractions, key=lambda fraction: (abs(float(fraction) - 0.5), float(fraction)))


def of_smallest_and_largest(table):
    """Yield (point, its rows) of the smallest and the largest size of each fraction."""
    for fraction, sizes in table.groupby("common_fraction", sort=False)["target_size"]:
        for size in sorted({sizes.min(), sizes.max()}):
            yield (fraction, size), rows_at(table, (fraction, size))


def rows_at(table, point):
    """Return the rows of a grid point, (common_fraction, target_size)."""
    return table[(table["common_fraction"] == point[0]) & (table["target_size"] == point[1])]


def mean_with_interval(table, column, by=POINT):
    """Return the mean of a column in each group of rows, with its 95 % interval.

    mean +- t(0.975, n - 1) s / sqrt(n), Student's interval of n values of standard deviation
    s. Over repeats it is about deals of one population, not about populations.

    Parameters
    ----------
    table : DataFrame
    column : str
        Missing values are left out; a group without a value has no row.
    by : list of str

    Returns
    -------
    DataFrame
        The columns `by`, in their order in the table, then mean, ci_low, ci_high, repeats; the
        bounds are missing for a single value.
    """
    groups = table.dropna(subset=column).groupby(by, sort=False)[column]
    groups = groups.agg(["mean", "sem", "count"]).reset_index()
    half = student(groups["count"].clip(lower=2) - 1) * groups["sem"]
    return groups[by].assign(
        mean=groups["mean"],
        ci_low=groups["mean"] - half,
        ci_high=groups["mean"] + half,
        repeats=groups["count"],
    )


def rate_with_interval(table, column, by=POINT):
    """Return the same for numbers within [0, 1], which the interval is not let out of."""
    return _within(mean_with_interval(table, column, by), 0)


def difference_with_interval(table, column, by=POINT):
    """Return the same for differences of rates, within [-1, 1]."""
    return _within(mean_with_interval(table, column, by), -1)


def of_all_users(attack_errors):
    """Return the rows of scores that all users have, at each point in all repeats.

    The error of another score is one on fewer users, so that it cannot be compared.

    Parameters
    ----------
    attack_errors : DataFrame
        Of `user_attacks.TABLES`.
    """
    users = attack_errors[["members", "others"]]
    same = attack_errors.groupby([*POINT, "repeat", "observations"])[["members", "others"]]
    is_whole = (users == same.transform("max")).all(axis=1)
    scores = is_whole.groupby([attack_errors[name] for name in (*POINT, "score")])
    rows = scores.transform("size")
    most = rows.groupby([attack_errors[name] for name in POINT]).transform("max")
    return attack_errors[scores.transform("all") & (rows == most)]


def best_errors(attack_errors):
    """Return the least error over scores with at most N observations, and its score.

    Columns: those of `POINT`, observations, score, mean, ci_low, ci_high (Student's, over
    repeats), ordered by the latter. Of the means over repeats the least is taken: chosen, so a
    little too low.

    Parameters
    ----------
    attack_errors : DataFrame
        Of `user_attacks.TABLES`, of scores that are comparable: see `of_all_users`.
    """
    keys = [*POINT, "observations"]
    means = rate_with_interval(attack_errors, "error", [*keys, "score"])
    best = means.loc[means.groupby(keys, sort=False)["mean"].idxmin()]
    best = best.sort_values("observations", kind="stable", ignore_index=True)
    # More observations may be left aside, so the error never grows with them.
    rows = []
    for _, own in best.groupby(POINT, sort=False):
        least = None
        for _, row in own.iterrows():
            least = row if least is None or row["mean"] < least["mean"] else least
            rows.append(least.to_dict() | {"observations": row["observations"]})
    return pd.DataFrame(rows, columns=best.columns)


def select_metric(attacks, metric, level):
    """Return the rows of a metric; `level` is None for one that has none."""
    chosen = attacks[attacks["metric"] == metric]
    return chosen if level is None else chosen[chosen["level"] == level]


def users_by_score(attacks):
    """Return how many users have a value of each score, mean over repeats: {score: users}.

    Parameters
    ----------
    attacks : DataFrame
        Of `user_attacks.TABLES`, of one grid point and one control.
    """
    counted = attacks[attacks["metric"].isin(["members", "others"])]
    return counted.groupby(["score", "repeat"])["value"].sum().groupby("score").mean()


def _within(means, lowest):
    return means.assign(**means[["ci_low", "ci_high"]].clip(lowest, 1))
