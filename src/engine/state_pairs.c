/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* state_pairs.c - which output becomes which input: as the caller says, or as exporters name them. */
#include "base/sort.h"
#include "engine/state.h"
#include <string.h>

#define MAX_COMPARED 1000000 /* inputs times outputs whose names are compared */

/* An input called before + STEM + after is given by an output called before' + STEM + after'. In the order in which
 * they are tried. */
static const struct {
    const char *before, *after, *out_before, *out_after;
} names[] = {
    { "past_key_values", "", "present_key_values", "" }, /* of Hugging Face's exporter */
    { "past_key_values", "", "present", "" },            /* of optimum */
    { "past", "", "present", "" },
    { "", "_in", "", "_out" },
    { "", "", "", "_out" },
    { "", "", "new_", "" },
    { "", "", "next_", "" },
    { "", "", "", "_new" },
    { "", "", "", "_next" },
    { "", "0", "", "n" }, /* h0 and hn of a recurrent layer */
    { "", "", "", "n" },
    { "", "", "", "N" }, /* stateN of a voice detector */
};

/* Whether `name` is before + stem + after: then where the stem lies. */
static bool stem_of(const char *name, const char *before, const char *after, const char **stem, size_t *n) {
    size_t all = strlen(name), b = strlen(before), a = strlen(after);
    if (all < a + b || strncmp(name, before, b) != 0 || strcmp(name + all - a, after) != 0) return false;
    *stem = name + b;
    *n = all - a - b;
    return true;
}

static bool named_alike(const char *in, const char *out, size_t rule) {
    const char *a, *b;
    size_t na, nb;
    return stem_of(in, names[rule].before, names[rule].after, &a, &na) &&
           stem_of(out, names[rule].out_before, names[rule].out_after, &b, &nb) && na == nb && !memcmp(a, b, na);
}

static bool differ(tn_dim a, tn_dim b) { return tn_dim_known(a) && tn_dim_known(b) && a != b; }

tn_status tn_state_check_pair(const tn_graph *g, const tn_state_link *l) {
    const tn_value *in = g->inputs[l->input], *out = g->outputs[l->output];
    const tn_type *a = &in->type, *b = &out->type;
    bool tensors = a->kind == TN_KIND_TENSOR && (b->kind == TN_KIND_TENSOR || b->kind == TN_KIND_NONE);
    if (!tensors || a->dtype == TN_STRING || a->dtype == TN_NONE ||
        (b->kind == TN_KIND_TENSOR && b->dtype != TN_NONE && a->dtype != b->dtype))
        return tn_fail(TN_E_TYPE, "output '%s' cannot be the next input '%s': they are not tensors of one number type",
                       out->name, in->name);
    bool good = b->kind == TN_KIND_NONE || a->rank < 0 || b->rank < 0 || a->rank == b->rank;
    for (int d = 0; good && b->kind == TN_KIND_TENSOR && b->rank >= 0 && d < a->rank; d++)
        good = !differ(a->dims[d], b->dims[d]);
    if (good) return TN_OK;
    return tn_fail(TN_E_SHAPE, "output '%s' cannot be the next input '%s': their shapes differ", out->name, in->name);
}

static tn_status no_memory(void) { return tn_fail(TN_E_NOMEM, "no memory for the pairs of a state"); }

/* Pairs so far, and what is taken: by input, by output. */
typedef struct {
    tn_state_link *links;
    bool *in, *out;
    int n;
} pairing;

static bool begin(pairing *p, const tn_graph *g) {
    int most = g->n_inputs < g->n_outputs ? g->n_inputs : g->n_outputs;
    p->links = tn_mem_zalloc(((size_t)most + 1) * sizeof *p->links, TN_MEM_GENERAL);
    p->in = tn_mem_zalloc((size_t)g->n_inputs + 1, TN_MEM_GENERAL);
    p->out = tn_mem_zalloc((size_t)g->n_outputs + 1, TN_MEM_GENERAL);
    return p->links && p->in && p->out;
}

