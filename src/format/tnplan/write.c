/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* write.c - a compiled file from a model and its packed forms: see tnplan.h. The order of what is put here is the order
 * in which read_graph.c takes it. */
#include "base/cpu.h"
#include "base/file.h"
#include "base/wire.h"
#include "format/tnplan/tnplan.h"
#include "graph/internal.h"
#include "tenon.h"
#include "tensor/encoding.h"

typedef struct {
    const void *data;
    size_t bytes;
} blob;

/* What one file is put together from. */
typedef struct {
    const tn_model *m;
    tn_wire_out out;  /* the graph's stream */
    int *number;      /* by value id: in the order in which values are put */
    int n_values;     /* so far */
    tn_map *tensors;  /* by id: 1 + their number, as a pointer */
    size_t n_tensors; /* so far */
    tn_text blobs;    /* of type blob, one behind the other */
    tn_constants constants;
} writing;

static void put_u(writing *w, uint64_t v) { tn_wire_put_raw_varint(&w->out, v); }

static void put_bytes(writing *w, const void *s, size_t n) {
    put_u(w, n);
    tn_text_put(&w->out, n ? s : "", n);
}

static void put_text(writing *w, const char *s) { put_bytes(w, s, s ? strlen(s) : 0); }

static void put_f32(writing *w, float f) {
    char b[4];
    memcpy(b, &f, sizeof b);
    tn_text_put(&w->out, b, sizeof b);
}

/* ---------------------------------------------------------------------------------------------------------- types */

/* A symbol goes by its name, which need not read like one; other expressions as text. */
static void put_dim(writing *w, tn_dim d) {
    const tn_syms *syms = w->m->syms;
    if (tn_dim_known(d) || d == TN_DIM_UNKNOWN) {
        put_u(w, d == TN_DIM_UNKNOWN ? 0 : 1);
        if (d != TN_DIM_UNKNOWN) put_u(w, (uint64_t)d);
        return;
    }
    for (int i = 0; i < tn_sym_count(syms); i++)
        if (tn_sym_at(syms, i) == d) {
            put_u(w, 2);
            put_text(w, tn_sym_name(syms, i));
            return;
        }
    tn_text t = { 0 };
    tn_dim_print(syms, d, &t);
    put_u(w, 3);
    put_text(w, t.s);
    w->out.failed |= t.failed;
    tn_text_free(&t);
}

static void put_type(writing *w, const tn_type *t) {
    put_u(w, t->kind);
    if (t->kind == TN_KIND_NONE) return;
    put_u(w, t->dtype);
    put_u(w, (uint64_t)(t->rank + 1));
    for (int i = 0; i < t->rank; i++) put_dim(w, t->dims[i]);
    put_u(w, t->elem != NULL);
    if (t->elem) put_type(w, t->elem);
}

/* -------------------------------------------------------------------------------------------------------- tensors */

static void add_blob(writing *w, const void *data, size_t bytes) {
    tn_text_put(&w->blobs, (const char *)&(blob){ data, bytes }, sizeof(blob));
}

static void put_elements(writing *w, const tn_tensor *t) {
    if (t->dtype != TN_STRING) {
        add_blob(w, t->data, tn_tensor_bytes(t));
        return;
    }
    const tn_string *s = t->data;
    for (int64_t i = 0, n = tn_count(t); i < n; i++) put_bytes(w, s[i].ptr, s[i].len);
}

/* What was put before goes by its number; its users share it then, with its id. */
static void put_tensor(writing *w, const tn_tensor *t) {
    void *known = t->id ? tn_map_get(w->tensors, (const char *)&t->id, sizeof t->id) : NULL;
    put_u(w, (uint64_t)(uintptr_t)known);
    if (known) return;
    put_u(w, t->dtype);
    put_text(w, t->encoding ? t->encoding->name : "");
    put_u(w, (uint64_t)t->rank);
    for (int i = 0; i < t->rank; i++) put_u(w, (uint64_t)t->dims[i]);
    put_elements(w, t);
    w->n_tensors++;
    if (t->id && tn_map_put(w->tensors, (const char *)&t->id, sizeof t->id, (void *)(uintptr_t)w->n_tensors) != TN_OK)
        w->out.failed = true;
}

static void put_if(writing *w, const tn_tensor *t) {
    put_u(w, t != NULL);
    if (t) put_tensor(w, t);
}

/* --------------------------------------------------------------------------------------------------------- graphs */

static void put_graph(writing *w, const tn_graph *g);

