"""Fidelity leakages: membership inference on preference data, measured and bounded."""
