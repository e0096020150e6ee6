/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* ngrams.c - TfIdfVectorizer: counts the n-grams of a pool in rows of tokens, with skips. */
#include "base/budget.h"
#include "op/core/grad.h"
#include "op/core/ports.h"
#include "op/core/support.h"
#include <string.h>

/* The pool's n-grams of all wanted lengths form a tree: a node is reached from its parent by a token. */
typedef struct {
    uint32_t parent, token; /* first: the key of the edge that leads here */
    uint32_t number;
    bool inner;     /* some n-gram goes on from here */
    int64_t column; /* of the n-gram that ends here, or -1 */
    float weight;
} gram;

typedef struct {
    tn_map *tokens; /* bytes of a string or an int64 -> &numbers[k], beginning with 1 */
    tn_map *edges;  /* parent and token -> gram */
    uint32_t n_tokens, n_grams;
    bool strings;
    int mode;
    int64_t min, max, skips, columns;
    tn_floats weights; /* by n-gram in the pool; none: all 1 */
} vectorizer;

enum { TF, IDF, TFIDF };
#define MODES "TF|IDF|TFIDF"

typedef struct {
    int64_t max_gram_length, max_skip_count, min_gram_length;
    int mode;
    tn_ints ngram_counts, ngram_indexes, pool_int64s;
    tn_strings pool_strings;
    tn_floats weights;
} settings;

/* ------------------------------------------------------------------------------------------------- the attributes */

static tn_status columns_of(const tn_node *n, tn_ints at, int64_t *out) {
    int64_t last = -1;
    for (size_t i = 0; i < at.n; i++)
        if (at.v[i] > last) last = at.v[i];
    if (last < 0) return tn_op_fail(n, TN_E_INVALID, "ngram_indexes is empty");
    *out = last + 1;
    return TN_OK;
}

static tn_status infer(tn_infer *c) {
    int rank = tn_infer_rank(c, 0);
    int64_t columns = 0;
    if (rank > 2) return tn_infer_fail(c, TN_E_SHAPE, "X has %d dimensions; one or two are allowed", rank);
    TN_TRY(columns_of(c->node, ((const settings *)c->attrs)->ngram_indexes, &columns));
    tn_dim dims[2] = { columns, columns };
    if (rank == 2) dims[0] = c->in[0]->dims[0];
    tn_infer_out(c, 0, TN_F32, rank < 0 ? -1 : rank == 2 ? 2 : 1, rank < 0 ? NULL : dims);
    return TN_OK;
}

static tn_status read_attributes(const tn_node *n, const settings *a, vectorizer *v) {
    v->mode = a->mode;
    v->min = a->min_gram_length, v->max = a->max_gram_length, v->skips = a->max_skip_count;
    if (v->min < 1 || v->max < v->min || v->skips < 0)
        return tn_op_fail(n, TN_E_INVALID,
                          "1 <= min_gram_length <= max_gram_length and max_skip_count >= 0 are needed");
    TN_TRY(columns_of(n, a->ngram_indexes, &v->columns));
    if (v->mode != TF) v->weights = a->weights;
    return TN_OK;
}

/* ------------------------------------------------------------------------------------------------------- the tree */

static tn_status token_number(tn_prep *p, vectorizer *v, const void *key, size_t len, uint32_t *out) {
    const uint32_t *known = tn_map_get(v->tokens, key, len);
    if (!known) {
        uint32_t *fresh = tn_arena_new_of(p->arena, uint32_t);
        if (!fresh) return tn_op_fail(p->types.node, TN_E_NOMEM, "no memory for the pool");
        *fresh = ++v->n_tokens;
        TN_TRY(tn_map_put(v->tokens, key, len, fresh));
        known = fresh;
    }
    *out = *known;
    return TN_OK;
}

/* The node below parent (NULL: the root), made when it is not there. */
static tn_status descend(tn_prep *p, vectorizer *v, gram *parent, uint32_t token, gram **out) {
    uint32_t key[2] = { parent ? parent->number : 0, token };
    if (parent) parent->inner = true;
    if ((*out = tn_map_get(v->edges, (const char *)key, sizeof key))) return TN_OK;
    gram *g = tn_arena_new_of(p->arena, gram);
    if (!g) return tn_op_fail(p->types.node, TN_E_NOMEM, "no memory for the pool");
    *g = (gram){ key[0], key[1], ++v->n_grams, false, -1, 1 };
    *out = g;
    return tn_map_put(v->edges, (const char *)&g->parent, sizeof key, g);
}

