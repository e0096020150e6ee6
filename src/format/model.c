/* model.c - opening a model: bytes in, a checked graph with types out. */
#include "base/budget.h"
#include "base/file.h"
#include "base/log.h"
#include "format/format.h"
#include "op/gradient.h"
#include "op/op.h"

/* ------------------------------------------------------------------------------------------- unknown operators */

typedef struct {
    const char *domain, *type, *first;
    int version, nodes;
} missing_kind;

typedef struct {
    missing_kind *kinds;
    int n, cap;
} missing_list;

static tn_status note_missing(tn_model *m, missing_list *l, const tn_node *n) {
    for (int i = 0; i < l->n; i++)
        if (!strcmp(l->kinds[i].type, n->type) && !strcmp(l->kinds[i].domain, n->domain))
            return l->kinds[i].nodes++, TN_OK;
    if (l->n == l->cap) {
        int want = l->cap ? l->cap * 2 : 16;
        missing_kind *wider = tn_arena_array(m->arena, missing_kind, (size_t)want);
        if (!wider) return tn_fail(TN_E_NOMEM, "a list of operators");
        if (l->n) memcpy(wider, l->kinds, sizeof *wider * (size_t)l->n);
        l->kinds = wider;
        l->cap = want;
    }
    l->kinds[l->n++] = (missing_kind){ n->domain, n->type, n->name, n->version, 1 };
    return TN_OK;
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
        if (!n->op || (n->op->flags & TN_OP_INTERNAL)) {
            TN_TRY(note_missing(g->model, l, n));
        } else {
            n->version = n->op->since;
            TN_TRY(name_outputs(g, n));
        }
        for (int i = 0; i < n->n_attrs; i++) {
            const tn_attr *a = &n->attrs[i];
            if (a->kind == TN_ATTR_GRAPH) TN_TRY(resolve(a->graph, l));
            for (size_t k = 0; a->kind == TN_ATTR_GRAPHS && k < a->n; k++) TN_TRY(resolve(a->graphs[k], l));
        }
    }
    return TN_OK;
}

static tn_status resolve_all(tn_model *m) {
    missing_list l = { 0 };
    TN_TRY(resolve(m->graph, &l));
    if (!l.n) return TN_OK;
    tn_text t = { 0 };
    tn_text_puts(&t, l.n == 1 ? "unsupported operator: " : "unsupported operators: ");
    for (int i = 0; i < l.n; i++) {
        const missing_kind *k = &l.kinds[i];
        tn_text_printf(&t, "%s%s (%s %d), used by node '%.100s'", i ? "; " : "", k->type,
                       *k->domain ? k->domain : "ai.onnx", k->version, k->first);
        if (k->nodes > 1) tn_text_printf(&t, " and %d more", k->nodes - 1);
    }
    tn_status st = tn_fail(TN_E_UNSUPPORTED, "%s", t.s ? t.s : "unsupported operators");
    tn_text_free(&t);
    return st;
}

/* --------------------------------------------------------------------------------------------------------- types */

static void forget_types(tn_model *m) {
    for (int i = 0; i < m->n_values; i++) {
        tn_value *v = m->values[i];
        bool main_input = v->is_input && v->graph == m->graph;
        if (main_input || v->constant) continue;
        v->type = (tn_type){ .rank = -1 };
        v->content = NULL;
    }
}

/* What the file says of intermediate values helps where an operator's result depends on data. */
static void declare(const tn_declared_list *declared) {
    for (size_t i = 0; i < declared->n; i++) {
        tn_value *v = declared->items[i].value;
        if (v->constant || v->is_input) continue;
        if (tn_type_merge(&v->type, &declared->items[i].type) != TN_OK) tn_error_clear();
    }
}

/* Files are often wrong there (a batch size was edited in one place only), so a contradiction drops all of it. */
static tn_status infer(tn_model *m, const tn_declared_list *declared) {
    tn_status st = tn_graph_infer(m->graph);
    if ((st == TN_E_SHAPE || st == TN_E_TYPE) && declared->n) {
        tn_log(TN_LOG_INFO, "types that the file states are ignored: %s", tn_error());
        forget_types(m);
        st = tn_graph_infer(m->graph);
    }
    TN_TRY(st);
    for (size_t i = 0; i < declared->n; i++) { /* names of dimensions that inference could not express */
        tn_value *v = declared->items[i].value;
        const tn_type *t = &declared->items[i].type;
        if (v->type.kind != TN_KIND_TENSOR || v->type.rank != t->rank || v->constant || v->is_input) continue;
        for (int d = 0; d < t->rank; d++)
            if (v->type.dims[d] == TN_DIM_UNKNOWN && declared->items[i].symbols[d] && tn_value_is_output(v))
                v->type.dims[d] = tn_sym(m->syms, declared->items[i].symbols[d]);
    }
    return TN_OK;
}