static tn_status end(pairing *p, tn_status st, tn_state_link **out, int *n) {
    tn_mem_free(p->in);
    tn_mem_free(p->out);
    if (st != TN_OK) tn_mem_free(p->links);
    *out = st == TN_OK ? p->links : NULL;
    *n = st == TN_OK ? p->n : 0;
    return st;
}

static void pair(pairing *p, int in, int out) {
    p->links[p->n++] = (tn_state_link){ .input = in, .output = out };
    p->in[in] = p->out[out] = true;
}

/* The order of all lists of pairs. */
static int by_input(const void *a, const void *b) {
    return ((const tn_state_link *)a)->input - ((const tn_state_link *)b)->input;
}

static void try_rule(pairing *p, const tn_graph *g, size_t rule) {
    for (int i = 0; i < g->n_inputs; i++)
        for (int o = 0; o < g->n_outputs && !p->in[i]; o++) {
            if (p->out[o] || !named_alike(g->inputs[i]->name, g->outputs[o]->name, rule)) continue;
            tn_state_link l = { .input = i, .output = o };
            if (tn_state_check_pair(g, &l) == TN_OK)
                pair(p, i, o);
            else
                tn_error_clear();
        }
}

tn_status tn_state_find_pairs(const tn_graph *g, tn_state_link **out, int *n) {
    pairing p = { 0 };
    if ((int64_t)g->n_inputs * g->n_outputs > MAX_COMPARED)
        return end(&p,
                   tn_fail(TN_E_LIMIT,
                           "%d inputs and %d outputs are too many to find pairs by name; give them in "
                           "tn_state_opts.pairs",
                           g->n_inputs, g->n_outputs),
                   out, n);
    if (!begin(&p, g)) return end(&p, no_memory(), out, n);
    for (size_t rule = 0; rule < TN_COUNT(names); rule++) try_rule(&p, g, rule);
    tn_sort(p.links, (size_t)p.n, sizeof *p.links, by_input);
    if (p.n) return end(&p, TN_OK, out, n);
    return end(&p,
               tn_fail(TN_E_NOT_FOUND, "no output has a name that makes it the next run's input, as past_0 and "
                                       "present_0 would be; give the pairs in tn_state_opts.pairs"),
               out, n);
}

static int find(tn_value *const *v, int n, const char *name) {
    for (int i = 0; i < n; i++)
        if (!strcmp(v[i]->name, name)) return i;
    return -1;
}

static tn_status give(pairing *p, const tn_graph *g, const tn_state_pair *pair_, size_t k) {
    if (!pair_->input || !pair_->output) return tn_fail(TN_E_INVALID, "pair %zu has no name of input or output", k);
    int in = find(g->inputs, g->n_inputs, pair_->input), out = find(g->outputs, g->n_outputs, pair_->output);
    if (in < 0) return tn_fail(TN_E_NOT_FOUND, "the model has no input '%s', which pair %zu names", pair_->input, k);
    if (out < 0) return tn_fail(TN_E_NOT_FOUND, "the model has no output '%s', which pair %zu names", pair_->output, k);
    if (p->in[in] || p->out[out])
        return tn_fail(TN_E_INVALID, "%s '%s' is in two pairs", p->in[in] ? "input" : "output",
                       p->in[in] ? pair_->input : pair_->output);
    pair(p, in, out);
    return tn_state_check_pair(g, &p->links[p->n - 1]);
}

tn_status tn_state_given_pairs(const tn_graph *g, const tn_state_pair *pairs, size_t count, tn_state_link **out,
                               int *n) {
    pairing p = { 0 };
    tn_status st = begin(&p, g) ? TN_OK : no_memory();
    for (size_t k = 0; k < count && st == TN_OK; k++) st = give(&p, g, &pairs[k], k);
    if (st == TN_OK) tn_sort(p.links, (size_t)p.n, sizeof *p.links, by_input);
    return end(&p, st, out, n);
}
