/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* model_trial.c - a model file taken through everything, and the promises held against what happens. */
#include "lib/model_trial.h"
#include "analyse/agree.h"
#include "base/file.h"
#include "engine/session.h"
#include "lib/model_mutations.h"
#include "op/core/op.h"
#include "tensor/proto.h"
#include "tensor/stats.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_MADE_UP = 4096, MEM_LIMIT = 64 << 20 };

/* A model with its data. */
typedef struct {
    tn_model *m;
    tn_tensor *made; /* memory of inputs */
    tn_datum *in;
    const tn_datum **ptr;
    size_t ni, no;
    bool fed; /* all inputs could be given */
} player;

typedef struct {
    const mt_trial *how;
    const mt_field *tree;
    mt_report *out;
} trial;

static bool broke(trial *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static bool broke(trial *t, const char *fmt, ...) {
    va_list ap;
    if (*t->out->broken) return false; /* the first one counts */
    va_start(ap, fmt);
    vsnprintf(t->out->broken, sizeof t->out->broken, fmt, ap);
    va_end(ap);
    return false;
}

static void begin(const trial *t, const char *step) {
    if (t->how->step) snprintf(t->how->step, 40, "%s", step);
}

/* ------------------------------------------------------------------------------------------------------- sentences */

/* Whether `say` holds `quote` + word. */
static bool says(const char *say, const char *quote, const mt_field *word) {
    char s[130];
    if (!word || word->wire != 2 || !word->bytes.len) return false;
    snprintf(s, sizeof s, "%s%.*s", quote, (int)(word->bytes.len < 60 ? word->bytes.len : 60), word->bytes.ptr);
    return strstr(say, s) != NULL;
}

static bool names_part(const char *say, const mt_field *m) {
    static const struct {
        mt_kind in;
        uint32_t number;
        const char *quote;
    } parts[] = {
        { MT_NODE, MT_NODE_TYPE, "" },    { MT_NODE, MT_NODE_NAME, "'" },   { MT_NODE, MT_NODE_INPUT, "'" },
        { MT_NODE, MT_NODE_OUTPUT, "'" }, { MT_VALUE, MT_VALUE_NAME, "'" }, { MT_TENSOR, MT_TENSOR_NAME, "'" }
    };
    for (const mt_field *f = m->first; f; f = f->next) {
        for (size_t i = 0; i < TN_COUNT(parts); i++)
            if (m->kind == parts[i].in && f->number == parts[i].number && says(say, parts[i].quote, f)) return true;
        if (f->kind != MT_LEAF && names_part(say, f)) return true;
    }
    return false;
}

/* A refusal must be a status with a sentence that says where. */
static bool refused_well(trial *t, const char *step, tn_status st) {
    const char *say = tn_error();
    snprintf(t->out->sentence, sizeof t->out->sentence, "%.290s", say);
    if (st <= TN_OK || st >= TN_STATUS_COUNT) return broke(t, "%s: status %d", step, (int)st);
    if (!*say) return broke(t, "%s: %s without a sentence", step, tn_status_name(st));
    if (!t->how->named || st == TN_E_NOMEM || st == TN_E_LIMIT || names_part(say, t->tree)) return true;
    if (strstr(step, "gradient") && strstr(say, "node '")) return true; /* a node that it was made of */
    return broke(t, "%s: the sentence names nothing of the file: %s", step, say);
}

/* ------------------------------------------------------------------------------------------------------------ data */

static bool made_up(const tn_type *type, tn_tensor *t) {
    int64_t dims[TN_MAX_RANK], n = 1;
    if (type->kind != TN_KIND_TENSOR || type->dtype == TN_NONE || type->dtype == TN_STRING) return false;
    for (int i = 0; i < type->rank; i++) {
        dims[i] = tn_dim_known(type->dims[i]) ? type->dims[i] : 2;
        if (dims[i] > MAX_MADE_UP || (n *= dims[i]) > MAX_MADE_UP) return false;
    }
    if (tn_tensor_init(t, type->dtype, type->rank < 0 ? 0 : type->rank, dims, TN_MEM_IO) != TN_OK) return false;
    if (tn_count(t)) memset(t->data, 0, tn_tensor_bytes(t));
    for (int64_t i = 0; i < tn_count(t) && !tn_dtype_is_complex(t->dtype); i++) {
        if (tn_dtype_is_float(t->dtype))
            tn_set_f64(t->dtype, t->data, i, 0.25 * (double)(1 + i % 7));
        else
            tn_set_i64(t->dtype, t->data, i, i % 2);
    }
    return true;
}

static const mt_field *feed_of(const mt_field *tree, const char *input) {
    mt_each(tree, MT_MODEL_FEED, f) if (mt_is(mt_get(f, MT_FEED_NAME, 0), input)) return f;
    return NULL;
}

/* The data of a feed; memory of its own. */
static bool read_feed(const mt_field *f, tn_datum *d) {
    const mt_field *tensor = mt_get(f, MT_FEED_TENSOR, 0), *other = mt_get(f, MT_FEED_OTHER, 0);
    if (!tensor && !other) return false;
    tn_text bytes = { 0 };
    tn_datum borrowed = { .kind = TN_KIND_TENSOR };
    tn_external ext = { 0 };
    tn_str name;
    if (tensor)
        mt_write(tensor, &bytes);
    else if (other)
        tn_text_put(&bytes, other->bytes.ptr, other->bytes.len);
    tn_wire w = tn_wire_of(bytes.s, bytes.n);
    int64_t kind = mt_int(f, MT_FEED_KIND, 0);
    if (!tensor) borrowed.kind = TN_KIND_NONE;
    tn_status st = tensor                      ? tn_tensor_from_proto(w, "data", &borrowed.tensor, &name, &ext)
                   : kind == MT_FEEDS_SEQUENCE ? tn_datum_from_sequence_proto(w, "data", &borrowed)
                   : kind == MT_FEEDS_MAP      ? tn_datum_from_map_proto(w, "data", &borrowed)
                                               : tn_datum_from_optional_proto(w, "data", &borrowed);
    if (st == TN_OK && !ext.present) st = tn_datum_copy(d, &borrowed, TN_MEM_IO);
    tn_datum_reset(&borrowed);
    tn_text_free(&bytes);
    return st == TN_OK && !ext.present;
}

static bool give(const mt_field *tree, const tn_value *v, tn_datum *d) {
    const mt_field *f = feed_of(tree, v->name);
    if (f) return read_feed(f, d);
    if (!made_up(&v->type, &d->tensor)) return false;
    d->kind = TN_KIND_TENSOR;
    return true;
}

/* Inputs that may be left out are, when there is nothing for them. */
static bool feed(player *p, const mt_field *tree) {
    p->ni = tn_model_inputs(p->m), p->no = tn_model_outputs(p->m);
    p->in = calloc(p->ni + 1, sizeof *p->in);
    p->ptr = calloc(p->ni + 1, sizeof *p->ptr);
    for (size_t i = 0; i < p->ni; i++) {
        const tn_value *v = p->m->graph->inputs[i];
        if (give(tree, v, &p->in[i]))
            p->ptr[i] = &p->in[i];
        else if (v->type.kind != TN_KIND_OPTIONAL && !v->fallback)
            return false;
    }
    return p->fed = true;
}

static void forget(player *p) {
    for (size_t i = 0; p->in && i < p->ni; i++) tn_datum_reset(&p->in[i]);
    free(p->in);
    free(p->ptr);
    tn_model_close(&p->m);
    *p = (player){ 0 };
}

static void drop_all(tn_datum *d, size_t n) {
    for (size_t i = 0; d && i < n; i++) tn_datum_reset(&d[i]);
    free(d);
}

/* ------------------------------------------------------------------------------------------------------- comparing */

static bool equal_strings(const tn_tensor *a, const tn_tensor *b) {
    const tn_string *x = a->data, *y = b->data;
    for (int64_t i = 0, n = tn_count(a); i < n; i++)
        if (x[i].len != y[i].len || (x[i].len && memcmp(x[i].ptr, y[i].ptr, x[i].len))) return false;
    return true;
}

/* Equal, NaN being NaN; with a tolerance, numbers within it. */
static bool equal_tensors(const tn_tensor *a, const tn_tensor *b, double tol) {
    tn_difference d;
    if (a->dtype != b->dtype || !tn_dims_equal(a->rank, a->dims, b->rank, b->dims)) return false;
    if (!tn_count(a)) return true;
    if (a->dtype == TN_STRING) return equal_strings(a, b);
    if (!memcmp(a->data, b->data, tn_tensor_bytes(a))) return true;
    return tn_compare(a, b, tol, tol, &d) == TN_OK && !d.mismatches;
}

static bool equal_data(const tn_datum *a, const tn_datum *b, double tol) {
    if (a->kind != b->kind) return false;
    if (a->kind == TN_KIND_NONE) return true;
    if (a->kind == TN_KIND_TENSOR) return equal_tensors(&a->tensor, &b->tensor, tol);
    size_t n = a->list ? a->list->n : 0;
    if (n != (b->list ? b->list->n : 0)) return false;
    for (size_t i = 0; i < n; i++)
        if (!equal_data(&a->list->items[i], &b->list->items[i], tol)) return false;
    return true;
}

static size_t first_difference(const tn_datum *a, const tn_datum *b, size_t n, double tol) {
    for (size_t i = 0; i < n; i++)
        if (!equal_data(&a[i], &b[i], tol)) return i;
    return n;
}

static bool random_inside(const tn_graph *g) {
    for (const tn_node *n = g->first; n; n = n->next) {
        if (n->op && n->op->flags & TN_OP_RANDOM) return true;
        for (int i = 0; i < n->n_attrs; i++)
            if (n->attrs[i].kind == TN_ATTR_GRAPH && random_inside(n->attrs[i].graph)) return true;
    }
    return false;
}

/* -------------------------------------------------------------------------------------------------------- the steps */

static tn_session *session_for(trial *t, const char *step, const tn_model *m, bool plain, tn_status *st) {
    tn_session_opts o = { .size = sizeof o, .threads = 1, .mem_limit = MEM_LIMIT, .no_optimize = plain };
    tn_session *s = NULL;
    begin(t, step);
    *st = tn_session_new(m, &o, &s);
    if (*st != TN_OK) refused_well(t, step, *st);
    if ((*st == TN_OK) != (s != NULL)) broke(t, "%s: a session and a failure", step);
    return s;
}

/* Runs; out is the caller's (drop_all). */
static tn_status run(trial *t, const char *step, tn_session *s, const player *p, tn_datum **out) {
    begin(t, step);
    *out = calloc(p->no + 1, sizeof **out);
    tn_status st = tn_session_run_data(s, p->ni, p->ptr, p->no, *out);
    if (st == TN_OK) return st;
    refused_well(t, step, st);
    for (size_t i = 0; i < p->no; i++) tn_datum_reset(&(*out)[i]);
    return st;
}

static const char *output_name(const player *p, size_t i) { return p->m->graph->outputs[i]->name; }

/* Once more on the same session: the same status and the same bits. */
static void again(trial *t, tn_session *s, const player *p, tn_status st, const tn_datum *out) {
    tn_datum *more;
    tn_status now = run(t, "run again", s, p, &more);
    if (now != st)
        broke(t, "the first run gave %s, the second %s (%s)", tn_status_name(st), tn_status_name(now), tn_error());
    size_t bad = st == TN_OK && now == TN_OK ? first_difference(out, more, p->no, 0) : p->no;
    if (bad < p->no && !random_inside(p->m->graph))
        broke(t, "output '%s' of the second run differs from the first", output_name(p, bad));
    drop_all(more, p->no);
}

static bool open_model(trial *t, const char *step, const void *data, size_t n, player *p) {
    begin(t, step);
    tn_status st = tn_model_open_memory(data, n, &p->m);
    if ((st == TN_OK) != (p->m != NULL))
        return broke(t, "%s: %s, and the model is %p", step, tn_status_name(st), (void *)p->m);
    if (st != TN_OK) refused_well(t, step, st);
    t->out->open = st;
    return st == TN_OK;
}

static void agree(trial *t, const player *p, const tn_datum *out) {
    if (tn_agree(p->m, p->ptr, p->ni, out, p->no, NULL, NULL) != TN_OK) broke(t, "inference: %s", tn_error());
}

/* What was saved must open, run where the original ran, and give the same but for rounding. */
static void reopened(trial *t, const player *p, tn_status st, const tn_datum *out) {
    player q = { .no = p->no };
    tn_file *f = NULL;
    begin(t, "opening what was saved");
    tn_status opened = tn_file_map(t->how->scratch, &f);
    if (opened == TN_OK) opened = tn_model_open_memory(f->data, f->size, &q.m);
    if (opened != TN_OK) broke(t, "what was saved does not open: %s", tn_error());
    if (q.m && (tn_model_inputs(q.m) != p->ni || tn_model_outputs(q.m) != p->no))
        broke(t, "what was saved has %zu inputs and %zu outputs", tn_model_inputs(q.m), tn_model_outputs(q.m));
    else if (q.m && p->fed && out) {
        tn_status now;
        tn_datum *got = NULL;
        tn_session *s = session_for(t, "session of what was saved", q.m, true, &now);
        q.ni = p->ni, q.ptr = p->ptr;
        if (s) now = run(t, "run of what was saved", s, &q, &got);
        if (now != TN_OK && st == TN_OK) /* not the other way round: a type without elements is not written */
            broke(t, "saved: %s where it was %s: %s", tn_status_name(now), tn_status_name(st), tn_error());
        size_t bad = now == TN_OK && st == TN_OK ? first_difference(out, got, p->no, 1e-5) : p->no;
        if (bad < p->no && !random_inside(p->m->graph))
            broke(t, "output '%s' of what was saved differs", output_name(p, bad));
        drop_all(got, p->no);
        tn_session_free(&s);
    }
    tn_model_close(&q.m);
    tn_file_close(&f);
}

static tn_status save(trial *t, const char *step, const tn_model *m) {
    begin(t, step);
    tn_status st = tn_model_save(m, t->how->scratch);
    if (st != TN_OK) refused_well(t, step, st);
    return st;
}

/* By every float input and weight, from the first output that allows it. */
static void differentiate(trial *t, const player *p) {
    const char *of[64];
    size_t n = 0;
    tn_model *g = NULL;
    const tn_graph *graph = p->m->graph;
    for (int i = 0; i < p->m->n_values && n < TN_COUNT(of); i++) {
        const tn_value *v = p->m->values[i];
        if (v && v->graph == graph && (v->is_input || v->constant) && v->type.kind == TN_KIND_TENSOR &&
            (v->type.dtype == TN_F32 || v->type.dtype == TN_F64))
            of[n++] = v->name;
    }
    if (!n || !p->no) return;
    begin(t, "differentiating");
    tn_status st = t->out->gradient = tn_model_gradient(p->m, output_name(p, 0), n, of, &g);
    if ((st == TN_OK) != (g != NULL)) broke(t, "gradient: %s, and the model is %p", tn_status_name(st), (void *)g);
    if (st != TN_OK) refused_well(t, "gradient", st);
    if (!g) return;
    if (t->how->saving && save(t, "saving the gradient", g) == TN_OK) {
        player q = *p;
        q.no = tn_model_outputs(g), q.m = g;
        reopened(t, &q, TN_OK, NULL);
    }
    if (p->fed) {
        player q = *p;
        tn_datum *out = NULL;
        q.m = g, q.no = tn_model_outputs(g);
        tn_session *s = session_for(t, "session of the gradient", g, false, &st);
        if (s && q.ni == tn_model_inputs(g)) run(t, "run of the gradient", s, &q, &out);
        drop_all(out, q.no);
        tn_session_free(&s);
    }
    tn_model_close(&g);
}

/* The session as a compiled file: it opens, and gives the same bits, from weights that lie in the file, too. */
static void compiled(trial *t, const player *p, tn_session *s, tn_status st, const tn_datum *want) {
    player q = *p;
    tn_datum *out = NULL;
    tn_status now;
    begin(t, "compiling");
    q.m = NULL;
    now = tn_session_compile(s, t->how->scratch);
    if (now == TN_OK) now = tn_model_open(t->how->scratch, &q.m);
    if (now != TN_OK) broke(t, "compiled: %s", tn_error());
    tn_session *c = q.m ? session_for(t, "session of a compiled file", q.m, false, &now) : NULL;
    if (c) now = run(t, "run of a compiled file", c, &q, &out);
    if (now != st) broke(t, "compiled: %s where it was %s: %s", tn_status_name(now), tn_status_name(st), tn_error());
    size_t bad = now == TN_OK && st == TN_OK ? first_difference(want, out, p->no, 0) : p->no;
    if (bad < p->no && !random_inside(p->m->graph))
        broke(t, "output '%s' of the compiled file differs", output_name(p, bad));
    drop_all(out, p->no);
    tn_session_free(&c);
    tn_model_close(&q.m);
}

/* The optimised model runs where the plain one runs. (Not the other way round: what nobody needs is left out.) */
static void optimised(trial *t, const player *p, tn_status st, const tn_datum *want) {
    tn_status now;
    tn_datum *out = NULL;
    tn_session *s = session_for(t, "optimising", p->m, false, &now);
    if (s) now = run(t, "optimised run", s, p, &out);
    if (st == TN_OK && now != TN_OK)
        broke(t, "optimised: %s where the graph as it stands runs: %s", tn_status_name(now), tn_error());
    for (size_t i = 0; st == TN_OK && now == TN_OK && i < p->no; i++) {
        const tn_datum *a = &want[i], *b = &out[i];
        bool same =
            a->kind == b->kind && (a->kind != TN_KIND_TENSOR ||
                                   (a->tensor.dtype == b->tensor.dtype &&
                                    tn_dims_equal(a->tensor.rank, a->tensor.dims, b->tensor.rank, b->tensor.dims)));
        if (!same) broke(t, "output '%s' has another type or shape when optimised", output_name(p, i));
    }
    if (s) again(t, s, p, now, out);
    if (s && t->how->compiling) compiled(t, p, s, now, out);
    drop_all(out, p->no);
    tn_session_free(&s);
}

/* Sound data, the suspect data, sound data again: the answers to the first and the last are equal. */
static void between(trial *t, const player *p) {
    player good = { 0 };
    tn_datum *first = NULL, *bad = NULL, *last = NULL;
    tn_status st;
    tn_arena *a = tn_arena_new(0, TN_MEM_GENERAL);
    mt_field *tree = a ? mt_parse(a, t->how->good, t->how->good_n) : NULL;
    tn_session *s = NULL;
    if (!tree || tn_model_open_memory(t->how->good, t->how->good_n, &good.m) != TN_OK || !feed(&good, tree) ||
        good.ni != p->ni || good.no != p->no)
        goto done;
    if (!(s = session_for(t, "session", p->m, false, &st))) goto done;
    if (run(t, "run on sound data", s, &good, &first) != TN_OK) goto done;
    run(t, "run on suspect data", s, p, &bad);
    st = run(t, "run on sound data again", s, &good, &last);
    if (st != TN_OK)
        broke(t, "after suspect data sound data is refused: %s", tn_error());
    else if (first_difference(first, last, p->no, 0) < p->no && !random_inside(p->m->graph))
        broke(t, "after suspect data sound data gives something else");
done:
    drop_all(first, p->no);
    drop_all(bad, p->no);
    drop_all(last, p->no);
    tn_session_free(&s);
    forget(&good);
    tn_arena_free(&a);
}

/* As a constant the suspect data is refused, or gives the same. */
static void as_constant(trial *t, const void *model, size_t n, const player *p, tn_status st, const tn_datum *out) {
    tn_text file;
    player q = { 0 };
    tn_datum *got = NULL;
    tn_status now = TN_OK;
    tn_arena *a = tn_arena_new(0, TN_MEM_GENERAL);
    if (!mm_constant(model, n, t->how->feed, &file)) goto done;
    mt_field *tree = a ? mt_parse(a, file.s, file.n) : NULL;
    now = tn_model_open_memory(file.s, file.n, &q.m);
    if (now == TN_OK && tree && feed(&q, tree)) {
        tn_session *s = session_for(t, "session with a constant", q.m, true, &now);
        if (s) now = run(t, "run with a constant", s, &q, &got);
        tn_session_free(&s);
    }
    if (st == TN_OK && now != TN_OK)
        broke(t, "accepted when it runs, refused as a constant: %s", tn_error());
    else if (st != TN_OK && now == TN_OK && st != TN_E_LIMIT)
        broke(t, "refused when it runs, accepted as a constant: %s", t->out->sentence);
    else if (st == TN_OK && got && !random_inside(p->m->graph) && first_difference(out, got, p->no, 1e-5) < p->no)
        broke(t, "another answer when it is a constant");
done:
    drop_all(got, p->no);
    forget(&q);
    tn_arena_free(&a);
    tn_text_free(&file);
}

static void all_steps(trial *t, const void *model, size_t n) {
    player p = { 0 };
    tn_datum *out = NULL;
    tn_status st;
    if (!open_model(t, "opening", model, n, &p)) return;
    if (feed(&p, t->tree)) {
        tn_session *s = session_for(t, "session", p.m, true, &st);
        if (s) st = t->out->run = run(t, "run", s, &p, &out);
        if (s) again(t, s, &p, st, out);
        if (s && st == TN_OK) agree(t, &p, out);
        tn_session_free(&s);
        optimised(t, &p, st, out);
        if (t->how->good) between(t, &p);
        if (t->how->feed && *t->how->feed) as_constant(t, model, n, &p, st, out);
    }
    if (t->how->saving && save(t, "saving", p.m) == TN_OK) reopened(t, &p, t->out->run, out);
    if (t->how->gradient) differentiate(t, &p);
    drop_all(out, p.no);
    forget(&p);
}

bool mt_try(const void *model, size_t n, const mt_trial *how, mt_report *out) {
    *out = (mt_report){ .open = TN_STATUS_COUNT, .run = TN_STATUS_COUNT, .gradient = TN_STATUS_COUNT };
    size_t before = tn_mem_stats_all().now;
    tn_arena *a = tn_arena_new(0, TN_MEM_GENERAL);
    trial t = { .how = how, .out = out };
    if (a && (t.tree = mt_parse(a, model, n))) all_steps(&t, model, n);
    tn_arena_free(&a);
    size_t after = tn_mem_stats_all().now;
    if (after != before) broke(&t, "%zu bytes were not given back", after - before);
    return !*out->broken;
}
