/* einsum.c - Einsum: sums of products named by an equation such as "bij,bjk->bik". Two f32 operands become one batched
 * matrix product; everything else is summed directly. */
#include "kernel/gemm.h"
#include "kernel/kernel.h"
#include "op/grad.h"
#include "op/ports.h"
#include "op/support.h"
#include <ctype.h>
#include <string.h>

enum { LABELS = 52 + TN_MAX_RANK, TERMS = 64 }; /* letters, then the dimensions an ellipsis stands for */

typedef struct {
    int n, dots; /* labels, and where among them the ellipsis stood, or -1 */
    uint8_t label[LABELS];
} term;

typedef struct {
    int n_in, dots_rank;
    term in[TERMS], out;
    int count[LABELS]; /* uses among the inputs */
} equation;

static int letter_of(char c) { return c >= 'A' && c <= 'Z' ? c - 'A' : c >= 'a' && c <= 'z' ? c - 'a' + 26 : -1; }

static tn_status parse_term(const tn_node *n, const char **at, const char *end, term *t) {
    *t = (term){ .dots = -1 };
    for (; *at < end && **at != ',' && !(**at == '-' && end - *at > 1 && (*at)[1] == '>'); ++*at) {
        if (isspace((unsigned char)**at)) continue;
        if (**at == '.') {
            if (end - *at < 3 || (*at)[1] != '.' || (*at)[2] != '.' || t->dots >= 0)
                return tn_op_fail(n, TN_E_INVALID, "the equation has a '.' that is no single ellipsis");
            t->dots = t->n, *at += 2;
            continue;
        }
        int k = letter_of(**at);
        if (k < 0) return tn_op_fail(n, TN_E_INVALID, "the equation has a character that is no letter");
        if (t->n == TN_MAX_RANK) return tn_op_fail(n, TN_E_INVALID, "a term has more than %d letters", TN_MAX_RANK);
        t->label[t->n++] = (uint8_t)k;
    }
    return TN_OK;
}

/* Puts labels for `extra` dimensions where the ellipsis stands; they are aligned at the right. */
static void expand_dots(term *t, int extra) {
    if (t->dots < 0) return;
    memmove(t->label + t->dots + extra, t->label + t->dots, (size_t)(t->n - t->dots));
    for (int i = 0; i < extra; i++) t->label[t->dots + i] = (uint8_t)(LABELS - extra + i);
    t->n += extra;
}

/* Reads the equation for inputs of these ranks. errors TN_E_INVALID, TN_E_SHAPE */
static tn_status parse(const tn_node *n, int n_in, const int *ranks, equation *e) {
    tn_string s = tn_attr_string(n, "equation", "");
    const char *at = s.ptr, *end = s.ptr + s.len;
    e->dots_rank = 0, e->out = (term){ 0 };
    memset(e->count, 0, sizeof e->count);
    if (n_in > TERMS) return tn_op_fail(n, TN_E_LIMIT, "more than %d inputs", TERMS);
    for (e->n_in = 0; e->n_in < n_in; e->n_in++) {
        if (e->n_in > 0) {
            if (at >= end || *at != ',')
                return tn_op_fail(n, TN_E_INVALID, "the equation has %d terms for %d inputs", e->n_in, n_in);
            at++;
        }
        term *t = &e->in[e->n_in];
        TN_TRY(parse_term(n, &at, end, t));
        int extra = ranks[e->n_in] - t->n;
        if (extra < 0 || (extra > 0 && t->dots < 0))
            return tn_op_fail(n, TN_E_SHAPE, "input %d has %d dimensions, its term names %d", e->n_in, ranks[e->n_in],
                              t->n);
        if (extra > e->dots_rank && t->dots >= 0) e->dots_rank = extra;
        expand_dots(t, extra);
        for (int i = 0; i < t->n; i++) e->count[t->label[i]]++;
    }
    if (at < end && *at == ',')
        return tn_op_fail(n, TN_E_INVALID, "the equation has more terms than the %d inputs", n_in);
    if (at < end) {
        at += 2;
        TN_TRY(parse_term(n, &at, end, &e->out));
        if (at < end) return tn_op_fail(n, TN_E_INVALID, "the equation has something behind the result's term");
        bool seen[LABELS] = { 0 };
        for (int i = 0; i < e->out.n; i++) {
            if (seen[e->out.label[i]] || !e->count[e->out.label[i]])
                return tn_op_fail(n, TN_E_INVALID, "a letter of the result is repeated or in no input");
            seen[e->out.label[i]] = true;
        }
    } else { /* letters that are used once, in alphabetical order, behind the ellipsis */
        e->out.dots = 0;
        for (int k = 0; k < 52; k++)
            if (e->count[k] == 1 && e->out.n < TN_MAX_RANK) e->out.label[e->out.n++] = (uint8_t)k;
    }
    if (e->out.n + (e->out.dots >= 0 ? e->dots_rank : 0) > TN_MAX_RANK)
        return tn_op_fail(n, TN_E_SHAPE, "the result would have more than %d dimensions", TN_MAX_RANK);
    expand_dots(&e->out, e->dots_rank);
    return TN_OK;
}

