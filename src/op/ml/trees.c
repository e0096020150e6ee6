/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* trees.c - building and walking trees: see trees.h. */
#include "op/ml/trees.h"
#include <math.h>
#include <string.h>

/* -------------------------------------------------------------------------------------------------------- building */

typedef struct {
    const tn_node *node;
    const tn_tree_source *s;
    tn_trees *t;
    int64_t n;      /* nodes placed */
    int64_t *from;  /* node of the source behind each placed one */
    int32_t *pair;  /* of each inner node of the source: where its two children lie; 0: not placed yet */
    int *height;    /* of each node of the source: the longest way to a leaf; UNSEEN, OPEN (on the way down) */
    int64_t *stack; /* the way down */
} builder;

enum { UNSEEN = -1, OPEN = -2 };

static tn_status check_source(const tn_node *n, const tn_tree_source *s) {
    for (int64_t i = 0; i < s->n; i++) {
        if (s->mode[i] > TN_TREE_LEAF)
            return tn_op_fail(n, TN_E_INVALID, "tree node %lld has no such mode", (long long)i);
        if (s->mode[i] == TN_TREE_LEAF) continue;
        if (s->yes[i] < 0 || s->yes[i] >= s->n || s->no[i] < 0 || s->no[i] >= s->n)
            return tn_op_fail(n, TN_E_INVALID, "tree node %lld has a child that does not exist", (long long)i);
        if (s->feature[i] < 0 || s->feature[i] > INT32_MAX)
            return tn_op_fail(n, TN_E_INVALID, "tree node %lld asks for feature %lld", (long long)i,
                              (long long)s->feature[i]);
        if (s->mode[i] == TN_TREE_MEMBER && !(s->split[i] >= 0 && s->split[i] < (double)s->n_sets))
            return tn_op_fail(n, TN_E_INVALID, "tree node %lld has no set of members", (long long)i);
    }
    for (int64_t i = 0; i < s->n_roots; i++)
        if (s->roots[i] < 0 || s->roots[i] >= s->n)
            return tn_op_fail(n, TN_E_INVALID, "tree %lld has no root", (long long)i);
    return TN_OK;
}

static void place(builder *b, int64_t at, int64_t i) {
    const tn_tree_source *s = b->s;
    tn_trees *t = b->t;
    bool leaf = s->mode[i] == TN_TREE_LEAF, missing = !leaf && s->missing && s->missing[i];
    b->from[at] = i;
    t->mode[at] = (uint8_t)(s->mode[i] | (missing ? 8 : 0));
    t->leaf[at] = i;
    t->node[at] =
        (tn_tree_node){ leaf ? NAN : s->split[i], leaf ? 0 : (uint32_t)s->feature[i], leaf ? (int32_t)at - 1 : 0 };
    if (leaf) return;
    t->plain &= s->mode[i] == TN_TREE_LEQ && !missing;
    if (t->features <= s->feature[i]) t->features = s->feature[i] + 1;
}

/* The longest way from a node to a leaf, of all nodes below it; a node met again on the way down makes a cycle. Chains
 * may be long, so there is no recursion. */
static tn_status measure(builder *b, int64_t root) {
    const tn_tree_source *s = b->s;
    int64_t n = 0;
    b->stack[n++] = root;
    while (n) {
        int64_t i = b->stack[n - 1], below[2] = { s->yes[i], s->no[i] };
        int most = -1;
        if (b->height[i] >= 0) { /* another way led here meanwhile */
            n--;
            continue;
        }
        for (int k = 0; k < 2 && s->mode[i] != TN_TREE_LEAF; k++) {
            int h = b->height[below[k]];
            if (h == OPEN)
                return tn_op_fail(b->node, TN_E_INVALID, "the trees have a cycle at node %lld", (long long)i);
            if (h == UNSEEN && most != OPEN) b->stack[n++] = below[k], most = OPEN;
            if (most != OPEN && h > most) most = h;
        }
        b->height[i] = most == OPEN ? OPEN : most + 1;
        if (most != OPEN) n--;
    }
    return TN_OK;
}

/* One tree in order of levels. A node that several branches lead to (exporters write a set of categories as a chain of
 * comparisons with one common target) is placed beside each one's sibling, but the pair of its children once: so every
 * inner node makes two places at most, however they share. */
static void place_tree(builder *b, int64_t root) {
    int64_t at = b->n;
    place(b, b->n++, root);
    for (; at < b->n; at++) {
        int64_t i = b->from[at];
        if (b->s->mode[i] == TN_TREE_LEAF) continue;
        if (!b->pair[i]) {
            b->pair[i] = (int32_t)b->n;
            place(b, b->n++, b->s->yes[i]);
            place(b, b->n++, b->s->no[i]);
        }
        b->t->node[at].child = b->pair[i];
    }
}

