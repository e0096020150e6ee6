/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* op.c - the registry of operators, and checking nodes against their rows. */
#include "op/core/op.h"
#include "base/budget.h"
#include "base/log.h"
#include "base/number.h"
#include "base/sort.h"
#include "op/core/expand.h"
#include "op/core/infer.h"
#include "tensor/encoding.h"
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TN_OPS(folder, file) extern const tn_op tn_ops_##file[];
#include "op/core/ops.def"

const tn_op *const tn_op_families[] = {
#define TN_OPS(folder, file) tn_ops_##file,
#include "op/core/ops.def"
    NULL,
};

/* --------------------------------------------------------------------------------------------------------- registry */

/* Made once, as large as the rows are many; it stays until the process ends. Without memory for it no operator is
 * known. */
static struct {
    const tn_op **sorted, **expanded, **slots; /* rows that run; rows that are expanded, in the order of ops.def; all */
    int n, n_expanded;
    size_t mask; /* slots - 1: a power of two, at least twice the rows */
} registry;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static const char *domain_of(const char *domain) { return !domain || !strcmp(domain, "ai.onnx") ? "" : domain; }

static size_t slot_of(const char *domain, const char *type) {
    uint64_t h = UINT64_C(0xcbf29ce484222325);
    for (const char *p = domain; *p; p++) h = (h ^ (uint8_t)*p) * UINT64_C(0x100000001b3);
    h *= 31;
    for (const char *p = type; *p; p++) h = (h ^ (uint8_t)*p) * UINT64_C(0x100000001b3);
    return (h ^ (h >> 23)) & registry.mask;
}

static int by_name(const void *a, const void *b) {
    const tn_op *x = *(const tn_op *const *)a, *y = *(const tn_op *const *)b;
    int d = strcmp(domain_of(x->domain), domain_of(y->domain));
    return d ? d : strcmp(x->name, y->name);
}

static size_t count_rows(void) {
    size_t n = 0;
    for (const tn_op *const *family = tn_op_families; *family; family++)
        for (const tn_op *op = *family; op->name; op++) n++;
    return n;
}

static bool make_room(void) {
    size_t rows = count_rows(), slots = 64;
    while (slots < 2 * rows) slots *= 2;
    const tn_op **room = calloc(2 * rows + slots, sizeof *room);
    if (!room) return false;
    registry.sorted = room, registry.expanded = room + rows;
    registry.slots = room + 2 * rows, registry.mask = slots - 1;
    return true;
}

static void fill_registry(void) {
    if (!make_room()) return;
    for (const tn_op *const *family = tn_op_families; *family; family++) {
        for (const tn_op *op = *family; op->name; op++) {
            if (op->expand)
                registry.expanded[registry.n_expanded++] = op;
            else
                registry.sorted[registry.n++] = op;
            size_t at = slot_of(domain_of(op->domain), op->name);
            while (registry.slots[at]) at = (at + 1) & registry.mask;
            registry.slots[at] = op;
        }
    }
    tn_budget *before = tn_budget_enter(NULL); /* the first call may be one that is stopped */
    tn_sort(registry.sorted, (size_t)registry.n, sizeof *registry.sorted, by_name);
    tn_budget_leave(before);
}

static const tn_op *find(const char *domain, const char *type, bool expanded) {
    pthread_once(&once, fill_registry);
    domain = domain_of(domain);
    if (!registry.slots) return NULL;
    for (size_t at = slot_of(domain, type); registry.slots[at]; at = (at + 1) & registry.mask) {
        const tn_op *op = registry.slots[at];
        bool named = !strcmp(op->name, type) && !strcmp(domain_of(op->domain), domain);
        if (named && (op->expand != NULL) == expanded) return op;
    }
    return NULL;
}

const tn_op *tn_op_find(const char *domain, const char *type) { return find(domain, type, false); }

/* What has no row is expanded, and of its newest version. */
static void resolve(tn_node *n) {
    n->op = tn_op_find(n->domain, n->type);
    n->version = n->op ? n->op->since : *n->domain ? 1 : TN_ONNX_OPSET_MAX;
}

