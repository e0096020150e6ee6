/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* model.c - opening a model: bytes in, a checked graph with types out. */
#include "base/budget.h"
#include "base/file.h"
#include "format/findings.h"
#include "format/format.h"
#include "format/tnplan/tnplan.h"
#include "graph/internal.h"
#include "op/core/gradient.h"
#include "op/core/infer.h"

/* ------------------------------------------------------------------------------------------- unknown operators */

typedef struct missing_kind {
    const char *domain, *type, *first;
    int version, nodes;
    struct missing_kind *next;
} missing_kind;

typedef struct {
    tn_map *known;
    missing_kind *first, **end; /* in the order of the file */
    int n;
} missing_list;

static tn_status note_missing(tn_model *m, missing_list *l, const tn_node *n) {
    const char *key = tn_arena_printf(m->arena, "%s\1%s", n->domain, n->type);
    if (!key) return tn_fail(TN_E_NOMEM, "a list of operators");
    missing_kind *k = tn_map_gets(l->known, key);
    if (k) return k->nodes++, TN_OK;
    if (!(k = tn_arena_new_of(m->arena, missing_kind))) return tn_fail(TN_E_NOMEM, "a list of operators");
    *k = (missing_kind){ n->domain, n->type, n->name, n->version, 1, NULL };
    *l->end = k;
    l->end = &k->next;
    l->n++;
    return tn_map_put(l->known, key, strlen(key), k);
}

/* Outputs that are left out though the operator always makes them get a value: nothing reads it, but it is written. */
static tn_status name_outputs(tn_graph *g, tn_node *n) {
    for (int i = 0; i < n->n_outputs; i++) {
        if (n->outputs[i] || !tn_op_needs_output(n->op, i)) continue;
        tn_value *v = tn_value_new(g, n->type);
        if (!v) return TN_E_NOMEM;
        TN_TRY(tn_node_set_output(n, i, v));
    }
    return TN_OK;
}

/* Looks every operator up; what is not there is collected. */
static tn_status resolve(tn_graph *g, missing_list *l) {
    tn_graph_each(g, n) {
        n->op = tn_op_find(n->domain, n->type);
        if (n->op && n->op->flags & TN_OP_INTERNAL) n->op = NULL;
        if (!n->op) {
            TN_TRY(note_missing(g->model, l, n));
        } else if (n->version != TN_VERSION_BROKEN) {
            n->version = n->op->since;
            TN_TRY(name_outputs(g, n));
        }
        tn_node_each_graph(n, sub) TN_TRY(resolve(sub, l));
    }
    return TN_OK;
}

static void say_missing(const missing_kind *k, tn_text *t) {
    tn_text_printf(t, "%s (%s %d), used by node '%.100s'", k->type, *k->domain ? k->domain : "ai.onnx", k->version,
                   k->first);
    if (k->nodes > 1) tn_text_printf(t, " and %d more", k->nodes - 1);
}

static tn_status say_all_missing(tn_model *m, const missing_list *l) {
    tn_text t = { 0 };
    tn_status st = TN_OK;
    for (const missing_kind *k = l->first; k && st == TN_OK; k = k->next) {
        if (k == l->first || m->lenient)
            tn_text_puts(&t, l->n == 1 || m->lenient ? "unsupported operator: " : "unsupported operators: ");
        else
            tn_text_puts(&t, "; ");
        say_missing(k, &t);
        if (!m->lenient) continue;
        st = tn_find(m, TN_FINDING_ERROR, TN_E_UNSUPPORTED, NULL, "%s", t.s ? t.s : "an unsupported operator");
        t.n = 0;
    }
    if (l->n && !m->lenient) st = tn_fail(TN_E_UNSUPPORTED, "%s", t.s ? t.s : "unsupported operators");
    tn_text_free(&t);
    return st;
}