tn_status tn_trees_build(const tn_node *n, tn_arena *a, const tn_tree_source *s, tn_trees **out) {
    int64_t inner = 0;
    if (s->n_roots < 1) return tn_op_fail(n, TN_E_INVALID, "there are no trees");
    TN_TRY(check_source(n, s));
    for (int64_t i = 0; i < s->n; i++) inner += s->mode[i] != TN_TREE_LEAF;
    int64_t cap = 2 * inner + s->n_roots;
    if (cap >= INT32_MAX) return tn_op_fail(n, TN_E_LIMIT, "%lld tree nodes", (long long)s->n);
    builder b = { .node = n, .s = s };
    tn_trees *t = b.t = tn_arena_new_of(a, tn_trees);
    size_t room = (size_t)cap + 1;
    b.from = tn_arena_array(a, int64_t, room);
    b.pair = tn_arena_array(a, int32_t, (size_t)s->n + 1);
    b.height = tn_arena_array(a, int, (size_t)s->n + 1);
    b.stack = tn_arena_array(a, int64_t, (size_t)s->n + 2);
    if (t) {
        *t = (tn_trees){ .node = tn_arena_array(a, tn_tree_node, room),
                         .mode = tn_arena_array(a, uint8_t, room),
                         .leaf = b.from,
                         .root = tn_arena_array(a, int32_t, (size_t)s->n_roots + 1),
                         .depth = tn_arena_array(a, int, (size_t)s->n_roots + 1),
                         .n_trees = s->n_roots,
                         .plain = true,
                         .source = *s };
    }
    if (!t || !b.from || !b.pair || !b.height || !b.stack || !t->node || !t->mode || !t->root || !t->depth)
        return tn_op_fail(n, TN_E_NOMEM, "no memory for %lld tree nodes", (long long)cap);
    for (int64_t i = 0; i < s->n; i++) b.height[i] = UNSEEN;
    for (int64_t i = 0; i < s->n_roots; i++) {
        TN_TRY(measure(&b, s->roots[i]));
        t->root[i] = (int32_t)b.n;
        t->depth[i] = b.height[s->roots[i]];
        place_tree(&b, s->roots[i]);
    }
    *out = t;
    return TN_OK;
}

/* --------------------------------------------------------------------------------------------------------- walking */

static bool member(const tn_tree_source *s, double set, double v) {
    int64_t lo = s->sets[(int64_t)set], hi = s->sets[(int64_t)set + 1];
    while (lo < hi) {
        int64_t mid = (lo + hi) / 2;
        if (s->members[mid] < v)
            lo = mid + 1;
        else if (s->members[mid] > v)
            hi = mid;
        else
            return true;
    }
    return false;
}

static bool holds(const tn_trees *t, int64_t at, double v) {
    double split = t->node[at].split;
    if (v != v) { /* no comparison holds, except "differs" */
        return t->mode[at] & 8 || (t->mode[at] & 7) == TN_TREE_NEQ;
    }
    switch ((tn_tree_mode)(t->mode[at] & 7)) {
    case TN_TREE_LEQ: return v <= split;
    case TN_TREE_LT: return v < split;
    case TN_TREE_GTE: return v >= split;
    case TN_TREE_GT: return v > split;
    case TN_TREE_EQ: return v == split;
    case TN_TREE_NEQ: return v != split;
    case TN_TREE_MEMBER: return member(&t->source, split, v);
    case TN_TREE_LEAF: break;
    }
    return false;
}

/* Rows step together, so that the loads of one hide the wait for another's. */
static void walk_plain(const tn_tree_node *node, int32_t root, int depth, const double *const *x, int64_t *leaf) {
    int32_t at[8];
    for (int i = 0; i < 8; i++) at[i] = root;
    for (int d = 0; d < depth; d++)
        for (int i = 0; i < 8; i++) {
            const tn_tree_node *k = &node[at[i]];
            at[i] = k->child + !(x[i][k->feature] <= k->split);
        }
    for (int i = 0; i < 8; i++) leaf[i] = at[i];
}

enum { DEEP = 24 }; /* of a deeper tree most rows would wait at their leaves */

void tn_trees_walk(const tn_trees *t, int64_t tree, const double *const *x, int rows, int64_t *leaf) {
    int i = 0;
    for (; t->plain && t->depth[tree] <= DEEP && i + 8 <= rows; i += 8)
        walk_plain(t->node, t->root[tree], t->depth[tree], x + i, leaf + i);
    for (; i < rows; i++) {
        int64_t at = t->root[tree];
        if (t->plain) {
            while (t->mode[at] != TN_TREE_LEAF)
                at = t->node[at].child + !(x[i][t->node[at].feature] <= t->node[at].split);
        } else {
            while (t->mode[at] != TN_TREE_LEAF) at = t->node[at].child + !holds(t, at, x[i][t->node[at].feature]);
        }
        leaf[i] = at;
    }
    for (i = 0; i < rows; i++) leaf[i] = t->leaf[leaf[i]];
}
