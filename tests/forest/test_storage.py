import json
import subprocess
import sys
import zipfile

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.ensemble import RandomForestClassifier as DenseForest
from sklearn.exceptions import NotFittedError

from fidelity.forest import RandomForestClassifier, load_forests, save_forests

from .cases import data, parameters


def small_forest(seed=0, **fit):
    rng = np.random.default_rng(seed)
    X, y = rng.integers(300, size=(200, 3)), rng.integers(40, size=200)
    return RandomForestClassifier(n_estimators=4, random_state=seed).fit(X, y, **fit)


@settings(max_examples=50)
@given(data(), parameters)
def test_a_forest_comes_back_as_it_was(tmp_path_factory, xy, parameters):
    X, y = xy
    path = tmp_path_factory.mktemp("forest") / "model.npz"
    forest = RandomForestClassifier(**parameters).fit(X, y)
    save_forests(path, [forest])
    (loaded,) = load_forests(path)
    assert loaded.get_params() == forest.get_params()
    for a, b in zip(forest.grown_.trees, loaded.grown_.trees, strict=True):
        assert np.array_equal(a, b)
    for a, b in zip(forest.query(X, y), loaded.query(X, y), strict=True):
        assert np.array_equal(a, b)
    if forest.bootstrap:
        assert np.array_equal(forest.out_of_bag_trees(), loaded.out_of_bag_trees())


def test_several_forests_share_a_file(tmp_path):
    forests = [small_forest(seed) for seed in range(3)]
    save_forests(tmp_path / "models.npz", forests)
    loaded = load_forests(tmp_path / "models.npz")
    X = np.arange(30).reshape(10, 3)
    assert len(loaded) == 3
    for a, b in zip(forests, loaded, strict=True):
        assert np.array_equal(a.predict_proba(X), b.predict_proba(X))


def test_groups_and_labels_come_back(tmp_path):
    groups = np.array(["u", "v"] * 100, dtype=object)
    forest = small_forest(groups=groups)
    songs = np.array([f"song {i}" for i in range(len(forest.classes_))], dtype=object)
    forest.grown_ = forest.grown_._replace(classes=songs)
    save_forests(tmp_path / "model.npz", [forest])
    (loaded,) = load_forests(tmp_path / "model.npz")
    assert loaded.classes_.tolist() == songs.tolist()
    assert loaded.classes_.dtype == object
    assert np.array_equal(loaded.out_of_group_trees(groups), forest.out_of_group_trees(groups))


def test_the_same_forest_makes_the_same_bytes(tmp_path):
    for name in ("a", "b"):
        save_forests(tmp_path / name, [small_forest()])
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_the_file_is_plain_arrays(tmp_path):
    save_forests(tmp_path / "model.npz", [small_forest()])
    with np.load(tmp_path / "model.npz", allow_pickle=False) as arrays:
        assert all(arrays[name].dtype != object for name in arrays)


@settings(max_examples=300)
@given(st.floats(0, 0.9999), st.integers(1, 255))
def test_a_damaged_file_is_named_or_harmless(tmp_path_factory, at, flipped):
    path = tmp_path_factory.mktemp("forest") / "model.npz"
    forest = small_forest()
    save_forests(path, [forest])
    whole = bytearray(path.read_bytes())
    whole[int(at * len(whole))] ^= flipped
    path.write_bytes(whole)
    try:
        (loaded,) = load_forests(path)
    except ValueError as error:
        assert str(path) in str(error)  # noqa: PT017
        assert "damaged" in str(error) or "version" in str(error)  # noqa: PT017
    else:
        for a, b in zip(forest.grown_.trees, loaded.grown_.trees, strict=True):
            assert np.array_equal(a, b)


@settings(max_examples=50)
@given(st.floats(0, 0.999))
def test_a_truncated_file_is_named(tmp_path_factory, share):
    path = tmp_path_factory.mktemp("forest") / "model.npz"
    save_forests(path, [small_forest()])
    path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])
    with pytest.raises(ValueError, match=r"model\.npz: not a file made by"):
        load_forests(path)


def rewrite(path, **replaced):
    """Write the arrays of a file again, some of them replaced, all checksums right."""
    with np.load(path) as arrays:
        members = {name: arrays[name] for name in arrays}
    members.update({name.replace("__", "/"): array for name, array in replaced.items()})
    np.savez(path, **members)


