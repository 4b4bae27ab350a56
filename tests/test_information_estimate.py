import pytest

from fidelity.information import Information, bracket


def with_interval(low, high):
    return Information(0.5, 10, 10, low, high)


@pytest.mark.parametrize(
    ("perceived", "hypothetical", "expected"),
    [
        ((0.1, 0.3), (0.2, 0.4), (0.1, 0.4)),
        ((-0.5, 0.3), (0.2, 1.1), (0, 1)),
        ((None, None), (0.2, 0.4), (0, 0.4)),
        ((0.1, 0.3), (None, None), (0.1, 1)),
    ],
)
def test_the_bracket_takes_the_outer_ends(perceived, hypothetical, expected):
    assert bracket(with_interval(*perceived), with_interval(*hypothetical)) == expected


def test_net_information_is_what_exceeds_the_null():
    found = Information(0.5, 10, 10, null_mean=0.375)
    assert found.net == 0.125
    assert found._replace(null_mean=None).net is None
