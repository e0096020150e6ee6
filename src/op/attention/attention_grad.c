/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* attention_grad.c - gradients of attention and rotary embeddings: written out, and differentiated through that. */
#include "op/attention/grads.h"
#include <string.h>

/* [batch, rows, heads size] as [batch, heads, rows, size]; those of 4 dimensions are so already. */
static void planes(tn_grad *g, const char *name, int input, int64_t heads) {
    if (tn_grad_rank(g, tn_grad_x(g, input)) == 4)
        tn_grad_let(g, name, tn_grad_x(g, input));
    else
        tn_grad_let(g, name,
                    tn_grad_formula(g, "Transpose{perm=[0, 2, 1, 3]}(Reshape(x%d, [0, 0, %lld, -1]))", input,
                                    (long long)heads));
}

/* ------------------------------------------------------------------------------------------------------- Attention */

/* Key and value heads are repeated for the query heads that share them. */
static void repeat(tn_grad *g, const char *name) {
    tn_grad_let(
        g, name,
        tn_grad_formula(g,
                        "one = Unsqueeze(%s, [2]); full = Concat{axis=0}(Gather(Shape(%s), [0, 1]), shared, "
                        "Gather(Shape(%s), [2, 3]));"
                        "Reshape(Expand(one, full), Concat{axis=0}(Gather(Shape(%s), [0]), Gather(Shape(q), [1]),"
                        " Gather(Shape(%s), [2, 3])))",
                        name, name, name, name, name));
}

/* s: the scores of q and k; 0 stands for the usual scale, 1 / sqrt(size). */
static void score(tn_grad *g, double scale) {
    if (scale != 0)
        tn_grad_let_number(g, "scale", scale);
    else
        tn_grad_formula(g, "scale = 1 / Sqrt(CastLike(Gather(Shape(q), [3]), q))");
    tn_grad_formula(g, "s = MatMul(q * scale, Transpose{perm=[0, 1, 3, 2]}(k)); never = -1 / CastLike(0, s)");
}

static tn_value *capped(tn_grad *g, double cap) {
    if (cap <= 0) return tn_grad_formula(g, "s");
    tn_grad_let_number(g, "cap", cap);
    return tn_grad_formula(g, "s = cap * Tanh(s / cap)");
}

/* i, j: rows and keys by their places, a column and a line; past [1] or [batch, 1, 1, 1]: where the rows begin. */
static void places(tn_grad *g) {
    tn_grad_formula(g, "i = Unsqueeze(Range(#0, Squeeze(Gather(Shape(s), [2]), [0]), #1), [1]) + past;"
                       "j = Unsqueeze(Range(#0, Squeeze(Gather(Shape(s), [3]), [0]), #1), [0])");
}

/* p: the softmax of s; zeros where a row sees nothing. */
static tn_value *weights(tn_grad *g) {
    return tn_grad_formula(g, "blind = Equal(ReduceMax{keepdims=1}(s, [-1]), never); zero = CastLike(0, s);"
                              "p = Where(blind, zero, Softmax{axis=-1}(Where(blind, zero, s)))");
}

/* out: the weighted values, as rows where y is. */
static tn_value *weighted(tn_grad *g, bool flat) {
    tn_grad_formula(g, "out = MatMul(CastLike(p, v), v)");
    return tn_grad_formula(g, flat ? "Reshape{allowzero=1}(Transpose{perm=[0, 2, 1, 3]}(out), Shape(y))" : "out");
}

static void share(tn_grad *g) {
    tn_grad_formula(g, "shared = Gather(Shape(q), [1]) / Gather(Shape(k), [1])");
    repeat(g, "k");
    repeat(g, "v");
}