@pytest.mark.parametrize(
    "replaced",
    [
        {"0__feature": lambda a: np.zeros_like(a)},
        {"0__feature": lambda a: a + np.uint8(7)},
        {"0__feature": lambda a: a[:-1]},
        {"0__feature": lambda a: a[::-1]},
        {"0__nodes": lambda a: a[::-1]},
        {"0__leaf_class": lambda a: a + np.uint8(90)},
        {"0__leaf_class": lambda a: a.astype(float)},
        {"0__leaf_weight": lambda a: np.zeros_like(a)},
        {"0__leaf_classes": lambda a: a + np.uint8(1)},
        {"0__split": lambda a: a.astype(np.uint32) + 10**6},
        {"0__split": lambda a: a.astype(np.uint32) + np.uint32(0xFFFE0000)},
        {"0__nodes": lambda a: a.astype(np.uint64) + np.array([0, -(10**9), 10**9, 0]).view("u8")},
        {"0__leaf_classes": lambda a: a.astype(np.uint64) << np.uint64(60)},
        {"0__feature": lambda a: a.astype(np.uint32) | np.uint32(0xFFFF0000)},
    ],
)
def test_arrays_that_make_up_no_forest_are_refused(tmp_path, replaced):
    """Such a file must not lead the compiled code out of its arrays."""
    path = tmp_path / "model.npz"
    save_forests(path, [small_forest()])
    ((name, change),) = replaced.items()
    with np.load(path) as arrays:
        changed = change(arrays[name.replace("__", "/")])
    rewrite(path, **{name: changed})
    with pytest.raises(ValueError, match=r"model\.npz: the file of forests is damaged"):
        load_forests(path)


@pytest.mark.parametrize(
    "cut",
    [
        {"feature": [1, 0], "leaf_classes": [1], "leaf_class": [0], "leaf_weight": [1]},
        {"feature": [0, 1, 0]},
    ],
    ids=["last child missing", "leaf before the root"],
)
def test_a_tree_of_which_a_way_leads_out_is_refused(tmp_path, cut):
    """Although all counts are right."""
    path = tmp_path / "model.npz"
    X = np.array([[0], [1]])
    forest = RandomForestClassifier(n_estimators=1, bootstrap=False).fit(X, X[:, 0])
    save_forests(path, [forest])
    cut["nodes"] = [len(cut["feature"])]
    rewrite(path, **{f"0__{name}": np.array(values, "u1") for name, values in cut.items()})
    with pytest.raises(ValueError, match="its nodes do not make up trees"):
        load_forests(path)


@pytest.mark.parametrize("number", ["rows", "drawn"])
def test_numbers_beyond_any_forest_are_refused(tmp_path, number):
    """To draw so many again would not end."""
    path = tmp_path / "model.npz"
    save_forests(path, [small_forest()])
    with np.load(path) as arrays:
        header = json.loads(arrays["header"].tobytes())
    header["forests"][0][number] = 2**31
    rewrite(path, header=np.frombuffer(json.dumps(header).encode(), dtype=np.uint8))
    with pytest.raises(ValueError, match="its numbers of features or rows are impossible"):
        load_forests(path)


