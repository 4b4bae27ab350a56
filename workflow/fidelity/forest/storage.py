"""Keep forests in a file: a zip of plain numpy arrays (`.npz`), nothing that executes.

A tree is written as its preorder: the feature of every node, the split of every inner node,
the classes and weights of every leaf. Children are not written; they follow from the order,
so a file cannot point outside of its arrays.
"""

import json
import zipfile
from pathlib import Path

import numpy as np

from ..compiling import Compiled
from ..files import whole_file
from .growing import LEAF, SPLIT_MASK, SPLIT_SHIFT
from .grown import HIGHEST_LEVEL, MOST_ROWS, GrownForest
from .querying import Forest, firsts

FORMAT = "fidelity.forest"
VERSION = 2

# Compressed it would be a tenth smaller, which takes two fifths of the time of all.
_STORED = {"leaf_class"}
_LABEL_KINDS = "biufU"
_ZIP64_BYTES = 1 << 30  # a member that could be too large for other zips

_compiled = Compiled(__file__)


def save_forests(path, forests):
    """Write fitted forests (the repeats of an experiment, say) to one file.

    The file appears whole or not at all. It holds the parameters, the labels of classes and
    groups, and the trees. A `random_state` that is not an integer is saved as None; the seeds
    of the trees are always saved.

    Parameters
    ----------
    path : str or path
    forests : sequence of fitted RandomForestClassifier

    Raises
    ------
    TypeError
        If something else than a list of these forests is given, or labels are neither numbers
        nor strings.
    FileNotFoundError
        If there is no such folder.
    """
    from sklearn.base import BaseEstimator
    from sklearn.utils.validation import check_is_fitted

    from .classifier import RandomForestClassifier

    if isinstance(forests, BaseEstimator):
        raise TypeError("forests must be a list of forests: save_forests(path, [forest])")
    forests = list(forests)
    for forest in forests:
        if not isinstance(forest, RandomForestClassifier):
            raise TypeError(
                f"can only save fidelity.forest.RandomForestClassifier, got {type(forest)}"
            )
        check_is_fitted(forest)
    notes = [
        {
            "parameters": _plain_parameters(forest),
            "feature_names": [str(name) for name in getattr(forest, "feature_names_in_", [])],
        }
        for forest in forests
    ]
    save_grown(path, [forest.grown_ for forest in forests], notes)


def load_forests(path):
    """Return the list of forests that `save_forests` wrote to a file.

    Raises
    ------
    FileNotFoundError
    ValueError
        If the file is damaged, of another kind, or of a version that this one cannot read.
    """
    from .classifier import RandomForestClassifier

    forests = []
    for grown, note in load_grown(path):
        try:
            forest = RandomForestClassifier(**note["parameters"])
            forest._validate_params()
            names = note["feature_names"]
            if names and len(names) != grown.n_features:
                raise ValueError("its names of features do not fit")
        except Exception as error:
            raise _damaged(path, error) from error
        if names:
            forest.feature_names_in_ = np.array(names, dtype=object)
        forest.grown_, forest.classes_ = grown, grown.classes
        forest.n_features_in_ = grown.n_features
        forests.append(forest)
    return forests


