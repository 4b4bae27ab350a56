"""A random forest with sparse leaves: scikit-learn's trees at a fraction of the cost.

`classifier` holds the estimator, `growing` grows a tree, `querying` answers from the leaves,
`storage` keeps forests in files.
"""

from .classifier import Answers, RandomForestClassifier
from .storage import load_forests, save_forests

__all__ = ["Answers", "RandomForestClassifier", "load_forests", "save_forests"]
