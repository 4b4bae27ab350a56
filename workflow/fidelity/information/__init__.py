"""How much an observation tells about its holder, in bits: MI(H; O) and its neighbours.

The holder H is one of two with equal priors, an observation O falls into one cell of a
histogram (paper, section 7). `histograms` counts what the holders have. `hypothetical` holds
the plug-in estimate eHI, at least MI on average; `perceived` the cross-validated ePI, at most
MI; `entropies` and `corrected` what is in between. `jackknife` gives intervals, `permutation`
what no difference between the holders would look like. `estimators` puts them together, and
`report` all that is told. `divergences` are what else tells two histograms
apart, and `observations` says how many observations that takes.

With A and T as the holders this is about which holder an observation came from. It does not
bound what an attack on the model m_T learns about membership; with the members and the
non-members among A's users as the holders, and what the model answered in the cells, it
speaks of that.
"""

from .estimate import Bracket, Information, bracket
from .estimators import ENTROPIES, estimate_all
from .histograms import (
    Holders,
    Tally,
    count_cells,
    count_held,
    make_holders,
    number_cells,
    tally_users,
)
from .hypothetical import plug_in

__all__ = [
    "ENTROPIES",
    "Bracket",
    "Holders",
    "Information",
    "Tally",
    "bracket",
    "count_cells",
    "count_held",
    "estimate_all",
    "make_holders",
    "number_cells",
    "plug_in",
    "tally_users",
]