tn_status tn_grad_attention(tn_grad *g) {
    const tn_node *n = g->node;
    tn_node *mark = tn_grad_mark(g);
    tn_value *ys[4] = { 0 }, *seen[4], *mask = tn_grad_x(g, 3);
    bool flat = tn_grad_rank(g, tn_grad_x(g, 0)) == 3;
    int64_t heads = tn_attr_int(n, "q_num_heads", 0), shared = tn_attr_int(n, "kv_num_heads", 0);
    planes(g, "q", 0, heads);
    planes(g, "k", 1, shared);
    planes(g, "v", 2, shared);
    tn_grad_formula(g, "past = [0]");
    if (tn_grad_x(g, 4))
        tn_grad_formula(g, "past = Gather(Shape(x4), [2]); k = Concat{axis=2}(x4, k); v = Concat{axis=2}(x5, v)");
    ys[1] = tn_grad_formula(g, "k");
    ys[2] = tn_grad_formula(g, "v");
    share(g);
    score(g, tn_attr_find(n, "scale") ? (double)tn_attr_float(n, "scale", 1) : 0);
    seen[0] = tn_grad_formula(g, "s");
    seen[1] = capped(g, (double)tn_attr_float(n, "softcap", 0));
    if (mask && mask->type.dtype == TN_BOOL)
        tn_grad_formula(g, "s = Where(x3, s, never)");
    else if (mask)
        tn_grad_formula(g, "s = s + x3");
    if (tn_grad_x(g, 6)) tn_grad_formula(g, "ends = Unsqueeze(x6, [1, 2, 3]); past = ends - Gather(Shape(s), [2])");
    places(g);
    if (tn_grad_x(g, 6)) tn_grad_formula(g, "s = Where(Less(j, ends), s, never)");
    if (tn_attr_int(n, "is_causal", 0)) tn_grad_formula(g, "s = Where(Less(i, j), never, s)");
    int64_t left = tn_attr_int(n, "left_window_size", -1), right = tn_attr_int(n, "right_window_size", -1);
    if (left >= 0) tn_grad_formula(g, "s = Where(Less(j + [%lld], i), never, s)", (long long)left);
    if (right >= 0) tn_grad_formula(g, "s = Where(Less(i + [%lld], j), never, s)", (long long)right);
    seen[2] = tn_grad_formula(g, "s");
    seen[3] = weights(g);
    ys[0] = weighted(g, flat);
    ys[3] = seen[tn_attr_int(n, "qk_matmul_output_mode", 0) & 3];
    tn_grad_through(g, mark, ys, 4);
    return g->st;
}

/* ---------------------------------------------------------------------------------------------- MultiHeadAttention */

/* q, k, v as [batch, rows, heads, size], keys and values perhaps as planes. */
static bool unpacked(tn_grad *g, long long heads) {
    int k = tn_grad_x(g, 1) ? tn_grad_rank(g, tn_grad_x(g, 1)) : 0;
    static const char part[] = "%s = Squeeze(Slice(%s, [%d], [%d], [3]), [3])";
    if (!k) {
        const char *const names[] = { "q", "k", "v" };
        for (int i = 0; i < 3; i++) tn_grad_formula(g, part, names[i], "x0", i, i + 1);
        return false;
    }
    tn_grad_formula(g, "q = Reshape(x0, [0, 0, %lld, -1])", heads);
    if (k == 5) {
        tn_grad_formula(g, part, "k", "x1", 0, 1);
        tn_grad_formula(g, part, "v", "x1", 1, 2);
    } else if (k == 4) {
        tn_grad_formula(g, "k = x1; v = x2");
    } else {
        tn_grad_formula(g, "k = Reshape(x1, [0, 0, %lld, -1]); v = Reshape(x2, [0, 0, %lld, -1])", heads, heads);
    }
    return k == 4;
}