static void put_attr(writing *w, const tn_attr *a) {
    put_text(w, a->name);
    put_u(w, a->kind);
    switch (a->kind) {
    case TN_ATTR_FLOAT: put_f32(w, a->f); return;
    case TN_ATTR_INT: put_u(w, (uint64_t)a->i); return;
    case TN_ATTR_STRING: put_bytes(w, a->s.ptr, a->s.len); return;
    case TN_ATTR_TENSOR: put_tensor(w, a->tensor); return;
    case TN_ATTR_GRAPH: put_graph(w, a->graph); return;
    case TN_ATTR_TYPE: put_type(w, a->type); return;
    default: put_u(w, a->n);
    }
    for (size_t i = 0; i < a->n; i++) switch (a->kind) {
        case TN_ATTR_FLOATS: put_f32(w, a->floats[i]); break;
        case TN_ATTR_INTS: put_u(w, (uint64_t)a->ints[i]); break;
        case TN_ATTR_STRINGS: put_bytes(w, a->strings[i].ptr, a->strings[i].len); break;
        case TN_ATTR_TENSORS: put_tensor(w, a->tensors[i]); break;
        default: put_graph(w, a->graphs[i]); break;
        }
}

static void put_value(writing *w, const tn_value *v) {
    put_text(w, v->name);
    w->number[v->id] = ++w->n_values;
}

static void put_node(writing *w, const tn_node *n) {
    put_text(w, n->name);
    put_text(w, n->domain);
    put_text(w, n->type);
    put_u(w, (uint64_t)n->n_inputs);
    for (int i = 0; i < n->n_inputs; i++) put_u(w, n->inputs[i] ? (uint64_t)w->number[n->inputs[i]->id] : 0);
    put_u(w, (uint64_t)n->n_outputs);
    for (int i = 0; i < n->n_outputs; i++) {
        put_u(w, n->outputs[i] != NULL);
        if (n->outputs[i]) put_value(w, n->outputs[i]);
    }
    put_u(w, (uint64_t)n->n_attrs);
    for (int i = 0; i < n->n_attrs; i++) put_attr(w, &n->attrs[i]);
}

static bool worth_keeping(const tn_value *v) { return v->constant && v->n_uses; }

static void put_graph(writing *w, const tn_graph *g) {
    size_t n, used = 0;
    tn_value *const *constants = tn_constants_in(&w->constants, g, &n);
    put_text(w, g->name);
    put_text(w, g->doc);
    put_u(w, (uint64_t)g->n_inputs);
    for (int i = 0; i < g->n_inputs; i++) {
        const tn_value *v = g->inputs[i];
        put_value(w, v);
        put_type(w, g->parent ? &(tn_type){ 0 } : &v->type); /* what a body is given, its node decides */
        put_if(w, v->fallback);
    }
    for (size_t i = 0; i < n; i++) used += worth_keeping(constants[i]);
    put_u(w, used);
    for (size_t i = 0; i < n; i++) {
        if (!worth_keeping(constants[i])) continue;
        put_value(w, constants[i]);
        put_tensor(w, constants[i]->constant);
    }
    put_u(w, (uint64_t)g->n_nodes);
    for (const tn_node *x = g->first; x; x = x->next) put_node(w, x);
    put_u(w, (uint64_t)g->n_outputs);
    for (int i = 0; i < g->n_outputs; i++) {
        put_u(w, (uint64_t)w->number[g->outputs[i]->id]);
        put_type(w, g->outputs[i]->declared ? g->outputs[i]->declared : &(tn_type){ 0 });
    }
}

static void put_model(writing *w, const tn_compiled *c) {
    const tn_model *m = w->m;
    put_text(w, c->precision);
    put_bytes(w, c->timings.ptr, c->timings.len);
    put_u(w, (uint64_t)m->ir_version);
    put_u(w, (uint64_t)m->model_version);
    const char *const texts[] = { m->producer_name, m->producer_version, m->domain, m->doc };
    for (size_t i = 0; i < TN_COUNT(texts); i++) put_text(w, texts[i]);
    put_u(w, (uint64_t)m->n_opsets);
    for (int i = 0; i < m->n_opsets; i++) put_text(w, m->opsets[i].domain), put_u(w, (uint64_t)m->opsets[i].version);
    put_u(w, (uint64_t)m->n_meta);
    for (int i = 0; i < m->n_meta; i++) put_text(w, m->meta[i].key), put_text(w, m->meta[i].value);
    put_graph(w, m->graph);
}

/* Forms of constants that are not in the graph have nobody to ask for them. */
static bool wanted(const writing *w, const tn_packed_form *f) {
    bool all = tn_form_portable(f->key);
    for (int i = 0; i < f->n; i++)
        all = all && tn_map_get(w->tensors, (const char *)&f->of[i]->id, sizeof f->of[i]->id);
    return all;
}

static void put_forms(writing *w, const tn_packed_form *forms, size_t n) {
    size_t n_wanted = 0;
    for (size_t i = 0; i < n; i++) n_wanted += wanted(w, &forms[i]);
    put_u(w, n_wanted);
    for (size_t i = 0; i < n; i++) {
        const tn_packed_form *f = &forms[i];
        if (!wanted(w, f)) continue;
        put_text(w, f->key);
        put_u(w, (uint64_t)f->n);
        for (int k = 0; k < f->n; k++) put_tensor(w, f->of[k]);
        add_blob(w, f->data, f->bytes);
    }
}