@pytest.mark.parametrize("shift", [0, 1])
def test_more_classes_than_a_node_can_name_come_back(tmp_path, shift):
    """Shifted, the leaf of each class has another number, once odd and once even."""
    path = tmp_path / "model.npz"
    y = np.arange(140_000)
    X = np.column_stack([(y + shift) % 50_000, (y + shift) // 50_000])
    forest = RandomForestClassifier(n_estimators=1, bootstrap=False, random_state=0).fit(X, y)
    save_forests(path, [forest])
    (loaded,) = load_forests(path)
    np.testing.assert_array_equal(loaded.predict(X), y)


def test_files_of_another_kind_are_refused(tmp_path):
    path = tmp_path / "other.npz"
    np.savez(path, a=np.arange(3))
    with pytest.raises(ValueError, match="not a file made by save_forests"):
        load_forests(path)
    np.savez(path, header=np.frombuffer(b'{"format": "x", "version": 1, "forests": []}', np.uint8))
    with pytest.raises(ValueError, match="holds 'x' version 1"):
        load_forests(path)
    path.write_text("song,next_song\n")
    with pytest.raises(ValueError, match="not a file made by save_forests"):
        load_forests(path)
    with pytest.raises(FileNotFoundError, match=r"absent\.npz"):
        load_forests(tmp_path / "absent.npz")


@pytest.mark.parametrize(
    "changed",
    [
        (b'"features": 3', b'"features": 70000'),
        (b'"features": 3', b'"features": Infinity'),
        (b'"rows": 200', b'"rows": -1'),
        (b'"n_estimators": 4', b'"n_estimators": "4"'),
        (b'"forests": [{', b'"forests": [[[[{'),
    ],
)
def test_a_header_that_fits_no_forest_is_refused(tmp_path, changed):
    path = tmp_path / "model.npz"
    save_forests(path, [small_forest()])
    with np.load(path) as arrays:
        header = arrays["header"].tobytes()
    assert changed[0] in header
    rewrite(path, header=np.frombuffer(header.replace(*changed), np.uint8))
    with pytest.raises(ValueError, match=r"model\.npz: .*damaged"):
        load_forests(path)


def test_a_lone_array_is_refused(tmp_path):
    np.save(tmp_path / "model.npy", np.arange(3))
    with pytest.raises(ValueError, match="not a file made by save_forests"):
        load_forests(tmp_path / "model.npy")


def test_parameters_set_after_fitting_do_not_matter(tmp_path):
    forest = small_forest().set_params(n_estimators=7)
    save_forests(tmp_path / "model.npz", [forest])
    (loaded,) = load_forests(tmp_path / "model.npz")
    assert np.array_equal(loaded.grown_.trees.nodes, forest.grown_.trees.nodes)


def test_what_is_not_a_list_of_forests_is_refused(tmp_path):
    with pytest.raises(TypeError, match=r"save_forests\(path, \[forest\]\)"):
        save_forests(tmp_path / "model.npz", small_forest())
    with pytest.raises(TypeError, match="can only save"):
        save_forests(tmp_path / "model.npz", [DenseForest()])
    with pytest.raises(FileNotFoundError, match="absent does not exist"):
        save_forests(tmp_path / "absent" / "model.npz", [small_forest()])


def test_a_forest_that_is_not_fitted_cannot_be_saved(tmp_path):
    with pytest.raises(NotFittedError):
        save_forests(tmp_path / "model.npz", [RandomForestClassifier()])


def test_a_later_version_is_refused(tmp_path):
    path = tmp_path / "model.npz"
    save_forests(path, [small_forest()])
    with np.load(path) as arrays:
        header = arrays["header"].tobytes().replace(b'"version": 2', b'"version": 9')
    rewrite(path, header=np.frombuffer(header, np.uint8))
    with pytest.raises(ValueError, match="version 9"):
        load_forests(path)


def test_a_pickle_is_not_executed(tmp_path):
    path = tmp_path / "model.npz"
    bomb = np.array([Bomb(tmp_path / "executed")], dtype=object)
    np.savez(path, header=bomb)
    with pytest.raises(ValueError, match="not a file made by save_forests"):
        load_forests(path)
    assert not (tmp_path / "executed").exists()


class Bomb:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (type(self.path).touch, (self.path,))


def test_nothing_half_written_remains(tmp_path):
    forest = small_forest()
    forest.grown_ = forest.grown_._replace(classes=forest.classes_.astype(object))
    with pytest.raises(TypeError, match="cannot save labels"):
        save_forests(tmp_path / "model.npz", [forest])
    assert list(tmp_path.iterdir()) == []


def test_another_process_reads_the_same_forest(tmp_path):
    path = tmp_path / "model.npz"
    forest = small_forest()
    save_forests(path, [forest])
    code = (
        "import sys; from fidelity.forest import load_forests;"
        "print(load_forests(sys.argv[1])[0].predict([[1, 2, 3], [299, 0, 7]]).tolist())"
    )
    printed = subprocess.run(
        [sys.executable, "-c", code, path], capture_output=True, text=True, check=True
    ).stdout
    assert printed.strip() == str(forest.predict([[1, 2, 3], [299, 0, 7]]).tolist())


def test_the_archive_is_compressed_where_it_pays(tmp_path):
    save_forests(tmp_path / "model.npz", [small_forest()])
    with zipfile.ZipFile(tmp_path / "model.npz") as archive:
        methods = {member.filename: member.compress_type for member in archive.infolist()}
    assert methods.pop("0/leaf_class.npy") == zipfile.ZIP_STORED
    assert set(methods.values()) == {zipfile.ZIP_DEFLATED}