/* seen: which keys count, as the mask's form says; it broadcasts with s. */
static void padding(tn_grad *g) {
    const tn_type *m = &tn_grad_x(g, 4)->type, *q = &tn_grad_x(g, 0)->type;
    int rank = tn_grad_rank(g, tn_grad_x(g, 4));
    if (rank == 2) tn_grad_formula(g, "seen = Unsqueeze(Greater(x4, CastLike(0, x4)), [1, 2])");
    if (rank == 3) tn_grad_formula(g, "seen = Unsqueeze(Greater(x4, CastLike(0, x4)), [1])");
    if (rank == 4) /* a square one for the longest sequence: the rows behind the past */
        tn_grad_formula(g, "seen = Slice(Greater(x4, CastLike(0, x4)), Concat{axis=0}(past, [0]),"
                           " Concat{axis=0}(past + Gather(Shape(s), [2]), Gather(Shape(s), [3])), [2, 3])");
    if (rank != 1) return;
    if (!tn_dim_known(m->dims[0]) || !tn_dim_known(q->dims[0])) {
        tn_grad_fail(g, TN_E_UNSUPPORTED, "how many lengths and sentences there are must be known");
        return;
    }
    tn_grad_formula(g, "n = Gather(Shape(q), [0]); ends = Cast{to=7}(x4);"
                       "seen = Less(j, Unsqueeze(Slice(ends, [0], n, [0]), [1, 2, 3]))");
    if (m->dims[0] == 2 * q->dims[0])
        tn_grad_formula(g, "seen = And(seen, GreaterOrEqual(j, Unsqueeze(Slice(ends, n, n + n, [0]), [1, 2, 3])))");
}

tn_status tn_grad_multi_head(tn_grad *g) {
    const tn_node *n = g->node;
    tn_node *mark = tn_grad_mark(g);
    tn_value *ys[4] = { 0 };
    if (tn_grad_x(g, 8))
        return tn_op_fail(n, TN_E_UNSUPPORTED, "its gradient: not with past and present in one buffer");
    long long heads = (long long)tn_attr_int(n, "num_heads", 1);
    bool cached = unpacked(g, heads); /* keys and values of an earlier call: the bias is in them */
    if (tn_grad_x(g, 3)) {
        tn_grad_formula(g,
                        "wide = Gather(Shape(q), [3]) * [%lld];"
                        "q = q + Reshape(Slice(x3, [0], wide, [0]), [%lld, -1])",
                        heads, heads);
        if (!cached)
            tn_grad_formula(g,
                            "k = k + Reshape(Slice(x3, wide, wide + wide, [0]), [%lld, -1]);"
                            "v = v + Reshape(Slice(x3, wide + wide, [%d], [0]), [%lld, -1])",
                            heads, INT32_MAX, heads);
    }
    tn_grad_formula(g, "past = [0]; q = Transpose{perm=[0, 2, 1, 3]}(q)");
    if (!cached) tn_grad_formula(g, "k = Transpose{perm=[0, 2, 1, 3]}(k); v = Transpose{perm=[0, 2, 1, 3]}(v)");
    if (tn_grad_x(g, 6))
        tn_grad_formula(g, "past = Gather(Shape(x6), [2]); k = Concat{axis=2}(x6, k); v = Concat{axis=2}(x7, v)");
    ys[1] = tn_grad_formula(g, "k");
    ys[2] = tn_grad_formula(g, "v");
    score(g, (double)tn_attr_float(n, "scale", 0));
    places(g);
    if (tn_grad_x(g, 4)) {
        padding(g);
        tn_grad_let_number(g, "filter", (double)tn_attr_float(n, "mask_filter_value", -10000));
        tn_grad_formula(g, "s = Where(seen, s, s + filter)");
    }
    if (tn_grad_x(g, 5)) tn_grad_formula(g, "s = s + x5");
    if (tn_attr_int(n, "unidirectional", 0)) tn_grad_formula(g, "s = Where(Less(i, j), never, s)");
    ys[3] = tn_grad_formula(g, "s");
    weights(g);
    ys[0] = weighted(g, true);
    tn_grad_through(g, mark, ys, 4);
    return g->st;
}