static tn_status einsum_infer(tn_infer *c) {
    int ranks[TERMS];
    equation e;
    tn_dim size[LABELS], dims[TN_MAX_RANK];
    bool set[LABELS] = { 0 };
    tn_infer_out(c, 0, tn_infer_dtype(c, 0), -1, NULL);
    for (int i = 0; i < c->n_in && i < TERMS; i++)
        if ((ranks[i] = tn_infer_rank(c, i)) < 0) return TN_OK;
    TN_TRY(parse(c->node, c->n_in, ranks, &e));
    for (int i = 0; i < e.n_in; i++)
        for (int d = 0; d < e.in[i].n; d++) {
            int k = e.in[i].label[d];
            if (set[k])
                TN_TRY(tn_infer_broadcast_dim(c, size[k], c->in[i]->dims[d], &size[k]));
            else
                size[k] = c->in[i]->dims[d], set[k] = true;
        }
    for (int d = 0; d < e.out.n; d++) dims[d] = size[e.out.label[d]];
    tn_infer_out(c, 0, tn_infer_dtype(c, 0), e.out.n, dims);
    return TN_OK;
}

/* ------------------------------------------------------------------------------------------------------------ run */

typedef struct {
    int64_t size[LABELS], stride[TERMS][LABELS];
} layout;

static void lay_out(tn_run *r, const equation *e, layout *l) {
    memset(l->stride, 0, sizeof *l->stride * (size_t)e->n_in);
    for (int i = 0; i < LABELS; i++) l->size[i] = 1;
    for (int i = 0; i < e->n_in; i++) {
        const tn_tensor *x = tn_in(r, i);
        int64_t s = 1;
        for (int d = x->rank - 1; d >= 0; d--) {
            int k = e->in[i].label[d];
            if (x->dims[d] != 1) l->size[k] = x->dims[d], l->stride[i][k] += s;
            s *= x->dims[d];
        }
    }
}

/* Steps through labels[0 .. n-1], the last fastest, moving the offsets of `terms` operands. returns false at the end */
static bool step(const layout *l, const uint8_t *labels, int n, int64_t *at, int terms, int64_t *off) {
    for (int d = n - 1; d >= 0; d--) {
        int k = labels[d];
        for (int i = 0; i < terms; i++) off[i] += l->stride[i][k];
        if (++at[d] < l->size[k]) return true;
        for (int i = 0; i < terms; i++) off[i] -= l->size[k] * l->stride[i][k];
        at[d] = 0;
    }
    return false;
}

static void sum_direct(tn_run *r, const equation *e, const layout *l) {
    tn_tensor *y = tn_out(r, 0);
    uint8_t inner[LABELS];
    int n_inner = 0;
    bool in_out[LABELS] = { 0 }, empty = false, whole = tn_dtype_is_int(y->dtype);
    for (int d = 0; d < e->out.n; d++) in_out[e->out.label[d]] = true;
    for (int k = 0; k < LABELS; k++)
        if (e->count[k] && !in_out[k]) inner[n_inner++] = (uint8_t)k, empty = empty || l->size[k] == 0;
    int64_t out_at[LABELS] = { 0 }, at[LABELS] = { 0 }, off[TERMS] = { 0 };
    for (int64_t o = 0; o < tn_count(y); o++) {
        double sum = 0;
        uint64_t isum = 0;
        for (bool more = !empty; more; more = step(l, inner, n_inner, at, e->n_in, off)) {
            double p = 1;
            uint64_t ip = 1;
            for (int i = 0; i < e->n_in; i++) {
                const tn_tensor *x = tn_in(r, i);
                if (whole)
                    ip *= (uint64_t)tn_get_i64(x->dtype, x->data, off[i]);
                else
                    p *= tn_get_f64(x->dtype, x->data, off[i]);
            }
            sum += p, isum += ip;
        }
        if (whole)
            tn_set_i64(y->dtype, y->data, o, (int64_t)isum);
        else
            tn_set_f64(y->dtype, y->data, o, sum);
        step(l, e->out.label, e->out.n, out_at, e->n_in, off);
    }
}

typedef struct {
    int n;
    uint8_t label[LABELS];
    int64_t size;
} group;

static void group_add(group *g, const layout *l, int k) { g->label[g->n++] = (uint8_t)k, g->size *= l->size[k]; }

/* A label is in both operands and the result (batch), in one operand and the result (row, column), or in both operands
 * only (summed). false: some other mixture, or broadcasting within it. */
