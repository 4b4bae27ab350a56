import csv
import io
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fidelity.scanning import HIGHEST, Splitter

PLAIN = st.text(st.characters(codec="utf-8", exclude_characters='",\r\n'), max_size=12)
QUOTED = st.text(st.characters(codec="utf-8", exclude_characters='"\r\n'), max_size=12).map(
    lambda text: f'"{text}"'
)
LINE_END = st.sampled_from(["\n", "\r\n", "\n\n", "\r\n\n"])


def split(text, n_fields):
    return Splitter(n_fields).split(np.frombuffer(text.encode(), dtype=np.uint8))


def texts_of(rows, column):
    offsets, texts = rows.texts(column)
    texts = texts.tobytes()
    return [texts[a:b].decode() for a, b in pairwise(offsets)]


@st.composite
def tables(draw):
    """Return (text, number of fields) of a table."""
    n_fields = draw(st.integers(2, 5))
    row = st.lists(PLAIN | QUOTED, min_size=n_fields, max_size=n_fields).map(",".join)
    lines = draw(st.lists(st.tuples(row, LINE_END), max_size=8))
    return "".join(line + end for line, end in lines), n_fields


@given(tables(), st.text("abc,", max_size=8))
def test_rows_are_those_of_the_csv_module(table, unfinished):
    text, n_fields = table
    rows, end, fault = split(text + unfinished, n_fields)
    expected = [row for row in csv.reader(io.StringIO(text, newline="")) if row]
    assert fault == ""
    assert end == len(text.encode())
    assert len(rows) == len(expected)
    for column in range(n_fields):
        assert texts_of(rows, column) == [row[column] for row in expected]


@given(st.text('ab,"\n\r', max_size=60), st.integers(0, 60))
def test_blocks_may_end_anywhere(text, cut):
    """The first rows are the same whether or not more follows, and faults do not come and go."""
    whole, end, fault = split(text, 2)
    some, some_end, some_fault = split(text[:cut], 2)
    assert len(some) <= len(whole)
    assert some_end <= end
    for column in range(2):
        assert texts_of(some, column) == texts_of(whole, column)[: len(some)]
    if some_fault:
        assert (some_fault, len(some)) == (fault, len(whole))


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("a,b\nc\nd,e\n", "1 fields instead of 2"),
        ("a,b\nc,d,e\n", "3 fields instead of 2"),
        ("a,b\nc,d\re\n", "a carriage return that ends no line"),
        ('a,b\nc,"d\n', "a quotation mark"),
        ('a,b\nc,"d\n"\n', "a quotation mark"),
        ('a,b\nc,"d"e\n', "a quotation mark"),
        ('a,b\nc,"d""e"\n', "a quotation mark"),
        ('a,b\nc,d"e"\n', "a quotation mark"),
    ],
)
def test_the_first_bad_row_is_told(text, fault):
    rows, end, found = split(text, 2)
    assert found.startswith(fault)
    assert (len(rows), end) == (1, 4)


NUMBERS = st.one_of(
    st.integers(-10, 10**21).map(str), st.integers(0, HIGHEST + 9).map("{:08d}".format), PLAIN
)


@given(st.lists(NUMBERS))
def test_whole_numbers_are_digits_alone(values):
    rows, *_ = split("".join(f"{value},x\n" for value in values), 2)
    fits = [v.isascii() and v.isdigit() and int(v) <= HIGHEST for v in values]
    expected = [int(v) if fit else -1 for v, fit in zip(values, fits, strict=True)]
    assert rows.wholes(0).tolist() == expected


@given(st.lists(st.sampled_from(["a", "b", "ab", "", "aba"]), min_size=1))
def test_columns_are_compared_and_found(values):
    rows, *_ = split("".join(f'x,"{value}"\n' for value in values), 2)
    assert rows.repeats(1).tolist() == [
        i > 0 and value == values[i - 1] for i, value in enumerate(values)
    ]
    words = ["ab", "b"]
    expected = [words.index(value) if value in words else -1 for value in values]
    assert rows.words(1, [word.encode() for word in words]).tolist() == expected
    hashes = rows.hashes(1)
    assert len(set(hashes.tolist())) == len(set(values))
    for chosen in np.arange(0, len(values), 2), slice(None, None, 2):
        assert texts_of(rows.take(chosen), 1) == values[::2]


def test_hashes_spread():
    """All 64 bits are even, also of ids that differ in one place."""
    rows, *_ = split("".join(f"0_{i:06d},\n" for i in range(20_000)), 2)
    hashes = rows.hashes(0)
    shares = [(hashes >> np.uint64(bit) & np.uint64(1)).mean() for bit in range(64)]
    assert len(np.unique(hashes)) == len(hashes)
    np.testing.assert_allclose(shares, 0.5, atol=0.02)