/* ------------------------------------------------------------------------------------------------- RotaryEmbedding */

/* v [batch, heads, rows, size], turned in place by cosines c and sines s [batch or 1, rows, half]. */
static void turn(tn_grad *g, const char *v, const char *c, const char *s, bool interleaved) {
    tn_grad_formula(g,
                    "half = Gather(Shape(%s), [-1]); both = half + half;"
                    "cos = Unsqueeze(%s, [1]); sin = Unsqueeze(%s, [1]);"
                    "part = Slice(%s, [0], both, [3]); rest = Slice(%s, both, [%d], [3])",
                    c, c, s, v, v, INT32_MAX);
    if (interleaved)
        tn_grad_formula(g,
                        "a = Slice(part, [0], [%d], [3], [2]); b = Slice(part, [1], [%d], [3], [2]);"
                        "u = Concat{axis=4}(Unsqueeze(cos * a - sin * b, [4]), Unsqueeze(sin * a + cos * b, [4]));"
                        "turned = Reshape{allowzero=1}(u, Shape(part))",
                        INT32_MAX, INT32_MAX);
    else
        tn_grad_formula(g, "a = Slice(part, [0], half, [3]); b = Slice(part, half, both, [3]);"
                           "turned = Concat{axis=3}(cos * a - sin * b, sin * a + cos * b)");
    tn_grad_formula(g, "%s = Concat{axis=3}(turned, rest)", v);
}

tn_status tn_grad_rotary(tn_grad *g) {
    const tn_node *n = g->node;
    tn_node *mark = tn_grad_mark(g);
    bool contrib = !strcmp(n->domain, "com.microsoft"), flat = tn_grad_rank(g, tn_grad_x(g, 0)) == 3;
    int ids = contrib ? 1 : 3;
    int64_t heads = tn_attr_int(n, "num_heads", 0);
    tn_grad_let(g, "c", tn_grad_x(g, contrib ? 2 : 1));
    tn_grad_let(g, "s", tn_grad_x(g, contrib ? 3 : 2));
    tn_grad_formula(g, "half = Gather(Shape(c), [-1]); both = half + half");
    if (flat && heads == 0)
        tn_grad_formula(g, "v = Transpose{perm=[0, 2, 1, 3]}(Reshape(x, Concat{axis=0}([0, 0, -1], both)))");
    else
        planes(g, "v", 0, heads);
    if (contrib && tn_grad_rank(g, tn_grad_x(g, ids)) < 2) /* one number: where the rows begin */
        tn_grad_formula(g, "at = Reshape(x1, [1]) + Range(#0, Squeeze(Gather(Shape(v), [2]), [0]), #1);"
                           "c = Unsqueeze(Gather(c, at), [0]); s = Unsqueeze(Gather(s, at), [0])");
    else if (tn_grad_x(g, ids))
        tn_grad_formula(g, "c = Gather(c, x%d); s = Gather(s, x%d)", ids, ids);
    turn(g, "v", "c", "s", tn_attr_int(n, "interleaved", 0) != 0);
    tn_value *y = tn_grad_formula(g, "v");
    if (flat) y = tn_grad_formula(g, "Reshape{allowzero=1}(Transpose{perm=[0, 2, 1, 3]}(v), Shape(x))");
    tn_grad_through(g, mark, &y, 1);
    return g->st;
}

/* --------------------------------------------------------------------------------------------- GroupQueryAttention */

/* all: the cache after this call - row j is an old one, a new one, or zeros, as the lengths say. */
static void extended(tn_grad *g, const char *all, const char *fresh, int old) {
    if (tn_grad_x(g, old))
        tn_grad_formula(g, "line = Concat{axis=2}(x%d, %s)", old, fresh);
    else
        tn_grad_formula(g, "line = %s", fresh);
    tn_grad_formula(g,
                    "shape = Concat{axis=0}(Gather(Shape(line), [0, 1]), keys, Gather(Shape(line), [3]));"
                    "%s = Where(full, GatherElements{axis=2}(line, Expand(from, shape)), CastLike(0, line))",
                    all);
}