__attribute__((constructor)) static void tell_graph(void) { tn_node_resolve = resolve; }

const tn_op *tn_op_expanded(const char *domain, const char *type) { return find(domain, type, true); }

const tn_op *tn_op_expanded_at(int i) {
    pthread_once(&once, fill_registry);
    return i >= 0 && i < registry.n_expanded ? registry.expanded[i] : NULL;
}

int tn_op_count(void) {
    pthread_once(&once, fill_registry);
    return registry.n;
}

const tn_op *tn_op_at(int i) {
    pthread_once(&once, fill_registry);
    return registry.sorted[i];
}

/* --------------------------------------------------------------------------------------------------------- counting */

int tn_op_min_inputs(const tn_op *op) {
    int n = 0, least = 0;
    for (const tn_port *p = op->in; p && p->name; p++) {
        n++;
        if (!p->optional) least = n;
    }
    return least;
}

static int max_ports(const tn_port *p) {
    int n = 0;
    for (; p && p->name; p++, n++)
        if (p->variadic) return INT_MAX;
    return n;
}

int tn_op_max_inputs(const tn_op *op) { return max_ports(op->in); }

static const tn_port *port_at(const tn_port *p, int i) { /* the last one may repeat */
    for (; p && p->name; p++, i--)
        if (i == 0 || p->variadic) return p;
    return NULL;
}

bool tn_op_needs_output(const tn_op *op, int i) {
    const tn_port *p = port_at(op->out, i);
    return p && !p->optional && !p->variadic;
}

/* --------------------------------------------------------------------------------------------------------- checking */

static const char *const kind_names[] = {
    [TN_ATTR_NONE] = "nothing",    [TN_ATTR_FLOAT] = "a float",   [TN_ATTR_INT] = "an integer",
    [TN_ATTR_STRING] = "a string", [TN_ATTR_TENSOR] = "a tensor", [TN_ATTR_GRAPH] = "a graph",
    [TN_ATTR_FLOATS] = "floats",   [TN_ATTR_INTS] = "integers",   [TN_ATTR_STRINGS] = "strings",
    [TN_ATTR_TENSORS] = "tensors", [TN_ATTR_GRAPHS] = "graphs",   [TN_ATTR_TYPE] = "a type",
};

/* Which of "one|two|three" it is; -1: none. */
static int word_index(const char *words, tn_string s) {
    int i = 0;
    for (const char *w = words; w; i++) {
        const char *end = strchr(w, '|');
        size_t n = end ? (size_t)(end - w) : strlen(w);
        if (n == s.len && !memcmp(w, s.ptr, n)) return i;
        w = end ? end + 1 : NULL;
    }
    return -1;
}

static tn_status check_attr(const tn_node *n, const tn_attr_spec *spec, const tn_attr *a) {
    if (spec->kind != TN_ATTR_NONE && a->kind != spec->kind)
        return tn_op_fail(n, TN_E_INVALID, "attribute '%s' is %s, should be %s", spec->name, kind_names[a->kind],
                          kind_names[spec->kind]);
    if (a->kind == TN_ATTR_STRING && spec->words && word_index(spec->words, a->s) < 0)
        return tn_op_fail(n, TN_E_INVALID, "attribute '%s' is '%.*s', should be one of %s", spec->name,
                          (int)(a->s.len < 60 ? a->s.len : 60), a->s.ptr, spec->words);
    if (spec->max <= spec->min) return TN_OK;
    const int64_t *v = a->kind == TN_ATTR_INTS ? a->ints : a->kind == TN_ATTR_INT ? &a->i : NULL;
    size_t count = a->kind == TN_ATTR_INTS ? a->n : v ? 1 : 0;
    for (size_t i = 0; i < count; i++)
        if (v[i] < spec->min || v[i] > spec->max)
            return tn_op_fail(n, TN_E_INVALID, "attribute '%s' holds %lld, allowed is %lld to %lld", spec->name,
                              (long long)v[i], (long long)spec->min, (long long)spec->max);
    return TN_OK;
}

/* --------------------------------------------------------------------------------------- attributes into a struct */

