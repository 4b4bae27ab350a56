"""What models say about made-up users: a random `Knowledge` and the target's responses."""

import numpy as np

from fidelity.responses import Responses, take
from fidelity.scores import Knowledge, References, Settings

SETTINGS = Settings(epsilon=1e-3, k=3, gamma=1.0, prior=2.0)


def draw_responses(rng, *shape):
    """Return random responses, of which some probabilities are 0 or 1."""
    probability = np.clip(rng.uniform(-0.1, 1.1, size=shape), 0, 1)
    return Responses(rng.random(shape) < 0.6, probability, rng.integers(1, 7, size=shape))


def deal_halves(rng, n_users, n_pairs):
    """Return which users each model knows; of an odd number one is in neither half."""
    halves = []
    for _ in range(n_pairs):
        order = rng.permutation(n_users)
        half = n_users // 2
        halves += [np.isin(np.arange(n_users), part) for part in (order[:half], order[-half:])]
    return np.array(halves)


def draw_case(seed, n_users=7, n_transitions=60, n_pairs=3):
    """Return (responses, knowledge): users with different numbers of transitions, mixed up."""
    rng = np.random.default_rng(seed)
    often = rng.dirichlet(np.ones(n_users))
    user = np.append(np.arange(n_users), rng.choice(n_users, n_transitions - n_users, p=often))
    user = rng.permutation(user)
    references = References(
        draw_responses(rng, 2 * n_pairs, n_transitions), deal_halves(rng, n_users, n_pairs)
    )
    bigram = rng.uniform(0.01, 1, size=n_transitions)
    own = draw_responses(rng, n_transitions)
    knowledge = Knowledge(user, n_users, own, bigram, references)
    return draw_responses(rng, n_transitions), knowledge


def take_transitions(knowledge, rows):
    references = knowledge.references
    return knowledge._replace(
        user=knowledge.user[rows],
        own=take(knowledge.own, rows),
        bigram=knowledge.bigram[rows],
        references=References(take(references.responses, rows), references.knows),
    )