tn_status tn_grad_group_query(tn_grad *g) {
    const tn_node *n = g->node;
    tn_node *mark = tn_grad_mark(g);
    tn_value *ys[4] = { 0 }, *kept[3] = { 0 };
    long long heads = (long long)tn_attr_int(n, "num_heads", 1), kv = (long long)tn_attr_int(n, "kv_num_heads", 1);
    long long window = (long long)tn_attr_int(n, "local_window_size", -1);
    if (tn_attr_int(n, "sliding_window_cache", 0) || tn_grad_x(g, 12))
        return tn_op_fail(n, TN_E_UNSUPPORTED, "its gradient: not with a cache of codes or windows");
    if (tn_grad_x(g, 1))
        tn_grad_formula(g,
                        "q = Reshape(x0, [0, 0, %lld, -1]); k = Reshape(x1, [0, 0, %lld, -1]);"
                        "v = Reshape(x2, [0, 0, %lld, -1])",
                        heads, kv, kv);
    else
        tn_grad_formula(g,
                        "u = Reshape(x0, [0, 0, %lld, -1]); q = Slice(u, [0], [%lld], [2]);"
                        "k = Slice(u, [%lld], [%lld], [2]); v = Slice(u, [%lld], [%lld], [2])",
                        heads + 2 * kv, heads, heads, heads + kv, heads + kv, heads + 2 * kv);
    if (tn_grad_x(g, 14)) {
        double epsilon = (double)tn_attr_float(n, "qk_norm_epsilon", 1e-6f);
        tn_grad_formula(g, "q = RMSNormalization{epsilon=%#.9g}(q, x14); k = RMSNormalization{epsilon=%#.9g}(k, x15)",
                        epsilon, epsilon);
    }
    tn_grad_formula(g, "q = Transpose{perm=[0, 2, 1, 3]}(q); k = Transpose{perm=[0, 2, 1, 3]}(k);"
                       "v = Transpose{perm=[0, 2, 1, 3]}(v); rows = Gather(Shape(q), [2]);"
                       "total = Reshape(Cast{to=7}(x6), [1]); ends = Reshape(Cast{to=7}(x5), [-1, 1, 1, 1]) + [1]");
    if (tn_grad_x(g, 3))
        tn_grad_formula(g, "room = Gather(Shape(x3), [2]); past = Where(Equal(rows, total), [0], ends - rows)");
    else
        tn_grad_formula(g, "room = [0]; past = ends * [0]");
    tn_grad_formula(g, "i = Unsqueeze(Range(#0, Squeeze(rows, [0]), #1), [1]) + past"); /* [batch, 1, rows, 1] */
    if (tn_attr_int(n, "do_rotary", 0)) {
        if (tn_grad_x(g, 9))
            tn_grad_formula(g, "at = Reshape(Cast{to=7}(x9), Concat{axis=0}([-1], rows));" /* of a prompt the first */
                               "from = Slice(Reshape(at, [-1]), [0], [1], [0]) + Squeeze(i, [1, 3]);"
                               "at = Where(Equal(rows, total), from, at)");
        else
            tn_grad_formula(g, "at = Squeeze(i, [1, 3])");
        tn_grad_formula(g,
                        "at = Max(#0, Min(at, Gather(Shape(x7), [0]) - [1])); c = Gather(x7, at); t = Gather(x8, at)");
        turn(g, "q", "c", "t", tn_attr_int(n, "rotary_interleaved", 0) != 0);
        turn(g, "k", "c", "t", tn_attr_int(n, "rotary_interleaved", 0) != 0);
    }
    tn_grad_formula(g, "keys = Max(total, room); slot = Unsqueeze(Range(#0, Squeeze(keys, [0]), #1), [1]);"
                       "new = Min(Max(slot - past, #0), rows - [1]);"
                       "from = Where(Less(slot, past), slot, room + new); full = Less(slot, past + rows)");
    extended(g, "k", "k", 3);
    extended(g, "v", "v", 4);
    ys[1] = tn_grad_formula(g, "k");
    ys[2] = tn_grad_formula(g, "v");
    tn_grad_formula(g, "k = Slice(k, [0], total, [2]); v = Slice(v, [0], total, [2])");
    share(g);
    score(g, (double)tn_attr_float(n, "scale", 0));
    capped(g, (double)tn_attr_float(n, "softcap", 0));
    if (tn_grad_x(g, 10)) tn_grad_formula(g, "s = s + x10");
    tn_grad_formula(g, "j = Unsqueeze(Range(#0, Squeeze(total, [0]), #1), [0]); seen = Less(j, ends)");
    if (tn_attr_int(n, "causal", 1)) tn_grad_formula(g, "seen = And(seen, LessOrEqual(j, i))");
    if (window > 0) tn_grad_formula(g, "seen = And(seen, Greater(j, i - [%lld]))", window);
    kept[1] = tn_grad_formula(g, "Where(seen, s, CastLike(0, s))"); /* what is hidden counts as 0 there */
    tn_grad_formula(g, "s = Where(seen, s, never)");
    bool sink = tn_grad_x(g, 11) || tn_attr_int(n, "smooth_softmax", 0) == 1;
    if (sink) /* one more score per row, whose weight goes nowhere */
        tn_grad_formula(g,
                        "column = Concat{axis=0}(Gather(Shape(s), [0, 1, 2]), [1]);"
                        "s = Concat{axis=3}(s, Expand(%s, column))",
                        tn_grad_x(g, 11) ? "Reshape(x11, [1, -1, 1, 1])" : "CastLike(0, s)");
    weights(g);
    if (sink) tn_grad_formula(g, "p = Slice(p, [0], total, [3])");
    kept[2] = tn_grad_formula(g, "p");
    ys[0] = weighted(g, true);
    ys[3] = kept[tn_attr_int(n, "qk_output", 0) % 3];
    tn_grad_through(g, mark, ys, 4);
    return g->st;
}

