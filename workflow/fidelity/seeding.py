"""Random numbers that depend on what they are for, and on nothing else.

Every draw comes from a generator keyed by values: the seed of the config, the stage, the
repeat, the grid point. So a new grid point, another order of jobs or more cores change no
number elsewhere.
"""

import hashlib

import numpy as np


def seed_sequence(seed: int, stage: str, *keys: str | int | np.integer) -> np.random.SeedSequence:
    """Return the `numpy.random.SeedSequence` of a stage for the given key values.

    The entropy is the config seed and the SHA-256 digest of the stage and the keys, each
    written as text and set apart by a zero byte, as eight 32-bit words.

    Parameters
    ----------
    seed : int
        Not negative; from the config.
    stage : str
    *keys : str or int
        Values (a fraction as text, a number of users), never positions in a list.

    Raises
    ------
    ValueError
        If a key is a float, whose text would depend on how it was computed.
    """
    for key in keys:
        if not isinstance(key, str | int | np.integer):
            raise ValueError(f"seed keys are text or whole numbers, got {key!r}")
    text = "\0".join(str(key) for key in (stage, *keys))
    words = np.frombuffer(hashlib.sha256(text.encode()).digest(), dtype="<u4")
    return np.random.SeedSequence([seed, *words.tolist()])


def generator(seed: int, stage: str, *keys: str | int | np.integer) -> np.random.Generator:
    """Return the `numpy.random.Generator` of `seed_sequence`."""
    return np.random.default_rng(seed_sequence(seed, stage, *keys))


def random_state(seed: int, stage: str, *keys: str | int | np.integer) -> int:
    """Return a whole number in [0, 2**31) for estimators that take a `random_state`."""
    return int(seed_sequence(seed, stage, *keys).generate_state(1)[0] >> 1)