static tn_string as_string(const char *s) { return (tn_string){ s, s ? strlen(s) : 0 }; }

static tn_status store_dtype(const tn_node *n, const tn_attr_spec *s, const tn_attr *a, tn_dtype *out) {
    bool given = a && a->i != 0; /* 0, UNDEFINED: as if it were absent */
    *out = given ? tn_dtype_from_onnx(a->i) : (tn_dtype)s->dflt_i;
    if (given && *out == TN_NONE)
        return tn_op_fail(n, TN_E_INVALID, "attribute '%s' is %lld, which is no element type", s->name,
                          (long long)a->i);
    return TN_OK;
}

/* An empty list that is there is not NULL. */
static tn_ints list_ints(const tn_attr *a) {
    static const int64_t none;
    return a ? (tn_ints){ a->n ? a->ints : &none, a->n } : (tn_ints){ NULL, 0 };
}
static tn_floats list_floats(const tn_attr *a) {
    static const float none;
    return a ? (tn_floats){ a->n ? a->floats : &none, a->n } : (tn_floats){ NULL, 0 };
}
static tn_strings list_strings(const tn_attr *a) {
    static const tn_string none;
    return a ? (tn_strings){ a->n ? a->strings : &none, a->n } : (tn_strings){ NULL, 0 };
}

static tn_status store(const tn_node *n, const tn_attr_spec *s, const tn_attr *a, void *to) {
    tn_string text = a && a->kind == TN_ATTR_STRING ? a->s : as_string(s->dflt);
    switch (s->store) {
    case TN_STORE_NONE: break;
    case TN_STORE_INT: *(int64_t *)to = a ? a->i : s->dflt_i; break;
    case TN_STORE_FLAG: *(bool *)to = (a ? a->i : s->dflt_i) != 0; break;
    case TN_STORE_DTYPE: return store_dtype(n, s, a, to);
    case TN_STORE_FLOAT: *(float *)to = a ? a->f : s->dflt_f; break;
    case TN_STORE_MAYBE: *(tn_maybe_float *)to = (tn_maybe_float){ a != NULL, a ? a->f : 0 }; break;
    case TN_STORE_STRING: *(tn_string *)to = text; break;
    case TN_STORE_WORD: *(int *)to = text.ptr ? word_index(s->words, text) : -1; break;
    case TN_STORE_INTS: *(tn_ints *)to = list_ints(a); break;
    case TN_STORE_FLOATS: *(tn_floats *)to = list_floats(a); break;
    case TN_STORE_STRINGS: *(tn_strings *)to = list_strings(a); break;
    case TN_STORE_TENSOR: *(const tn_tensor **)to = a ? a->tensor : NULL; break;
    case TN_STORE_GRAPH: *(tn_graph **)to = a ? a->graph : NULL; break;
    case TN_STORE_ATTR: *(const tn_attr **)to = a; break;
    }
    return TN_OK;
}

static tn_status check_one(const tn_node *n, const tn_attr_spec *s, const tn_attr *a) {
    if (a) return check_attr(n, s, a);
    if (!s->required) return TN_OK;
    return tn_op_fail(n, TN_E_GRAPH, "attribute '%s' (%s) is missing", s->name, kind_names[s->kind]);
}

tn_status tn_op_fill_attrs(const tn_node *n, const tn_attr_spec *specs, void *to) {
    for (const tn_attr_spec *s = specs; s && s->name; s++) {
        const tn_attr *attr = tn_attr_find(n, s->name);
        TN_TRY(check_one(n, s, attr));
        TN_TRY(store(n, s, attr, (char *)to + s->at));
    }
    return TN_OK;
}

tn_status tn_op_read_attrs(const tn_node *n, const tn_op *op, tn_arena *a, const void **out) {
    *out = NULL;
    if (!op->attrs_bytes) return TN_OK;
    void *to = tn_arena_alloc(a, op->attrs_bytes, _Alignof(max_align_t));
    if (!to) return tn_op_fail(n, TN_E_NOMEM, "no memory for its attributes");
    memset(to, 0, op->attrs_bytes); /* members that this row of a family does not describe */
    TN_TRY(tn_op_fill_attrs(n, op->attrs, to));
    *out = to;
    return TN_OK;
}