static tn_status build(tn_prep *p, const settings *a, vectorizer *v) {
    const tn_node *n = p->types.node;
    tn_strings words = a->pool_strings;
    tn_ints numbers = a->pool_int64s, counts = a->ngram_counts;
    if ((words.n > 0) == (numbers.n > 0))
        return tn_op_fail(n, TN_E_INVALID, "either pool_strings or pool_int64s must be given");
    v->strings = words.n > 0;
    int64_t items = (int64_t)(words.n + numbers.n);
    size_t id = 0;
    for (size_t k = 0; k < counts.n; k++) { /* the n-grams of length k + 1 */
        int64_t begin = counts.v[k], end = k + 1 < counts.n ? counts.v[k + 1] : items, len = (int64_t)k + 1;
        if (begin < 0 || end < begin || end > items || (end - begin) % len)
            return tn_op_fail(n, TN_E_INVALID, "ngram_counts[%zu] does not fit a pool of %lld", k, (long long)items);
        for (int64_t at = begin; at < end; at += len, id++) {
            gram *g = NULL;
            if (id >= a->ngram_indexes.n)
                return tn_op_fail(n, TN_E_INVALID, "the pool has more n-grams than ngram_indexes");
            if (v->weights.n && id >= v->weights.n)
                return tn_op_fail(n, TN_E_INVALID, "the pool has more n-grams than there are weights, %zu",
                                  v->weights.n);
            if (len < v->min || len > v->max) continue;
            for (int64_t i = at; i < at + len; i++) {
                uint32_t token = 0;
                TN_TRY(v->strings ? token_number(p, v, words.v[i].len ? words.v[i].ptr : "", words.v[i].len, &token)
                                  : token_number(p, v, &numbers.v[i], sizeof *numbers.v, &token));
                TN_TRY(descend(p, v, g, token, &g));
            }
            g->column = a->ngram_indexes.v[id];
            if (v->weights.n) g->weight = v->weights.v[id];
        }
    }
    return TN_OK;
}

static tn_status prepare(tn_prep *p) {
    vectorizer *v = tn_arena_new_of(p->arena, vectorizer);
    if (!v) return tn_op_fail(p->types.node, TN_E_NOMEM, "no memory");
    p->state = v;
    TN_TRY(read_attributes(p->types.node, p->types.attrs, v));
    if (!(v->tokens = tn_map_new(64)) || !(v->edges = tn_map_new(64)))
        return tn_op_fail(p->types.node, TN_E_NOMEM, "no memory");
    return build(p, p->types.attrs, v);
}

static void release(void *state) {
    vectorizer *v = state;
    tn_map_free(&v->tokens);
    tn_map_free(&v->edges);
}

/* ------------------------------------------------------------------------------------------------------------ run */

typedef struct {
    const vectorizer *v;
    const tn_tensor *x;
    uint32_t *tokens; /* of x */
    int64_t width;    /* tokens in a row */
    float *y;
} job;

static uint32_t token_at(const vectorizer *v, const tn_tensor *x, int64_t i) {
    const uint32_t *known;
    if (v->strings) {
        const tn_string *s = (const tn_string *)x->data + i;
        known = tn_map_get(v->tokens, s->len ? s->ptr : "", s->len);
    } else {
        int64_t k = tn_get_i64(x->dtype, x->data, i);
        known = tn_map_get(v->tokens, (const char *)&k, sizeof k);
    }
    return known ? *known : 0;
}

/* Counts the n-grams of at least `least` tokens that begin at t[at], `step` apart: adds their weights, or (IDF) leaves
 * the weight alone. */
static void count_from(const vectorizer *v, const uint32_t *t, int64_t at, int64_t width, int64_t step, int64_t least,
                       float *row) {
    uint32_t parent = 0;
    for (int64_t len = 1; len <= v->max; len++) {
        uint32_t key[2] = { parent, t[at] };
        const gram *g = key[1] ? tn_map_get(v->edges, (const char *)key, sizeof key) : NULL;
        if (!g) return;
        if (len >= least && g->column >= 0) row[g->column] = v->mode == IDF ? g->weight : row[g->column] + g->weight;
        if (!g->inner || step >= width - at) return;
        at += step;
        parent = g->number;
    }
}