/* ----------------------------------------------------------------------------------------------- FlexAttention */

/* Named value: what the subgraph makes of it; a subgraph that is absent leaves it. */
static void modified(tn_grad *g, const char *attr, const char *name) {
    const tn_graph *sub = tn_attr_graph(g->node, attr);
    tn_value *in = tn_grad_formula(g, "%s", name), *out = NULL;
    if (!sub || g->st != TN_OK) return;
    tn_node *last = tn_grad_mark(g);
    g->st = tn_graph_inline(g->graph, g->before, sub, &in, attr, &out);
    tn_node *first = last ? last->next : g->graph->first;
    for (tn_node *k = first; k && k != g->before && g->st == TN_OK; k = k->next) tn_build_typed(&g->build, k);
    tn_grad_let(g, name, out);
}

tn_status tn_grad_flex(tn_grad *g) {
    tn_node *mark = tn_grad_mark(g);
    const tn_node *n = g->node;
    int64_t precision = tn_attr_int(n, "softmax_precision", 0);
    tn_grad_formula(g, "q = x0; k = x1; v = x2");
    share(g);
    score(g, tn_attr_find(n, "scale") ? (double)tn_attr_float(n, "scale", 1) : 0);
    if (precision) tn_grad_formula(g, "s = Cast{to=%lld}(s)", (long long)precision);
    modified(g, "score_mod", "s");
    tn_grad_formula(g, "p = Softmax{axis=-1}(s)");
    modified(g, "prob_mod", "p");
    tn_value *y = tn_grad_formula(g, "CastLike(MatMul(CastLike(p, v), v), v)");
    tn_grad_through(g, mark, &y, 1);
    return g->st;
}