static bool group_labels(const equation *e, const layout *l, group g[4]) {
    bool in_out[LABELS] = { 0 };
    int use[2][LABELS] = { { 0 } };
    for (int i = 0; i < 4; i++) g[i] = (group){ .size = 1 };
    for (int d = 0; d < e->out.n; d++) in_out[e->out.label[d]] = true;
    for (int i = 0; i < 2; i++)
        for (int d = 0; d < e->in[i].n; d++)
            if (++use[i][e->in[i].label[d]] > 1) return false;
    for (int d = 0; d < e->out.n; d++) {
        int k = e->out.label[d];
        group_add(&g[use[0][k] && use[1][k] ? 0 : use[0][k] ? 1 : 2], l, k);
    }
    for (int k = 0; k < LABELS; k++) {
        if (!e->count[k]) continue;
        if (!in_out[k] && use[0][k] != use[1][k]) return false;
        if (!in_out[k]) group_add(&g[3], l, k);
    }
    return true;
}

/* dst (dense over a, b, c) := x's elements there. */
static void gather_groups(const layout *l, int operand, const group *a, const group *b, const group *c, const float *x,
                          float *dst) {
    uint8_t labels[LABELS];
    int64_t at[LABELS] = { 0 };
    int64_t off = 0, total = a->size * b->size * c->size;
    layout one = *l;
    int n = 0;
    const group *all[3] = { a, b, c };
    for (int i = 0; i < 3; i++)
        for (int j = 0; j < all[i]->n; j++) labels[n++] = all[i]->label[j];
    memcpy(one.stride[0], l->stride[operand], sizeof one.stride[0]);
    for (int64_t i = 0; i < total; i++) {
        dst[i] = x[off];
        step(&one, labels, n, at, 1, &off);
    }
}

static tn_status product(tn_run *r, const equation *e, const layout *l, const group g[4]) {
    tn_tensor *y = tn_out(r, 0);
    float *a = tn_run_scratch(r, (size_t)(g[0].size * g[1].size * g[3].size) * sizeof(float));
    float *b = tn_run_scratch(r, (size_t)(g[0].size * g[3].size * g[2].size) * sizeof(float));
    float *c = tn_run_scratch(r, (size_t)tn_count(y) * sizeof(float));
    if (!a || !b || !c) return tn_fail(TN_E_NOMEM, "no memory for a matrix product");
    gather_groups(l, 0, &g[0], &g[1], &g[3], tn_in(r, 0)->data, a);
    gather_groups(l, 1, &g[0], &g[3], &g[2], tn_in(r, 1)->data, b);
    tn_gemm_args args = tn_gemm_dense(g[1].size, g[2].size, g[3].size, a, b, c);
    args.batch[0] = g[0].size;
    args.stride_a[0] = g[1].size * g[3].size, args.stride_b[0] = g[3].size * g[2].size;
    args.stride_c[0] = g[1].size * g[2].size;
    TN_TRY(tn_gemm(&tn_kernels_get()->gemm, &args, NULL, r->pool));
    layout back = *l; /* the product's strides, seen in the order of the result */
    int64_t s = 1;
    for (int i = 2; i >= 0; i--)
        for (int j = g[i].n - 1; j >= 0; j--) back.stride[0][g[i].label[j]] = s, s *= l->size[g[i].label[j]];
    group out = { .size = 1 }, none = { .size = 1 };
    for (int d = 0; d < e->out.n; d++) group_add(&out, l, e->out.label[d]);
    gather_groups(&back, 0, &out, &none, &none, c, y->data);
    return TN_OK;
}

static tn_status einsum_run(tn_run *r) {
    int ranks[TERMS];
    equation e;
    layout l;
    group g[4];
    for (int i = 0; i < r->n_in && i < TERMS; i++) ranks[i] = tn_in(r, i)->rank;
    TN_TRY(parse(r->node, r->n_in, ranks, &e));
    lay_out(r, &e, &l);
    if (tn_count(tn_out(r, 0)) == 0) return TN_OK;
    if (e.n_in == 2 && tn_out(r, 0)->dtype == TN_F32 && group_labels(&e, &l, g) && g[3].size > 0)
        return product(r, &e, &l, g);
    sum_direct(r, &e, &l);
    return TN_OK;
}

static const tn_attr_spec einsum_attrs[] = { { "equation", TN_ATTR_STRING, .required = true }, { 0 } };

const tn_op tn_ops_einsum[] = {
    { .name = "Einsum",
      .since = 12,
      .in = tn_ports_real_many,
      .out = tn_ports_real_t,
      .attrs = einsum_attrs,
      .infer = einsum_infer,
      .run = einsum_run,
      .grad = tn_grad_einsum,
      .doc = "sums of products over the indices an equation names" },
    { 0 },
};
