from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fidelity.emulation import (
    Deal,
    GridPoint,
    count_common,
    deal_users,
    first_users,
    fraction_text,
    full_size,
    largest_shared_size,
    make_databases,
    resolve_sizes,
    rows_of,
)
from fidelity.seeding import generator, random_state, seed_sequence

fractions = st.sampled_from(["0", "0.1", "0.25", "0.3", "0.5", "0.75", "0.9", "1"])


def test_sizes_by_hand():
    assert full_size(11_156, 0) == 5_578
    assert full_size(11_156, 0.5) == 7_437
    assert full_size(11_156, 1) == 11_156
    assert full_size(10, 0.9) == 9  # 10 / 1.1
    assert count_common(3, 0.5) == 2  # 1.5 to even
    assert count_common(5, 0.5) == 2  # 2.5 to even
    assert count_common(10, 0.3) == 3


@pytest.mark.parametrize(
    ("target", "adversary", "max_in_grid", "sizes"),
    [
        ("max", "full", True, (7_437, 7_437)),
        ("100", "full", True, (7_437, 100)),
        ("100", "matched", True, (100, 100)),
        ("max", "matched", True, (7_437, 7_437)),
        ("100", "300", True, (300, 100)),
        ("7438", "full", True, None),
        ("100", "7438", True, None),
        ("1", "0", True, None),
        ("7437", "full", True, None),  # left to the point max
        ("7437", "full", False, (7_437, 7_437)),
    ],
)
def test_sizes_at_a_grid_point(target, adversary, max_in_grid, sizes):
    assert resolve_sizes(GridPoint("0.5", target, adversary, max_in_grid), 11_156) == sizes


def test_one_user_is_at_no_two_providers():
    assert resolve_sizes(GridPoint("0", "max", "full", True), 1) is None
    assert resolve_sizes(GridPoint("1", "max", "full", True), 1) == (1, 1)


def test_largest_size_that_every_fraction_has():
    assert largest_shared_size([100, 5_000, 6_000], "0", 11_156) == 5_000
    assert largest_shared_size([100, 5_000, 6_000], "0.5", 11_156) == 6_000
    assert largest_shared_size([6_000], "0", 11_156) == 5_578
    assert largest_shared_size([], "0", 11_156) == 5_578


def test_arithmetic_is_on_the_fraction_that_the_text_says():
    """In binary floating point 0.29 * 100 is 28.999999999999996."""
    assert count_common(100, 0.29) == 29
    assert full_size(171, 0.29) == 100


def _in_order(rank):
    """Return the places of those that have a rank, by rank."""
    order = np.argsort(rank, kind="stable")
    return order[rank[order] >= 0]


@given(st.integers(0, 300), fractions, st.integers(0, 2**32))
def test_every_prefix_has_its_share_of_common_users(n_users, c, seed):
    users = np.arange(n_users) * 7
    deal = deal_users(users, c, generator(seed, "emulation"))
    size = full_size(n_users, c)
    assert deal.user.tolist() == users.tolist()
    orders = {"adversary": _in_order(deal.adversary_rank), "target": _in_order(deal.target_rank)}
    orders = {name: users[order].tolist() for name, order in orders.items()}
    common = set(orders["adversary"]) & set(orders["target"])
    for order in orders.values():
        assert len(set(order)) == len(order) == size
        for k in range(size + 1):
            shared = [user for user in order[:k] if user in common]
            assert len(shared) == round(Fraction(c) * k)
            assert shared == [user for user in orders["target"] if user in common][: len(shared)]


@given(
    st.integers(1, 300),
    fractions,
    st.integers(0, 300),
    st.integers(0, 300),
    st.integers(0, 2**32),
)
def test_two_databases_share_what_the_smaller_allows(n_users, c, a, t, seed):
    size = full_size(n_users, c)
    a, t = min(a, size), min(t, size)
    users = np.arange(n_users)
    deal = deal_users(users, c, generator(seed, "emulation"))
    adversary = first_users(users, deal.adversary_rank, a)
    target = first_users(users, deal.target_rank, t)
    assert len(adversary) == a
    assert len(target) == t
    assert len(np.intersect1d(adversary, target)) == min(count_common(a, c), count_common(t, c))


def test_every_user_is_as_likely_anywhere():
    """Over 2,000 deals of 6 users, each is common in c s / n = 1/3 of them, to 4 errors."""
    counts = np.zeros(6)
    for repeat in range(2_000):
        deal = deal_users(np.arange(6), "0.5", generator(1, "emulation", repeat))
        counts += (deal.adversary_rank >= 0) & (deal.target_rank >= 0)
    assert np.allclose(counts / 2_000, 1 / 3, atol=4 * np.sqrt(2 / 9 / 2_000))


def test_databases_of_each_repeat():
    users = np.arange(9)
    deals = [deal_users(users, "0.5", generator(1, "emulation", repeat)) for repeat in range(3)]
    columns = {
        name: np.concatenate(parts)
        for name, parts in zip(Deal._fields, zip(*deals, strict=True), strict=True)
    }
    columns["repeat"] = np.repeat(range(3), 9)
    databases = list(make_databases(columns, GridPoint("0.5", "4", "full", True)))
    assert [found.repeat for found in databases] == [0, 1, 2]
    for deal, found in zip(deals, databases, strict=True):
        assert found.adversary.tolist() == np.flatnonzero(deal.adversary_rank >= 0).tolist()
        assert found.target.tolist() == sorted(_in_order(deal.target_rank)[:4].tolist())
    assert not list(make_databases(columns, GridPoint("0.5", "7", "full", True)))


def test_rows_of_users():
    assert rows_of(np.array([2, 5]), np.array([5, 0, 2, 2, 9])).tolist() == [1, 0, 1, 1, 0]
    assert rows_of(np.array([], dtype=int), np.array([0, 1])).tolist() == [0, 0]


def test_seeds_depend_on_every_key_and_on_nothing_else():
    seeds = {
        random_state(*keys)
        for keys in [(1, "a"), (2, "a"), (1, "b"), (1, "a", 1), (1, "a", "1", 1), (1, "a", "11")]
    }
    assert len(seeds) == 6
    assert random_state(1, "train", "0.5", 100) == random_state(1, "train", "0.5", 100)
    assert seed_sequence(1, "train").entropy == seed_sequence(1, "train").entropy
    with pytest.raises(ValueError, match=r"whole numbers, got 0\.5"):
        seed_sequence(1, "train", 0.5)


def test_fractions_as_text():
    assert [fraction_text(value) for value in (0, 0.0, -0.0, 1, 0.25, 0.50, 0.1)] == [
        *("0", "0", "0", "1", "0.25", "0.5", "0.1")
    ]