def save_grown(path, forests, notes=None):
    """Write `GrownForest`s to one file, whole or not at all.

    Parameters
    ----------
    path : str or path
    forests : iterable of GrownForest
        No two need to be in memory at once.
    notes : sequence of dict, optional
        What else is to be kept with each, as JSON.

    Raises
    ------
    TypeError
        If labels are neither numbers nor strings.
    FileNotFoundError
        If there is no such folder.
    """
    path = Path(path)
    if not path.parent.is_dir():
        raise FileNotFoundError(f"{path}: the folder {path.parent} does not exist")
    headers = []
    # Members have no date, so the same forests make the same bytes. Level 1: the default takes five
    # times as long and saves 7 %.
    with (
        whole_file(path) as partial,
        zipfile.ZipFile(partial, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive,
    ):
        for forest in forests:
            headers.append(_write_forest(archive, len(headers), forest))
            del forest  # before the next is grown
        header = {
            "format": FORMAT,
            "version": VERSION,
            "forests": headers,
            "notes": [{}] * len(headers) if notes is None else notes,
        }
        text = json.dumps(header, sort_keys=True).encode()
        _write_member(archive, "header", np.frombuffer(text, dtype=np.uint8))


def _write_forest(archive, number, forest):
    """Write the arrays of a forest, and return what else is to be known of it."""
    header, members = _describe(forest)
    for name, array in members.items():
        _write_member(archive, f"{number}/{name}", array)
    return header


def _write_member(archive, name, array):
    is_stored = name.rpartition("/")[2] in _STORED
    member = zipfile.ZipInfo(f"{name}.npy") if is_stored else f"{name}.npy"
    with archive.open(member, "w", force_zip64=array.nbytes >= _ZIP64_BYTES) as file:
        np.lib.format.write_array(file, array, allow_pickle=False)


def load_grown(path):
    """Yield each (forest, note) that `save_grown` wrote to a file.

    Raises
    ------
    FileNotFoundError
    ValueError
        If the file is damaged, of another kind, or of a version that this one cannot read.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"{path}: there is no such file of forests.")
    # Whatever the bytes of a foreign file make the readers raise, it is the file's fault.
    with open(path, "rb") as file:
        try:
            archive = np.load(file, allow_pickle=False)
            header = json.loads(archive["header"].tobytes())
            found = header["format"], header["version"]
        except Exception as error:
            raise ValueError(
                f"{path}: not a file made by save_forests, or damaged ({type(error).__name__})."
            ) from error
        if found != (FORMAT, VERSION):
            raise ValueError(
                f"{path}: holds {found[0]!r} version {found[1]!r}, but {FORMAT!r} version "
                f"{VERSION} is what can be read; train the model again with this version."
            )
        try:
            pairs = list(zip(header["forests"], header["notes"], strict=True))
        except Exception as error:
            raise _damaged(path, error) from error
        for i, (one, note) in enumerate(pairs):
            # Not named, so that who asked is the only one to hold it.
            yield _rebuild_or_blame(path, one, archive, i), note


def _rebuild_or_blame(path, header, archive, number):
    try:
        return _rebuild(header, archive, number)
    except Exception as error:
        raise _damaged(path, error) from error


def _damaged(path, error):
    return ValueError(f"{path}: the file of forests is damaged ({error}); train the model again.")


def _plain_parameters(forest):
    """Return the parameters of a forest as JSON takes them."""
    parameters = forest.get_params()
    if not isinstance(parameters["random_state"], (int, np.integer)):
        parameters["random_state"] = None
    return {
        key: value.item() if isinstance(value, np.generic) else value
        for key, value in parameters.items()
    }


def _describe(forest):
    """Return (what is written in words, what is written as arrays) of a grown forest."""
    trees = forest.trees
    # The lowest bits are the feature; from 1 here, so that a byte mostly does, and 0 in leaves.
    feature = trees.nodes.astype(np.uint16) + np.uint16(1)
    split = (trees.nodes[feature > 0] >> SPLIT_SHIFT) & SPLIT_MASK
    members = {
        "classes": _plain(forest.classes),
        "tree_seeds": forest.tree_seeds,
        "nodes": np.diff(trees.first_node),
        "feature": feature,
        "split": split,
        "leaf_classes": np.delete(np.diff(trees.leaf_start), trees.first_leaf[1:-1] - 1),
        "leaf_class": trees.leaf_class,
        "leaf_weight": trees.leaf_weight,
    }
    if forest.groups is not None:
        members["groups"] = forest.groups
    members = {
        name: array if name in ("classes", "groups") else _narrow(array)
        for name, array in members.items()
    }
    header = {
        "features": forest.n_features,
        "rows": forest.n_rows,
        "drawn": forest.n_drawn,
        "classes_are_objects": forest.classes.dtype == object,
    }
    return header, members


def _plain(labels):
    """Return labels as an array without objects."""
    if labels.dtype == object and all(isinstance(label, str) for label in labels):
        labels = labels.astype(str)
    if labels.dtype.kind not in _LABEL_KINDS:
        raise TypeError(
            f"cannot save labels such as {labels[0]!r} ({labels.dtype}): only arrays of numbers "
            "and of text are plain."
        )
    return labels


def _narrow(array):
    """Return non-negative integers in the smallest little-endian type that holds them."""
    highest = int(array.max(initial=0))
    for code in ("<u1", "<u2", "<u4"):
        if highest <= np.iinfo(code).max:
            return array.astype(code)
    return array.astype("<u8")


def _rebuild(header, archive, number):
    """Return a forest from what `_describe` made of it.

    Raises
    ------
    ValueError
        If the arrays do not make up a forest.
    """

    def labels(name, kinds=_LABEL_KINDS):
        array = archive[f"{number}/{name}"]
        if array.ndim != 1 or array.dtype.kind not in kinds:
            raise ValueError(f"{number}/{name} is {array.dtype} of shape {array.shape}")
        return array

    def numbers(name, lowest, highest):
        # Checked as they are in the file: a narrower type could wrap them into the range.
        array = labels(name, "u")
        if array.min(initial=lowest) < lowest or array.max(initial=lowest) > highest:
            raise ValueError(f"{number}/{name} holds numbers outside of {lowest} to {highest}")
        return array

    classes = labels("classes")
    if header["classes_are_objects"]:
        classes = classes.astype(object)
    groups = labels("groups") if f"{number}/groups" in archive else None
    tree_seeds = numbers("tree_seeds", 0, np.iinfo(np.int32).max).astype(np.int64)
    n_features, n_rows, n_drawn = (int(header[key]) for key in ("features", "rows", "drawn"))
    if not (1 <= n_features <= LEAF and 1 <= n_rows <= MOST_ROWS and 0 <= n_drawn <= MOST_ROWS):
        raise ValueError("its numbers of features or rows are impossible")

    feature = numbers("feature", 0, n_features).astype(np.uint16)
    nodes = numbers("nodes", 1, len(feature))
    splits = numbers("split", 0, 2 * HIGHEST_LEVEL).astype(np.uint32)
    leaf_class = numbers("leaf_class", 0, len(classes) - 1).astype(np.int32)
    leaf_weight = numbers("leaf_weight", 1, np.iinfo(np.int32).max).astype(np.int32)
    leaf_classes = numbers("leaf_classes", 1, len(leaf_class)).astype(np.int32)
    n_trees, n_leaves = len(tree_seeds), np.count_nonzero(feature == 0)
    fitting = (
        len(nodes) == n_trees > 0
        and len(classes) > 0
        and nodes.sum() == len(feature)
        and len(splits) == len(feature) - n_leaves
        and len(leaf_classes) == n_leaves
        and leaf_classes.sum() == len(leaf_class) == len(leaf_weight)
    )
    if not fitting:
        raise ValueError("its arrays do not fit together")
    trees = Forest(
        first_node=firsts(nodes),
        first_leaf=np.zeros(n_trees + 1, dtype=np.int64),
        first_cell=np.zeros(n_trees + 1, dtype=np.int64),
        nodes=np.empty(len(feature), dtype=np.uint64),
        leaf_start=np.empty(n_leaves + n_trees, dtype=np.int32),
        leaf_class=leaf_class,
        leaf_weight=leaf_weight,
    )
    linked = _compiled.link_nodes(
        n_trees,
        trees.first_node,
        feature,
        splits,
        leaf_classes,
        leaf_class,
        np.empty(len(feature), dtype=np.int32),
        trees.nodes,
        trees.leaf_start,
        trees.first_leaf,
        trees.first_cell,
    )
    if not linked:
        raise ValueError("its nodes do not make up trees")
    return GrownForest(trees, classes, n_features, n_rows, n_drawn, tree_seeds, groups)