/* -------------------------------------------------------------------------------------------------------- the file */

static uint64_t aligned(uint64_t n) { return (n + TN_PLAN_ALIGN - 1) / TN_PLAN_ALIGN * TN_PLAN_ALIGN; }

static blob blob_at(const writing *w, size_t i) {
    blob b;
    memcpy(&b, w->blobs.s + i * sizeof b, sizeof b);
    return b;
}

static tn_status pad(tn_writer *f, uint64_t *at) {
    static const char zeros[TN_PLAN_ALIGN];
    uint64_t to = aligned(*at);
    tn_status st = tn_writer_put(f, zeros, (size_t)(to - *at));
    *at = to;
    return st;
}

static tn_status put_part(tn_writer *f, uint64_t *at, const void *data, size_t bytes) {
    if (bytes) TN_TRY(tn_writer_put(f, data, bytes));
    *at += bytes;
    return pad(f, at);
}

static tn_plan_header header_of(const writing *w, const tn_plan_blob *table, size_t n, uint64_t size) {
    tn_plan_header h = { .format = TN_PLAN_FORMAT, .features = tn_cpu_flags(), .size = size, .n_blobs = n };
    memcpy(h.magic, TN_PLAN_MAGIC, sizeof h.magic);
    memcpy(h.version, tn_version(), strnlen(tn_version(), sizeof h.version - 1));
    h.table_at = aligned(sizeof h);
    h.graph_at = aligned(h.table_at + n * sizeof *table);
    h.graph_bytes = w->out.n;
    h.table_sum = tn_plan_sum(table, n * sizeof *table);
    h.graph_sum = tn_plan_sum(w->out.s, w->out.n);
    h.sum = tn_plan_sum(&h, offsetof(tn_plan_header, sum));
    return h;
}

static tn_status write_file(const writing *w, tn_plan_blob *table, size_t n, const char *path) {
    uint64_t size = aligned(sizeof(tn_plan_header)), at = 0;
    tn_writer *f;
    size = aligned(aligned(size + n * sizeof *table) + w->out.n);
    for (size_t i = 0; i < n; i++) {
        blob b = blob_at(w, i);
        table[i] = (tn_plan_blob){ size, b.bytes, tn_plan_sum(b.data, b.bytes) };
        size += aligned(b.bytes);
    }
    tn_plan_header h = header_of(w, table, n, size);
    TN_TRY(tn_writer_open(path, &f));
    tn_status st = put_part(f, &at, &h, sizeof h);
    if (st == TN_OK) st = put_part(f, &at, table, n * sizeof *table);
    if (st == TN_OK) st = put_part(f, &at, w->out.s, w->out.n);
    for (size_t i = 0; i < n && st == TN_OK; i++) st = put_part(f, &at, blob_at(w, i).data, blob_at(w, i).bytes);
    if (st == TN_OK) return tn_writer_commit(&f);
    tn_writer_abort(&f);
    return st;
}

static tn_status check_nodes(const tn_graph *g) {
    for (const tn_node *n = g->first; n; n = n->next) {
        if (!tn_plan_may_hold(n->op))
            return tn_fail(TN_E_UNSUPPORTED, "%s is an operator of gradients, which compiled files cannot hold",
                           tn_node_where(n));
        tn_node_each_graph(n, sub) TN_TRY(check_nodes(sub));
    }
    return TN_OK;
}

tn_status tn_plan_write(const tn_model *m, const tn_compiled *c, const char *path) {
    TN_TRY(check_nodes(m->graph));
    writing w = { .m = m, .tensors = tn_map_new(0) };
    tn_plan_blob *table = NULL;
    tn_status st = tn_constants_of(m, &w.constants);
    w.number = tn_mem_zalloc(((size_t)m->n_values + 1) * sizeof *w.number, TN_MEM_GENERAL);
    if (st == TN_OK && w.number && w.tensors) {
        put_model(&w, c);
        put_forms(&w, c->forms, c->n_forms);
    }
    size_t n_blobs = w.blobs.n / sizeof(blob);
    table = tn_mem_alloc((n_blobs + 1) * sizeof *table, TN_MEM_GENERAL);
    if (st == TN_OK && (!w.number || !w.tensors || !table || w.out.failed || w.blobs.failed))
        st = tn_fail(TN_E_NOMEM, "no memory to write '%s'", path);
    if (st == TN_OK) st = write_file(&w, table, n_blobs, path);
    tn_mem_free(table);
    tn_mem_free(w.number);
    tn_map_free(&w.tensors);
    tn_text_free(&w.out);
    tn_text_free(&w.blobs);
    tn_constants_free(&w.constants);
    return st;
}
