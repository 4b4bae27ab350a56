"""Numbers and tables as Markdown."""

import pandas as pd


def table(names, rows):
    """Return a table: the names of its columns, and rows of numbers and text."""
    lines = [names, ["---"] * len(names), *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)


def interval(row):
    """Return a mean with its interval, of a row of `summary.mean_with_interval`."""
    if pd.isna(row["ci_low"]):
        return f"{row['mean']:.4f}"
    return f"{row['mean']:.4f} [{row['ci_low']:.4f}, {row['ci_high']:.4f}]"
