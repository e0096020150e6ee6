/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* past.c - the records of older operator sets: finding them, bringing nodes up, and how low a node can be written. */
#include "op/core/past.h"
#include "base/budget.h"
#include "base/sort.h"
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define TN_PAST(folder) extern const tn_op_past tn_op_past_##folder[];
#include "op/core/ops.def"

static const tn_op_past *const folders[] = {
#define TN_PAST(folder) tn_op_past_##folder,
#include "op/core/ops.def"
};

/* ------------------------------------------------------------------------------------------------------- finding */

/* All records in alphabetical order, made once; without memory for it there are none. */
static struct {
    const tn_op_past **v;
    size_t n;
} sorted;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static int by_name(const void *a, const void *b) {
    return strcmp((*(const tn_op_past *const *)a)->op, (*(const tn_op_past *const *)b)->op);
}

static size_t count(void) {
    size_t n = 0;
    for (size_t f = 0; f < TN_COUNT(folders); f++)
        for (const tn_op_past *p = folders[f]; p->op; p++) n++;
    return n;
}

static void sort(void) {
    sorted.v = calloc(count(), sizeof *sorted.v);
    if (!sorted.v) return;
    for (size_t f = 0; f < TN_COUNT(folders); f++)
        for (const tn_op_past *p = folders[f]; p->op; p++) sorted.v[sorted.n++] = p;
    tn_budget *before = tn_budget_enter(NULL); /* the first call may be one that is stopped */
    tn_sort(sorted.v, sorted.n, sizeof *sorted.v, by_name);
    tn_budget_leave(before);
}

static int by_key(const void *key, const void *at) { return strcmp(key, (*(const tn_op_past *const *)at)->op); }

const tn_op_past *tn_op_past_of(const char *type) {
    pthread_once(&once, sort);
    const tn_op_past **at = sorted.n ? bsearch(type, sorted.v, sorted.n, sizeof *sorted.v, by_key) : NULL;
    return at ? *at : NULL;
}

const tn_op_past *tn_op_past_at(int i) {
    pthread_once(&once, sort);
    return i >= 0 && (size_t)i < sorted.n ? sorted.v[i] : NULL;
}

bool tn_op_is_gone(const tn_op_past *p) {
    for (const tn_op_upgrade *u = p->upgrades; u && u->fn; u++)
        if (u->below == TN_ONNX_OPSET_MAX) return true;
    return false;
}

/* ------------------------------------------------------------------------------------------------------ upgrading */

static const tn_op_upgrade *upgrades_of(const tn_node *n) {
    const tn_op_past *p = *n->domain ? NULL : tn_op_past_of(n->type);
    return p ? p->upgrades : NULL;
}

bool tn_op_is_old(const tn_node *n) {
    for (const tn_op_upgrade *u = upgrades_of(n); u && u->fn; u++)
        if (n->version < u->below) return true;
    return false;
}

/* Every operator with a record has a first input (Scan: a later one). */
static tn_status check_inputs(const tn_node *n) {
    if ((n->n_inputs && n->inputs[0]) || !strcmp(n->type, "Scan")) return TN_OK;
    return tn_fail(TN_E_GRAPH, "%s: the first input is missing", tn_node_where(n));
}

/* An upgrade may change the type; those that follow are still the old type's. */
tn_status tn_op_upgrade_node(tn_node *n) {
    if (!*n->domain && n->version < 6) tn_attr_remove(n, "consumed_inputs");
    for (const tn_op_upgrade *u = upgrades_of(n); u && u->fn; u++) {
        if (n->version >= u->below) continue;
        TN_TRY(check_inputs(n));
        tn_build b = tn_build_for(n);
        TN_TRY(u->fn(&b));
        TN_TRY(b.st);
    }
    return TN_OK;
}

/* -------------------------------------------------------------------------------------------------------- writing */

static bool has_word(const char *words, const char *word) {
    size_t n = strlen(word);
    for (const char *p = words; (p = strstr(p, word)) != NULL; p += n)
        if ((p == words || p[-1] == ' ') && (p[n] == ' ' || !p[n])) return true;
    return false;
}

/* Unknown types fit everywhere. */
static bool type_fits(uint64_t set, const tn_value *v) {
    if (!v || v->type.kind == TN_KIND_NONE) return true;
    if (v->type.kind == TN_KIND_OPTIONAL) return (set & TN_OPTIONALS) != 0;
    if (v->type.kind != TN_KIND_TENSOR) return (set & TN_SEQUENCES) != 0;
    return v->type.dtype == TN_NONE || set & tn_dtype_bit(v->type.dtype);
}

const tn_type *tn_past_type(const tn_node *n, int i) {
    static const tn_type none = { .rank = -1 };
    return i < n->n_inputs && n->inputs[i] && n->inputs[i]->type.kind == TN_KIND_TENSOR ? &n->inputs[i]->type : &none;
}

int64_t tn_past_size(const tn_type *t, int i) {
    int at = i < 0 ? i + t->rank : i;
    return at >= 0 && at < t->rank && tn_dim_known(t->dims[at]) ? t->dims[at] : TN_DIM_UNKNOWN;
}

bool tn_past_type_differs(const tn_node *n, int input) {
    tn_dtype x = tn_past_type(n, 0)->dtype, y = tn_past_type(n, input)->dtype;
    return x != TN_NONE && y != TN_NONE && x != y;
}

static bool demanded(const tn_op_demand *d, const tn_node *n) {
    if (d->when) return d->when(n);
    if (d->attr) return tn_attr_is(n, d->attr, d->value, "");
    return !d->before || (d->input < n->n_inputs && !type_fits(d->before, n->inputs[d->input]));
}

/* The first version that can mean what the node means, whatever older ones accept. */
static int least_of(const tn_op_past *p, const tn_node *n) {
    int least = 1;
    for (const tn_op_demand *d = p->demands; d && d->since; d++)
        if (d->since > least && demanded(d, n)) least = d->since;
    return least;
}

static bool node_fits(const tn_node *n, const tn_op_version *v) {
    int in = n->n_inputs;
    while (in && !n->inputs[in - 1]) in--;
    if (in > v->inputs || n->n_outputs > v->outputs) return false;
    if (n->n_inputs && !type_fits(v->in, n->inputs[0])) return false;
    bool many = v->outputs == TN_MANY; /* If, Loop, Scan and others: all outputs are of one set of types */
    for (int i = 0; i < n->n_outputs && (i == 0 || many); i++)
        if (!type_fits(v->out, n->outputs[i])) return false;
    for (int i = 2; i < in && !strcmp(n->type, "Loop"); i++) /* the carried values too */
        if (!type_fits(v->out, n->inputs[i])) return false;
    for (int i = 0; i < n->n_attrs; i++)
        if (!has_word(v->attrs, n->attrs[i].name)) return false;
    return true;
}

int tn_op_lowest_opset(const tn_node *n) {
    const tn_op_past *p = tn_op_past_of(n->type);
    int least = p ? least_of(p, n) : 0, last = 0;
    for (const tn_op_version *v = p ? p->versions : NULL; v && v->since; v++) {
        last = v->since;
        if (last >= least && node_fits(n, v)) return last;
    }
    return last;
}