/* ------------------------------------------------------------------------------------------------------- opening */

static tn_status load(tn_model *m, const uint8_t *data, size_t size) {
    tn_declared_list declared = { 0 };
    TN_TRY(tn_onnx_read(m, data, size, &declared));
    if (tn_budget_stopped()) return TN_E_CANCELLED; /* the budget's owner says what it was */
    declare(&declared);
    TN_TRY(tn_onnx_upgrade(m));
    if (tn_budget_stopped()) return TN_E_CANCELLED;
    TN_TRY(resolve_all(m));
    TN_TRY(tn_gradient_nodes_open(m));
    TN_TRY(tn_graph_sort(m->graph));
    TN_TRY(tn_graph_check(m->graph));
    TN_TRY(infer(m, &declared));
    return tn_gradient_nodes(m);
}

/* ------------------------------------------------------------------------------------------------------- bounds */

static const tn_budget_words open_words = { .what = "reading the model",
                                            .bytes = "tn_model_opts.mem_limit",
                                            .nodes = "tn_model_opts.node_limit",
                                            .work = "tn_model_opts.work_limit",
                                            .time = "tn_model_opts.timeout_ns" };

static uint64_t or_else(uint64_t given, uint64_t dflt) { return given ? given : dflt; }

/* What this file may take: as asked for, else in proportion to it. Its account is closed by end_budget. */
static tn_status make_budget(tn_budget *b, const tn_model_opts *o, uint64_t file_bytes) {
    *b = (tn_budget){ .words = &open_words, .cancel = o->cancel };
    tn_budget_set_timeout(b, o->timeout_ns);
    b->node_limit = or_else(o->node_limit, (UINT64_C(4) << 20) + file_bytes / 8);
    b->work_limit = or_else(o->work_limit, (UINT64_C(1) << 32) + 256 * file_bytes);
    b->account = tn_account_new(or_else(o->mem_limit, (UINT64_C(1) << 30) + 16 * file_bytes));
    return b->account ? TN_OK : tn_fail(TN_E_NOMEM, "no memory to open a model");
}

static tn_status end_budget(tn_budget *b, tn_budget *before, tn_status st) {
    tn_budget_leave(before);
    st = tn_budget_verdict(b, st, NULL);
    tn_account_close(&b->account);
    return st;
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
    tn_budget b, *before;
    *out = NULL;
    TN_TRY(tn_take_opts(&o, sizeof o, opts, "tn_model_opts"));
    TN_TRY(tn_file_map(path, &file));
    tn_status st = make_budget(&b, &o, file->size);
    if (st == TN_OK) {
        before = tn_budget_enter(&b);
        if ((st = tn_model_new(&m)) == TN_OK) st = open_file(m, path, &file);
        if ((st = end_budget(&b, before, st)) != TN_OK) tn_fail_at(st, "%s", path);
    }
    if (st != TN_OK) tn_model_close(&m);
    *out = m;
    tn_file_close(&file);
    return st;
}

tn_status tn_model_open_memory_with(const void *data, size_t bytes, const tn_model_opts *opts, tn_model **out) {
    tn_model_opts o = { 0 };
    tn_model *m = NULL;
    tn_budget b;
    *out = NULL;
    if (!data && bytes) return tn_fail(TN_E_INVALID, "tn_model_open_memory: data is NULL");
    TN_TRY(tn_take_opts(&o, sizeof o, opts, "tn_model_opts"));
    TN_TRY(make_budget(&b, &o, bytes));
    tn_budget *before = tn_budget_enter(&b);
    tn_status st = tn_model_new(&m);
    if (st == TN_OK) st = load(m, data, bytes);
    if ((st = end_budget(&b, before, st)) != TN_OK) tn_model_close(&m);
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
    const tn_type *t = &v->type;
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
