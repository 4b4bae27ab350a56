#include "nodes.h"

/* Where the nodes, the leaves and the cells of a forest are that have been read so far. */
typedef struct {
    int64_t node, inner, leaf, cell;
} Place;

/* Write the nodes of a forest from their features (from 1, in preorder; 0 in leaves), the splits of
   its inner nodes and the numbers of classes of its leaves; also where its leaves start, and where
   those of each tree do. Return whether the nodes make up trees.

   In preorder the node after a leaf is the right child of the last inner node without one. Of
   those, `open_nodes` has room for as many as there are nodes. */
EXPORT bool link_nodes(int64_t n_trees, const int64_t *first_node, const uint16_t *feature,
                       const uint32_t *splits, const int32_t *leaf_classes,
                       const int32_t *leaf_class, int32_t *open_nodes, uint64_t *nodes,
                       int32_t *leaf_start, int64_t *first_leaf, int64_t *first_cell)
{
    Place now = {0, 0, 0, 0};
    for (int64_t t = 0; t < n_trees; t++) {
        Place first = now;
        int64_t n_open = 0;
        *leaf_start++ = 0;
        while (now.node < first_node[t + 1]) {
            int64_t node = now.node++;
            if (feature[node] > 0) {
                nodes[node] = make_inner(feature[node] - 1u, splits[now.inner++]);
                open_nodes[n_open++] = (int32_t)(node - first.node);
                continue;
            }
            int64_t only_class = leaf_classes[now.leaf] == 1 ? leaf_class[now.cell] : -1;
            nodes[node] = make_leaf(now.leaf - first.leaf, only_class);
            now.cell += leaf_classes[now.leaf++];
            *leaf_start++ = (int32_t)(now.cell - first.cell);
            uint64_t next = (uint64_t)(now.node - first.node);
            if (n_open > 0)
                nodes[first.node + open_nodes[--n_open]] |= next << RIGHT_SHIFT;
            else if (now.node != first_node[t + 1])
                return false;
        }
        bool complete = 2 * (now.leaf - first.leaf) == now.node - first.node + 1;
        if (!complete)
            return false; /* a right child is missing */
        first_leaf[t + 1] = now.leaf + t + 1;
        first_cell[t + 1] = now.cell;
    }
    return true;
}
