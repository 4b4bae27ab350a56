"""Observations of two made-up holders, as `Holders` and as plain lists."""

import numpy as np
from hypothesis import strategies as st

from fidelity.information import make_holders, tally_users

# Few cells and users, so that cells are shared and users have a cell more than once.
observations = st.lists(st.tuples(st.integers(0, 7), st.integers(0, 5)), min_size=1, max_size=60)
BOTH, FIRST, SECOND, NEITHER = (True, True), (True, False), (False, True), (False, False)
PLACES = (FIRST, SECOND, BOTH, NEITHER)


@st.composite
def made_up(draw, places=PLACES):
    """Draw (Holders, observations, place): place[user] says if it is in (first, second)."""
    pairs = draw(observations)
    place = draw(st.lists(st.sampled_from(places), min_size=8, max_size=8))
    users = {user for user, _ in pairs}
    for holder in (0, 1):  # An own user for each, or there may be no holders.
        if not any(place[user][holder] for user in users):
            extra = (8 + holder, draw(st.integers(0, 5)))
            pairs = pairs + [extra]
    place = [*place, FIRST, SECOND]
    return hold(pairs, place), pairs, place


def hold(pairs, place):
    """Return the `Holders` of (user, cell) pairs."""
    user, cell = np.array(pairs).T
    return make_holders(tally_users(user, cell), *np.array(place).T)


def cells_of(pairs, place, holder):
    """Return the cells of a holder's observations, as a list."""
    return [cell for user, cell in pairs if place[user][holder]]


def kept_users(pairs, place):
    """Return the users with an observation and a holder, ascending: `Holders` number them so."""
    return sorted({user for user, _ in pairs if any(place[user])})


def draw_holders(rng, first, second, n_users, per_user):
    """Return `Holders` with `n_users` users each, who draw from their holder's distribution."""
    n_own = n_users * per_user
    cell = np.concatenate([rng.choice(len(p), n_own, p=p) for p in (first, second)])
    is_first = np.arange(2 * n_users) < n_users
    user = np.repeat(np.arange(2 * n_users), per_user)
    return make_holders(tally_users(user, cell), is_first, ~is_first)


def mutual_information(first, second):
    """Return MI(H; O) in bits of two distributions, all of whose cells are possible."""
    both = first + second
    return 1 + sum((p * np.log2(p / both)).sum() for p in (first, second)) / 2