static void rows(void *arg, int64_t begin, int64_t end, int thread) {
    const job *j = arg;
    const vectorizer *v = j->v;
    tn_ticks ticks = { 0 };
    (void)thread;
    for (int64_t r = begin; r < end; r++) {
        float *row = j->y + r * v->columns;
        uint32_t *t = j->tokens + r * j->width;
        int64_t least = v->min;
        for (int64_t i = 0; i < j->width; i++) {
            if (tn_ticks_stopped(&ticks, 32)) return;
            t[i] = token_at(v, j->x, r * j->width + i);
        }
        for (int64_t i = 0; i < v->columns; i++) row[i] = 0;
        for (int64_t step = 1; step - 1 <= v->skips && least <= v->max; step++) {
            if (least > 1 && (least - 1 >= j->width || step > (j->width - 1) / (least - 1)))
                break; /* no room for one */
            for (int64_t at = 0; at < j->width; at++) {
                if (tn_ticks_stopped(&ticks, 8 * (uint64_t)v->max)) return;
                count_from(v, t, at, j->width, step, least, row);
            }
            if (least == 1) least = 2; /* single tokens have no skips: they count once */
        }
    }
}

static tn_status run(tn_run *r) {
    const vectorizer *v = r->state;
    const tn_tensor *x = tn_in(r, 0);
    if (v->strings != (x->dtype == TN_STRING))
        return tn_op_fail(r->node, TN_E_TYPE, "X is %s, but the pool holds %s", tn_dtype_name(x->dtype),
                          v->strings ? "strings" : "int64");
    int64_t n = x->rank == 2 ? x->dims[0] : 1, all = tn_count(x);
    job j = { v, x, tn_run_scratch(r, (size_t)(all + 1) * sizeof(uint32_t)), n ? all / n : 0, tn_out(r, 0)->data };
    if (!j.tokens) return tn_op_fail(r->node, TN_E_NOMEM, "no memory for %lld tokens", (long long)all);
    tn_parallel(r->pool, n, 1, rows, &j);
    return TN_OK;
}

/* ----------------------------------------------------------------------------------------------------------- rows */

static const tn_port in[] = { { "X", tn_dtype_bit(TN_STRING) | TN_INDEX, 0 }, { 0 } };
static const tn_port out[] = { { "Y", tn_dtype_bit(TN_F32), 0 }, { 0 } };
static const tn_attr_spec attrs[] = { { TN_INT(settings, max_gram_length, 1), .required = true },
                                      { TN_INT(settings, max_skip_count, 0), .required = true },
                                      { TN_INT(settings, min_gram_length, 1), .required = true },
                                      { TN_WORD(settings, mode, MODES, NULL), .required = true },
                                      { TN_INTS_OF(settings, ngram_counts), .required = true },
                                      { TN_INTS_OF(settings, ngram_indexes), .required = true, .min = 0,
                                        .max = INT32_MAX - 1 },
                                      { TN_INTS_OF(settings, pool_int64s) },
                                      { TN_STRINGS_OF(settings, pool_strings) },
                                      { TN_FLOATS_OF(settings, weights) },
                                      { 0 } };

/* From every token on, n-grams of every distance that fits. */
static tn_status cost(const tn_infer *c, tn_cost *made) {
    int rank = tn_infer_rank(c, 0);
    tn_dim all = rank < 0 ? TN_DIM_UNKNOWN : tn_type_count(c->syms, c->in[0]);
    if (!tn_dim_known(all) || rank < 1 || !tn_dim_known(c->in[0]->dims[rank - 1])) return TN_OK;
    const settings *a = c->attrs;
    double width = (double)c->in[0]->dims[rank - 1], steps = (double)a->max_skip_count + 1;
    made->flops = 10 * (double)all * (double)a->max_gram_length * (steps < width ? steps : width);
    return TN_OK;
}

const tn_op tn_ops_ngrams[] = {
    { .name = "TfIdfVectorizer",
      .since = 9,
      .in = in,
      .out = out,
      TN_ATTRS(attrs, settings),
      .infer = infer,
      .cost = cost,
      .prepare = prepare,
      .run = run,
      .release = release,
      .grad = tn_grad_none,
      .doc = "how often the n-grams of a pool occur in rows of tokens" },
    { 0 },
};