/* ------------------------------------------------------------------------------------------------------------ nodes */

static tn_status unsupported(const tn_node *n) {
    int version = n->version;
    const tn_model *m = n->graph ? n->graph->model : NULL;
    for (int i = 0; m && !version && i < m->n_opsets; i++)
        if (!strcmp(domain_of(m->opsets[i].domain), n->domain)) version = (int)m->opsets[i].version;
    return tn_fail(TN_E_UNSUPPORTED, "operator %s (%s %d) is not supported; used by node '%s'", n->type,
                   *n->domain ? n->domain : "ai.onnx", version, n->name);
}

static void note_extra_attrs(const tn_node *n) {
    if (tn_log_get() < TN_LOG_DEBUG) return;
    for (int i = 0; i < n->n_attrs; i++) {
        const tn_attr_spec *s = n->op->attrs;
        while (s && s->name && strcmp(s->name, n->attrs[i].name)) s++;
        if (!s || !s->name)
            tn_log(TN_LOG_DEBUG, "%s has an attribute '%s' that its operator does not know; it is ignored",
                   tn_node_where(n), n->attrs[i].name);
    }
}

tn_status tn_op_check_node_as(const tn_node *n, const tn_op *op) {
    int least = tn_op_min_inputs(op), most = tn_op_max_inputs(op), most_out = max_ports(op->out);
    if (n->n_inputs < least) return tn_op_fail(n, TN_E_GRAPH, "has %d inputs, needs at least %d", n->n_inputs, least);
    if (n->n_inputs > most) return tn_op_fail(n, TN_E_GRAPH, "has %d inputs, can have at most %d", n->n_inputs, most);
    if (n->n_outputs > most_out)
        return tn_op_fail(n, TN_E_GRAPH, "has %d outputs, can have at most %d", n->n_outputs, most_out);
    for (int i = 0; i < n->n_inputs; i++) {
        const tn_port *p = port_at(op->in, i);
        if (!n->inputs[i] && !p->optional) return tn_op_fail(n, TN_E_GRAPH, "input %d (%s) is missing", i, p->name);
    }
    for (const tn_attr_spec *s = op->attrs; s && s->name; s++) TN_TRY(check_one(n, s, tn_attr_find(n, s->name)));
    return TN_OK;
}

tn_status tn_op_check_node(const tn_node *n) {
    if (!n->op) return unsupported(n);
    TN_TRY(tn_op_check_node_as(n, n->op));
    note_extra_attrs(n);
    return TN_OK;
}

static void list_types(uint64_t types, tn_text *t) {
    for (int i = 1; i < TN_DTYPE_COUNT; i++)
        if (types & tn_dtype_bit(i)) tn_text_printf(t, "%s%s", t->n ? ", " : "", tn_dtype_name((tn_dtype)i));
}

static tn_status wrong_type(const tn_node *n, int i, const tn_port *p, const tn_type *t) {
    tn_text text = { 0 }, allowed = { 0 };
    tn_type_print(n->graph ? n->graph->model->syms : NULL, t, &text);
    list_types(p->types, &allowed);
    tn_status st = tn_op_fail(n, TN_E_TYPE, "input %d (%s) is %s; allowed: %s", i, p->name, text.s ? text.s : "?",
                              allowed.s ? allowed.s : "?");
    tn_text_free(&text);
    tn_text_free(&allowed);
    return st;
}