static tn_status resolve_all(tn_model *m) {
    missing_list l = { .known = tn_map_new(0) };
    l.end = &l.first;
    tn_status st = l.known ? resolve(m->graph, &l) : tn_fail(TN_E_NOMEM, "a list of operators");
    if (st == TN_OK) st = say_all_missing(m, &l);
    tn_map_free(&l.known);
    return st;
}

/* ------------------------------------------------------------------------------------------------------ checking */

/* A model that is opened to be looked at: nodes that are not as their rows want lose their row, so that no rule sees
 * them. The rest of what tn_graph_check asks holds for whatever the reader builds. */
static tn_status check_each(tn_graph *g) {
    tn_graph_each(g, n) {
        bool broken = n->version == TN_VERSION_BROKEN; /* said already */
        if (n->op && !broken) {
            tn_status st = tn_op_check_node(n);
            broken = st != TN_OK;
            TN_TRY(tn_find_failure(g->model, st));
        }
        if (broken) n->op = NULL;
        tn_node_each_graph(n, sub) TN_TRY(check_each(sub));
    }
    return TN_OK;
}

static tn_status check(tn_model *m) { return m->lenient ? check_each(m->graph) : tn_graph_check(m->graph); }

/* --------------------------------------------------------------------------------------------------------- types */

/* Files are often wrong about types (a batch size was edited in one place only, a graph was converted to float16), so
 * nothing relies on them: inference starts from the inputs and constants alone. A type that is not so is said. */
static bool contradicts(const tn_type *is, const tn_type *said) {
    tn_type both = *is;
    if (is->kind == TN_KIND_OPTIONAL || said->kind == TN_KIND_OPTIONAL) return false; /* a full one is its content */
    if (tn_type_merge(&both, said) == TN_OK) return false;
    tn_error_clear();
    return true;
}

static tn_status say_wrong(tn_model *m, const tn_declared *d) {
    tn_text is = { 0 }, said = { 0 };
    tn_type_print(m->syms, &d->type, &said);
    tn_type_print(m->syms, &d->value->type, &is);
    tn_status st = tn_find(m, TN_FINDING_WARNING, TN_OK, d->output ? NULL : "value_info",
                           "%s '%.200s' is declared as %.200s but is %.200s", d->output ? "output" : "value",
                           d->value->name, said.s ? said.s : "?", is.s ? is.s : "?");
    tn_text_free(&is);
    tn_text_free(&said);
    return st;
}

static bool has_gaps(const tn_type *t) {
    if (t->kind == TN_KIND_NONE || (t->kind != TN_KIND_TENSOR && !t->elem)) return true;
    bool open = t->kind == TN_KIND_TENSOR && (t->rank < 0 || t->dtype == TN_NONE);
    for (int i = 0; t->kind == TN_KIND_TENSOR && i < t->rank; i++) open |= t->dims[i] == TN_DIM_UNKNOWN;
    return open;
}

/* What people see of an output where inference knows less than the file. */
static tn_status keep_declared(tn_model *m, const tn_declared *d) {
    tn_type *t = tn_arena_new_of(m->arena, tn_type);
    if (!t) return tn_fail(TN_E_NOMEM, "a type");
    *t = d->type;
    for (int i = 0; t->kind == TN_KIND_TENSOR && i < t->rank; i++)
        if (t->dims[i] == TN_DIM_UNKNOWN && d->symbols[i]) t->dims[i] = tn_sym(m->syms, d->symbols[i]);
    d->value->declared = t;
    return TN_OK;
}

static tn_status verify(tn_model *m, const tn_declared_list *declared) {
    for (size_t i = 0; i < declared->n; i++) {
        const tn_declared *d = &declared->items[i];
        bool outer = d->value->graph == m->graph;
        if (d->value->constant || (!d->output && outer && tn_value_is_output(d->value))) continue;
        if (contradicts(&d->value->type, &d->type))
            TN_TRY(say_wrong(m, d));
        else if (d->output && outer && has_gaps(&d->value->type))
            TN_TRY(keep_declared(m, d));
    }
    return TN_OK;
}

/* ------------------------------------------------------------------------------------------------------- opening */

