"""Fidelity leakages: membership inference on preference data, measured and bounded."""

# The import path of the recommender that needs no scikit-learn.
OWN_FOREST = "fidelity.forest.RandomForestClassifier"
