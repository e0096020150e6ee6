/* grad_attention.c - gradients of attention and rotary embeddings: written out, and differentiated through that. */
#include "op/grad.h"
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

tn_status tn_grad_attention(tn_grad *g) {
    const tn_node *n = g->node;
    tn_node *mark = tn_grad_mark(g);
    tn_value *ys[3] = { 0 }, *mask = tn_grad_x(g, 3);
    if (tn_grad_x(g, 6)) return tn_op_fail(n, TN_E_UNSUPPORTED, "its gradient: not with lengths of a cache outside");
    if (n->n_outputs > 3 && g->dy[3]) return tn_op_fail(n, TN_E_UNSUPPORTED, "its gradient: not of the scores");
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
    tn_grad_formula(g, "shared = Gather(Shape(q), [1]) / Gather(Shape(k), [1])");
    repeat(g, "k");
    repeat(g, "v");
    if (tn_attr_find(n, "scale"))
        tn_grad_let_number(g, "scale", (double)tn_attr_float(n, "scale", 1));
    else
        tn_grad_formula(g, "scale = 1 / Sqrt(CastLike(Gather(Shape(q), [3]), q))");
    tn_grad_formula(g, "s = MatMul(q * scale, Transpose{perm=[0, 1, 3, 2]}(k)); never = -1 / CastLike(0, s)");
    if (tn_attr_float(n, "softcap", 0) > 0) {
        tn_grad_let_number(g, "cap", (double)tn_attr_float(n, "softcap", 0));
        tn_grad_formula(g, "s = cap * Tanh(s / cap)");
    }
    if (mask && mask->type.dtype == TN_BOOL)
        tn_grad_formula(g, "s = Where(x3, s, never)");
    else if (mask)
        tn_grad_formula(g, "s = s + x3");
    if (tn_attr_int(n, "is_causal", 0))
        tn_grad_formula(g, "i = Range(#0, Squeeze(Gather(Shape(s), [2]), [0]), #1) + past;"
                           "j = Range(#0, Squeeze(Gather(Shape(s), [3]), [0]), #1);"
                           "s = Where(Less(Unsqueeze(i, [1]), Unsqueeze(j, [0])), never, s)");
    ys[0] = tn_grad_formula(g, "out = MatMul(CastLike(Softmax{axis=-1}(s), v), v)");
    if (flat) ys[0] = tn_grad_formula(g, "Reshape{allowzero=1}(Transpose{perm=[0, 2, 1, 3]}(out), Shape(y))");
    tn_grad_through(g, mark, ys, 3);
    return g->st;
}

/* ------------------------------------------------------------------------------------------------- RotaryEmbedding */

tn_status tn_grad_rotary(tn_grad *g) {
    const tn_node *n = g->node;
    tn_node *mark = tn_grad_mark(g);
    bool contrib = !strcmp(n->domain, "com.microsoft"), flat = tn_grad_rank(g, tn_grad_x(g, 0)) == 3;
    int ids = contrib ? 1 : 3;
    int64_t heads = tn_attr_int(n, "num_heads", 0), last = INT32_MAX;
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
    tn_grad_formula(g,
                    "c = Unsqueeze(c, [1]); s = Unsqueeze(s, [1]);"
                    "part = Slice(v, [0], both, [3]); rest = Slice(v, both, [%lld], [3])",
                    (long long)last);
    if (tn_attr_int(n, "interleaved", 0))
        tn_grad_formula(g,
                        "a = Slice(part, [0], [%lld], [3], [2]); b = Slice(part, [1], [%lld], [3], [2]);"
                        "u = Concat{axis=4}(Unsqueeze(c * a - s * b, [4]), Unsqueeze(s * a + c * b, [4]));"
                        "turned = Reshape{allowzero=1}(u, Shape(part))",
                        (long long)last, (long long)last);
    else
        tn_grad_formula(g, "a = Slice(part, [0], half, [3]); b = Slice(part, half, both, [3]);"
                           "turned = Concat{axis=3}(c * a - s * b, s * a + c * b)");
    tn_value *y = tn_grad_formula(g, "out = Concat{axis=3}(turned, rest)");
    if (flat) y = tn_grad_formula(g, "Reshape{allowzero=1}(Transpose{perm=[0, 2, 1, 3]}(out), Shape(x))");
    tn_grad_through(g, mark, &y, 1);
    return g->st;
}

/* ------------------------------------------------------------------------------------------- CausalConvWithState */

/* The present state is what the line of past and input ends with. */
tn_status tn_grad_causal_conv(tn_grad *g) {
    tn_node *mark = tn_grad_mark(g);
    tn_value *ys[2];
    const tn_type *w = &tn_grad_x(g, 1)->type, *x = &tn_grad_x(g, 0)->type;
    if (w->rank != 3 || x->rank != 3 || !tn_dim_known(w->dims[0]))
        return tn_op_fail(g->node, TN_E_UNSUPPORTED, "its gradient: how many channels it has must be known");
    tn_grad_formula(g, "keep = Gather(Shape(x1), [2]) - [1]");
    if (tn_grad_x(g, 3))
        tn_grad_formula(g, "line = Concat{axis=2}(x3, x)");
    else
        tn_grad_formula(g, "line = Pad(x, Concat{axis=0}(keep, [0]), _, [2])");
    tn_value *y =
        tn_grad_formula(g, "v = Conv{group=%lld}(line, x1%s)", (long long)w->dims[0], tn_grad_x(g, 2) ? ", x2" : "");
    if (!tn_attr_is(g->node, "activation", "none", "none")) y = tn_grad_formula(g, "v * Sigmoid(v)");
    ys[0] = y;
    ys[1] = tn_grad_formula(g, "Slice(line, Gather(Shape(x), [2]), [%d], [2])", INT32_MAX);
    tn_grad_through(g, mark, ys, 2);
    return g->st;
}