static tn_status failed_rule(void *user, const tn_node *n, tn_status st) { return tn_find_failure(user, st); }

/* It was a checked graph once; what it is now shows as it did then. */
static tn_status load_compiled(tn_model *m, const uint8_t *data, size_t size) {
    TN_TRY(tn_plan_read(m, data, size));
    if (tn_budget_stopped()) return TN_E_CANCELLED;
    TN_TRY(tn_graph_check(m->graph));
    return tn_graph_infer(m->graph);
}

static tn_status load(tn_model *m, const uint8_t *data, size_t size) {
    if (tn_plan_is(data, size)) return load_compiled(m, data, size);
    tn_declared_list declared = { 0 };
    TN_TRY(tn_onnx_read(m, data, size, &declared));
    if (tn_budget_stopped()) return TN_E_CANCELLED; /* the budget's owner says what it was */
    TN_TRY(tn_onnx_upgrade(m));
    if (tn_budget_stopped()) return TN_E_CANCELLED;
    TN_TRY(resolve_all(m));
    if (!m->broken) TN_TRY(tn_gradient_nodes_open(m));
    TN_TRY(tn_graph_sort(m->graph));
    TN_TRY(check(m));
    TN_TRY(tn_graph_infer_all(m->graph, m->lenient ? failed_rule : NULL, m));
    TN_TRY(verify(m, &declared));
    return m->broken ? TN_OK : tn_gradient_nodes(m);
}

/* ------------------------------------------------------------------------------------------------------- bounds */

static const tn_budget_words open_words = { .what = "reading the model",
                                            .bytes = "tn_model_opts.mem_limit",
                                            .nodes = "tn_model_opts.node_limit",
                                            .work = "tn_model_opts.work_limit",
                                            .time = "tn_model_opts.timeout_ns" };

static uint64_t or_else(uint64_t given, uint64_t dflt) { return given ? given : dflt; }

tn_status tn_bounds_enter(tn_bounds *at, const tn_model_opts *opts, const tn_budget_words *words, uint64_t bytes) {
    static const tn_model_opts none;
    const tn_model_opts *o = opts ? opts : &none;
    tn_budget *b = &at->budget;
    *b = (tn_budget){ .words = words, .cancel = o->cancel, .around = tn_budget_now() };
    tn_budget_set_timeout(b, o->timeout_ns);
    b->node_limit = or_else(o->node_limit, (UINT64_C(4) << 20) + bytes / 8);
    b->work_limit = or_else(o->work_limit, (UINT64_C(1) << 32) + 256 * bytes);
    b->account = tn_account_new(or_else(o->mem_limit, (UINT64_C(1) << 30) + 16 * bytes));
    if (!b->account) return tn_fail(TN_E_NOMEM, "no memory for %s", words->what);
    at->before = tn_budget_enter(b);
    return TN_OK;
}

tn_status tn_bounds_leave(tn_bounds *b, tn_status st) {
    tn_budget_leave(b->before);
    st = tn_budget_verdict(&b->budget, st, NULL);
    tn_account_close(&b->budget.account);
    return st;
}

uint64_t tn_model_bytes(const tn_model *m) {
    enum { OF_A_VALUE = 64 }; /* its name, its part of a node */
    uint64_t bytes = 0;
    for (int i = 0; i < m->n_values; i++) {
        bytes += OF_A_VALUE;
        if (m->values[i] && m->values[i]->constant) bytes += tn_tensor_bytes(m->values[i]->constant);
    }
    return bytes;
}

static tn_status open_file(tn_model *m, const char *path, tn_file **file) {
    m->path = tn_arena_strdup(m->arena, path);
    m->files = tn_arena_array(m->arena, struct tn_file *, 1);
    if (!m->path || !m->files) return tn_fail(TN_E_NOMEM, "opening a model");
    const tn_file *f = m->files[m->n_files++] = *file;
    *file = NULL; /* the model's now */
    return load(m, f->data, f->size);
}