tn_status tn_op_check_types_as(const tn_node *n, const tn_op *op, const tn_type *const *in, int n_in) {
    struct {
        tn_dtype type;
        int input;
    } bound[128] = { 0 };
    for (int i = 0; i < n_in; i++) {
        const tn_port *p = port_at(op->in, i);
        if (!p || !in[i] || in[i]->kind == TN_KIND_NONE || !p->types) continue;
        if (in[i]->kind != TN_KIND_TENSOR) return wrong_type(n, i, p, in[i]);
        if (in[i]->dtype == TN_NONE) continue;
        if (!(p->types & tn_dtype_bit(in[i]->dtype))) return wrong_type(n, i, p, in[i]);
        if (!p->group) continue;
        int g = p->group & 127;
        if (bound[g].type == TN_NONE) {
            bound[g].type = in[i]->dtype;
            bound[g].input = i;
        } else if (bound[g].type != in[i]->dtype) {
            return tn_op_fail(n, TN_E_TYPE, "input %d (%s) is %s, but input %d (%s) is %s; they must be of one type", i,
                              p->name, tn_dtype_name(in[i]->dtype), bound[g].input,
                              port_at(op->in, bound[g].input)->name, tn_dtype_name(bound[g].type));
        }
    }
    return TN_OK;
}

bool tn_op_takes_rows(const tn_op *op, int i) {
    const tn_port *p = port_at(op->in, i);
    return p && p->rows;
}

tn_status tn_op_check_encoded(const tn_node *n, int i, const tn_tensor *t) {
    if (!t || !t->encoding) return TN_OK;
    const tn_port *p = n->op ? port_at(n->op->in, i) : NULL;
    if (!p || !p->encoded)
        return tn_op_fail(n, TN_E_UNSUPPORTED,
                          "input %d (%s) holds %s blocks, which this operator does not take; MatMul and Gemm (as B), "
                          "Gather (as data) and MoE (as weights) do",
                          i, p ? p->name : "unknown", t->encoding->name);
    tn_status st = tn_encoding_check(t->encoding);
    return st == TN_OK ? st : tn_fail_at(st, "%s", tn_node_where(n));
}

tn_status tn_op_check_types(const tn_node *n, const tn_type *const *in, int n_in) {
    return tn_op_check_types_as(n, n->op, in, n_in);
}

tn_status tn_op_fail(const tn_node *n, tn_status s, const char *fmt, ...) {
    char text[4096];
    va_list ap;
    va_start(ap, fmt);
    tn_vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    return tn_fail(s, "%s: %s", tn_node_where(n), text);
}

/* ------------------------------------------------------------------------------------------------------------- cost */

static double bytes_of(tn_syms *s, const tn_type *t) { /* 0 when it is not known */
    tn_dim n = t ? tn_type_count(s, t) : TN_DIM_UNKNOWN;
    size_t bytes;
    return tn_dim_known(n) && n >= 0 && t->dtype != TN_NONE && tn_dtype_bytes(t->dtype, n, &bytes) ? (double)bytes : 0;
}

tn_status tn_op_prepare(const tn_op *op, tn_prep *p) {
    tn_status st = op->prepare(p);
    if (st == TN_OK && tn_budget_stopped()) st = tn_op_fail(p->types.node, TN_E_CANCELLED, "stopped"); /* half made */
    if (st == TN_OK) return st;
    if (p->state && op->release) op->release(p->state);
    p->state = NULL;
    return st;
}

tn_status tn_op_cost(tn_infer *c, tn_cost *out) {
    const tn_op *op = c->node->op;
    *out = (tn_cost){ 0 };
    if (op && !c->attrs) TN_TRY(tn_op_read_attrs(c->node, op, c->arena, &c->attrs));
    if (op && op->flags & TN_OP_ALIAS) return TN_OK;
    if (!(op && op->flags & TN_OP_SHAPE_ONLY))
        for (int i = 0; i < c->n_in; i++) {
            const tn_encoding *e = tn_infer_encoding(c, i);
            out->bytes_read += bytes_of(c->syms, c->in[i]) * (e ? tn_encoding_bits(e) / 32 : 1);
        }
    for (int i = 0; i < c->n_out; i++) out->bytes_written += bytes_of(c->syms, &c->out[i]);
    if (op && op->flags & TN_OP_POINTWISE && c->n_out && c->out[0].kind == TN_KIND_TENSOR) {
        tn_dim n = tn_type_count(c->syms, &c->out[0]);
        if (tn_dim_known(n)) out->flops = (double)n;
    }
    return op && op->cost ? op->cost(c, out) : TN_OK; /* a row corrects what it knows better */
}