tn_status tn_model_open_with(const char *path, const tn_model_opts *opts, tn_model **out) {
    tn_model_opts o = { 0 };
    tn_model *m = NULL;
    tn_file *file = NULL;
    tn_bounds b;
    *out = NULL;
    TN_TRY(tn_take_opts(&o, sizeof o, opts, "tn_model_opts"));
    TN_TRY(tn_file_map(path, &file));
    tn_status st = tn_bounds_enter(&b, &o, &open_words, file->size);
    if (st == TN_OK) {
        if ((st = tn_model_new(&m)) == TN_OK) {
            m->lenient = o.inspect;
            st = open_file(m, path, &file);
        }
        if ((st = tn_bounds_leave(&b, st)) != TN_OK) tn_fail_at(st, "%s", path);
    }
    if (st != TN_OK)
        tn_model_close(&m);
    else if (!m->lenient)
        tn_findings_log(m);
    *out = m;
    tn_file_close(&file);
    return st;
}

tn_status tn_model_open_memory_with(const void *data, size_t bytes, const tn_model_opts *opts, tn_model **out) {
    tn_model_opts o = { 0 };
    tn_model *m = NULL;
    tn_bounds b;
    *out = NULL;
    if (!data && bytes) return tn_fail(TN_E_INVALID, "tn_model_open_memory: data is NULL");
    TN_TRY(tn_take_opts(&o, sizeof o, opts, "tn_model_opts"));
    TN_TRY(tn_bounds_enter(&b, &o, &open_words, bytes));
    tn_status st = tn_model_new(&m);
    if (st == TN_OK) {
        m->lenient = o.inspect;
        st = load(m, data, bytes);
    }
    if ((st = tn_bounds_leave(&b, st)) != TN_OK)
        tn_model_close(&m);
    else if (!m->lenient)
        tn_findings_log(m);
    *out = m;
    return st;
}

tn_status tn_model_open(const char *path, tn_model **out) { return tn_model_open_with(path, NULL, out); }

tn_status tn_model_open_memory(const void *data, size_t bytes, tn_model **out) {
    return tn_model_open_memory_with(data, bytes, NULL, out);
}

/* ----------------------------------------------------------------------------------------------- looking at a model */

size_t tn_model_inputs(const tn_model *m) { return (size_t)m->graph->n_inputs; }
size_t tn_model_outputs(const tn_model *m) { return (size_t)m->graph->n_outputs; }

static const char *symbol_text(const tn_model *m, tn_dim d) {
    for (int i = 0; i < tn_sym_count(m->syms); i++)
        if (tn_sym_at(m->syms, i) == d) return tn_sym_name(m->syms, i);
    return NULL;
}

static void describe(const tn_model *m, const tn_value *v, tn_value_info *out) {
    const tn_type shown = tn_value_shown(v), *t = &shown;
    *out = (tn_value_info){ .name = v->name, .rank = -1, .optional = v->is_input && v->fallback };
    if (t->kind != TN_KIND_TENSOR) return;
    out->dtype = t->dtype;
    out->rank = t->rank;
    for (int i = 0; i < t->rank; i++) {
        out->dims[i] = tn_dim_known(t->dims[i]) ? t->dims[i] : -1;
        if (tn_dim_symbolic(t->dims[i])) out->symbols[i] = symbol_text(m, t->dims[i]);
    }
}

tn_status tn_model_input(const tn_model *m, size_t i, tn_value_info *out) {
    if (i >= tn_model_inputs(m)) return tn_fail(TN_E_INVALID, "input %zu of %zu", i, tn_model_inputs(m));
    describe(m, m->graph->inputs[i], out);
    return TN_OK;
}

tn_status tn_model_output(const tn_model *m, size_t i, tn_value_info *out) {
    if (i >= tn_model_outputs(m)) return tn_fail(TN_E_INVALID, "output %zu of %zu", i, tn_model_outputs(m));
    describe(m, m->graph->outputs[i], out);
    return TN_OK;
}
