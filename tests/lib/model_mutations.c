/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* model_mutations.c - one walk over the tree of a model. At each place where something may be damaged the walk asks
 * `hit`, which counts and says yes at the one that is wanted. */
#include "lib/model_mutations.h"
#include <stdio.h>
#include <string.h>

typedef struct {
    tn_arena *arena;
    mt_field *model;
    size_t at, want;
    const mt_field *node; /* whose parts are walked; NULL: the graph's own */
    mm_mutant *out;
    bool done;
} walk;

static const int64_t hostile[] = { 0, -1, INT64_C(1) << 31, (INT64_C(1) << 32) + 1, INT64_C(1) << 62, INT64_MIN };
/* For axes, indices, shapes, pads: also what is just out of range. */
static const int64_t values[] = {
    0, 1, 7, -1, -9, INT64_C(1) << 31, (INT64_C(1) << 32) + 1, INT64_C(1) << 62, INT64_MIN, INT64_MAX
};
enum { SMALL = 16 };

static void copy_text(char *to, size_t n, const mt_field *f) {
    int len = f ? (int)(f->bytes.len < n - 1 ? f->bytes.len : n - 1) : 0;
    snprintf(to, n, "%.*s", len, f && f->bytes.ptr ? f->bytes.ptr : "");
}

static bool hit(walk *w, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static bool hit(walk *w, const char *fmt, ...) {
    if (w->done || w->at++ != w->want) return false;
    w->done = true;
    char name[64] = "";
    size_t n = sizeof w->out->what;
    int at = 0;
    if (w->node) {
        copy_text(w->out->op, sizeof w->out->op, mt_get(w->node, MT_NODE_TYPE, 0));
        copy_text(name, sizeof name, mt_get(w->node, MT_NODE_NAME, 0));
        at = snprintf(w->out->what, n, "%s '%s': ", w->out->op, name);
    }
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(w->out->what + at, n - (size_t)at, fmt, ap);
    va_end(ap);
    return true;
}

static void cut_from(mt_field *f) {
    for (mt_field *next; f; f = next) {
        next = mt_following(f);
        mt_remove(f);
    }
}

/* ------------------------------------------------------------------------------------------------- names of a node */

static void names(walk *w, mt_field *node, uint32_t number, const char *which) {
    int i = 0;
    mt_each(node, number, f) {
        mt_field *after = mt_following(f);
        if (hit(w, "%s %d dropped", which, i)) mt_remove(f);
        if (hit(w, "%s %d emptied", which, i)) f->bytes.len = 0;
        if (after && hit(w, "%s cut to %d", which, i)) cut_from(f);
        if (hit(w, "%s %d doubled", which, i)) mt_insert(f, mt_copy(w->arena, f));
        if (after && hit(w, "%s %d and the next one swapped", which, i)) mt_exchange(f, after);
        if (w->done) return;
        i++;
    }
    mt_field *first = mt_get(node, number, 0);
    if (i > 2 && hit(w, "first and last %s swapped", which)) mt_exchange(first, mt_get(node, number, i - 1));
    if (hit(w, "no %ss at all", which)) mt_clear(node, number);
}

/* ------------------------------------------------------------------------------------------------------ attributes */

static void int_list(walk *w, mt_field *attr, const char *name) {
    int i = 0;
    mt_each(attr, MT_ATTR_INTS, f) {
        if (i >= SMALL || w->done) return;
        for (size_t k = 0; k < TN_COUNT(values); k++)
            if (hit(w, "%s[%d] is %lld", name, i, (long long)values[k])) f->u = (uint64_t)values[k];
        mt_field *after = mt_following(f);
        if (after && hit(w, "%s cut to %d", name, i)) cut_from(f);
        if (after && hit(w, "%s[%d] is the next one, too", name, i)) f->u = after->u;
        if (!after && !w->done && hit(w, "%s is one longer", name)) mt_insert(f, mt_copy(w->arena, f));
        i++;
    }
}

static uint64_t float_bits(float v) {
    uint32_t u;
    memcpy(&u, &v, 4);
    return u;
}

static void floats(walk *w, mt_field *attr, uint32_t number, const char *name) {
    static const float odd[] = { 0, -1, 1e38f, -1e38f, 0.0f / 1e30f };
    int i = 0;
    mt_each(attr, number, f) {
        if (i >= 2 || w->done) break;
        for (size_t k = 0; k < TN_COUNT(odd); k++)
            if (hit(w, "%s[%d] is %g", name, i, (double)odd[k])) f->u = float_bits(odd[k]);
        if (hit(w, "%s[%d] is NaN", name, i)) f->u = 0x7fc00000;
        if (hit(w, "%s[%d] is infinite", name, i)) f->u = 0x7f800000;
        i++;
    }
    if (number == MT_ATTR_FLOATS && i && hit(w, "%s is one shorter", name)) mt_remove(mt_get(attr, number, 0));
    if (number == MT_ATTR_FLOATS && i && hit(w, "%s is empty", name)) mt_clear(attr, number);
}

static void texts(walk *w, mt_field *attr, uint32_t number, const char *name) {
    mt_field *f = mt_get(attr, number, 0);
    if (!f) return;
    if (hit(w, "%s is an unknown word", name)) f->bytes = (tn_str){ "neither this nor that", 21 };
    if (hit(w, "%s is empty text", name)) f->bytes.len = 0;
    if (number == MT_ATTR_S) return;
    if (hit(w, "%s has no entries", name)) mt_clear(attr, number);
    if (!w->done && hit(w, "%s is one longer", name)) mt_insert(f, mt_copy(w->arena, f));
    if (!w->done && hit(w, "%s is one shorter", name)) mt_remove(f);
}

static void tensor(walk *w, mt_field *t, const char *name) {
    int i = 0;
    mt_each(t, MT_TENSOR_DIMS, f) {
        for (size_t k = 0; k < TN_COUNT(hostile); k++)
            if (hit(w, "%s has dimension %d = %lld", name, i, (long long)hostile[k])) f->u = (uint64_t)hostile[k];
        if (hit(w, "%s lacks dimension %d", name, i)) mt_remove(f);
        if (w->done) return;
        i++;
    }
    if (hit(w, "%s has a dimension more", name)) mt_add_int(w->arena, t, MT_TENSOR_DIMS, 1);
    if (hit(w, "%s has no data", name)) mt_clear(t, MT_TENSOR_RAW), mt_clear(t, 4), mt_clear(t, 5), mt_clear(t, 7);
    mt_field *raw = mt_get(t, MT_TENSOR_RAW, 0), *type = mt_get(t, MT_TENSOR_TYPE_CODE, 0);
    if (raw && raw->bytes.len && hit(w, "%s lacks its last byte", name)) raw->bytes.len--;
    if (type && hit(w, "%s has another element type", name)) type->u = type->u == 1 ? 7 : 1;
}

static void graph(walk *w, mt_field *g);

static void attribute(walk *w, mt_field *a, mt_field *after) {
    char name[64];
    copy_text(name, sizeof name, mt_get(a, MT_ATTR_NAME, 0));
    if (hit(w, "%s dropped", name)) mt_remove(a);
    if (!w->done && hit(w, "%s twice", name)) mt_insert(a, mt_copy(w->arena, a));
    if (!w->done && hit(w, "%s has no value", name))
        for (uint32_t f = MT_ATTR_F; f <= 23; f++)
            if (f != MT_ATTR_TYPE) mt_clear(a, f);
    if (after && !w->done && hit(w, "%s and the next attribute swapped", name)) {
        mt_exchange(a, after);
        mt_exchange(mt_get(a, MT_ATTR_NAME, 0), mt_get(after, MT_ATTR_NAME, 0));
    }
    if (w->done) return;
    mt_field *i = mt_get(a, MT_ATTR_I, 0), *t = mt_get(a, MT_ATTR_T, 0), *g = mt_get(a, MT_ATTR_G, 0);
    for (size_t k = 0; i && k < TN_COUNT(hostile); k++)
        if (hit(w, "%s is %lld", name, (long long)hostile[k])) i->u = (uint64_t)hostile[k];
    if (i && hit(w, "%s is one more", name)) i->u++;
    if (mt_get(a, MT_ATTR_INTS, 0) && hit(w, "%s is empty", name)) mt_clear(a, MT_ATTR_INTS);
    int_list(w, a, name);
    floats(w, a, MT_ATTR_F, name);
    floats(w, a, MT_ATTR_FLOATS, name);
    texts(w, a, MT_ATTR_S, name);
    texts(w, a, MT_ATTR_STRINGS, name);
    if (t) tensor(w, t, name);
    if (g) graph(w, g);
}

static void one_node(walk *w, mt_field *node) {
    w->node = node;
    names(w, node, MT_NODE_INPUT, "input");
    names(w, node, MT_NODE_OUTPUT, "output");
    mt_each(node, MT_NODE_ATTR, a) {
        if (w->done) return;
        attribute(w, a, mt_following(a));
        w->node = node;
    }
}

/* ---------------------------------------------------------------------------------------------------------- graphs */

static mt_field *input_of(const mt_field *g, tn_str name) {
    mt_each(g, MT_GRAPH_INPUT, f) {
        if (mt_holds(mt_get(f, MT_VALUE_NAME, 0), name)) return f;
    }
    return NULL;
}

static void forget_shape(mt_field *input) {
    mt_field *type = mt_get(mt_get(input, MT_VALUE_TYPE, 0), 1, 0);
    if (type) mt_clear(type, 2);
}

/* Other data beside which what is suspect must be refused as well: shape rules that know less see it differently. */
static const char *const besides[] = { "", " beside undeclared shapes", " beside data of one dimension",
                                       " beside empty data" };
enum { AS_IT_IS, UNDECLARED, FLAT, EMPTY, BESIDES };

/* The given data of an input := the same under one dimension, or none at all. */
static void reshape(walk *w, mt_field *t, int how) {
    int64_t n = 1;
    mt_each(t, MT_TENSOR_DIMS, d) n *= (int64_t)d->u;
    if (how == FLAT) mt_clear(t, MT_TENSOR_DIMS), mt_add_int(w->arena, t, MT_TENSOR_DIMS, n);
    if (how != EMPTY) return;
    mt_field *first = mt_get(t, MT_TENSOR_DIMS, 0), *raw = mt_get(t, MT_TENSOR_RAW, 0);
    if (!first) return;
    first->u = 0;
    if (raw) raw->bytes.len = 0;
    for (uint32_t f = 4; f <= 7; f++) mt_clear(t, f);
}

/* The input that a feed is for. */
static mt_field *fed(const walk *w, const mt_field *feed) {
    const mt_field *name = mt_get(feed, MT_FEED_NAME, 0);
    return name ? input_of(mt_get(w->model, MT_MODEL_GRAPH, 0), name->bytes) : NULL;
}

/* Does to all given data but t's (and other small integers) what `how` says. */
static void beside(walk *w, const mt_field *t, int how) {
    int64_t v[SMALL];
    mt_each(w->model, MT_MODEL_FEED, feed) {
        mt_field *x = mt_get(feed, MT_FEED_TENSOR, 0), *in = fed(w, feed);
        if (!in || !x || how == AS_IT_IS) continue;
        forget_shape(in);
        if (x != t && mt_tensor_ints(x, v, SMALL) < 0) reshape(w, x, how);
    }
}

/* The input whose data is suspect, and the first operator that reads it. */
static void note_feed(walk *w, const char *name) {
    snprintf(w->out->feed, sizeof w->out->feed, "%s", name);
    mt_each(mt_get(w->model, MT_MODEL_GRAPH, 0), MT_GRAPH_NODE, n) mt_each(n, MT_NODE_INPUT, in) {
        if (*w->out->op || !mt_is(in, name)) continue;
        copy_text(w->out->op, sizeof w->out->op, mt_get(n, MT_NODE_TYPE, 0));
    }
}

/* The same number of other integers: true when that was it. */
static bool other_ints(walk *w, int64_t *v, int n, const char *name, const char *by) {
    for (int i = 0; i < n; i++)
        for (size_t k = 0; k < TN_COUNT(values); k++)
            if (hit(w, "run-time %s[%d] is %lld%s", name, i, (long long)values[k], by)) {
                v[i] = values[k];
                return true;
            }
    for (size_t k = 0; n > 1 && k < TN_COUNT(values); k++)
        if (hit(w, "run-time %s is %lld throughout%s", name, (long long)values[k], by)) {
            for (int i = 0; i < n; i++) v[i] = values[k];
            return true;
        }
    for (int i = 1; i < n; i++)
        if (hit(w, "run-time %s[%d] equals the one before%s", name, i, by)) {
            v[i] = v[i - 1];
            return true;
        }
    return false;
}

/* Another number of them: the new number, or -1. */
static int other_length(walk *w, int64_t *v, int n, const char *name, const char *by) {
    if (n && hit(w, "run-time %s is one shorter%s", name, by)) return n - 1;
    if (n > 1 && hit(w, "run-time %s has one element%s", name, by)) return 1;
    if (hit(w, "run-time %s is empty%s", name, by)) return 0;
    if (!hit(w, "run-time %s is one longer%s", name, by)) return -1;
    v[n] = n ? v[n - 1] : 0;
    return n + 1;
}

/* What is given for a small integer input when the model runs: axes, shapes, pads, indices. */
static void runtime_ints(walk *w, mt_field *t, mt_field *input, int how) {
    int64_t v[SMALL + 1], dims[TN_COUNT(values)];
    int n = mt_tensor_ints(t, v, SMALL), rank = 0, length;
    char name[64];
    const char *by = besides[how];
    copy_text(name, sizeof name, mt_get(input, MT_VALUE_NAME, 0));
    mt_each(t, MT_TENSOR_DIMS, d) if (rank < (int)TN_COUNT(dims)) dims[rank++] = (int64_t)d->u;
    if (other_ints(w, v, n, name, by)) {
        mt_set_tensor_ints(w->arena, t, v, n, rank, dims);
    } else if ((length = other_length(w, v, n, name, by)) >= 0) {
        mt_set_tensor_ints(w->arena, t, v, length, 1, (int64_t[]){ length });
        forget_shape(input);
    } else if (n && hit(w, "run-time %s is a scalar%s", name, by)) {
        mt_set_tensor_ints(w->arena, t, v, 1, 0, NULL);
        forget_shape(input);
    } else if (hit(w, "run-time %s has two dimensions%s", name, by)) {
        mt_set_tensor_ints(w->arena, t, v, n, 2, (int64_t[]){ 1, n });
        forget_shape(input);
    } else {
        return;
    }
    note_feed(w, name);
    beside(w, t, how);
}

/* What is given for any input: another rank, none of it, numbers that are none. */
static void runtime_data(walk *w, mt_field *t, mt_field *input) {
    char name[64];
    mt_field *raw = mt_get(t, MT_TENSOR_RAW, 0);
    int64_t type = mt_int(t, MT_TENSOR_TYPE_CODE, 0);
    size_t width = type == 1 || type == 6 ? 4 : type == 7 || type == 11 ? 8 : 0;
    copy_text(name, sizeof name, mt_get(input, MT_VALUE_NAME, 0));
    bool flat = hit(w, "run-time %s has one dimension", name);
    if (flat || hit(w, "run-time %s is without elements", name)) {
        reshape(w, t, flat ? FLAT : EMPTY);
        forget_shape(input);
    } else if (hit(w, "run-time %s has a dimension more", name)) {
        mt_add_int(w->arena, t, MT_TENSOR_DIMS, 1);
        forget_shape(input);
    }
    if (w->done) note_feed(w, name);
    if (!raw || !width || raw->bytes.len < width) return;
    static const double odd[] = { -1, 1e30, -1e30 };
    for (size_t k = 0; k < TN_COUNT(odd); k++) {
        char *own;
        float f = (float)odd[k];
        int64_t whole = k ? values[4 + k] : -1;
        if (!hit(w, "run-time %s ends with a %s number", name, k ? "huge" : "negative")) continue;
        if (!(own = tn_arena_alloc(w->arena, raw->bytes.len, 8))) return;
        memcpy(own, raw->bytes.ptr, raw->bytes.len);
        char *last = own + raw->bytes.len / width * width - width;
        memcpy(last, type == 1 ? (const void *)&f : type == 11 ? (const void *)&odd[k] : &whole, width);
        raw->bytes.ptr = own;
        note_feed(w, name);
    }
}

static void given(walk *w, mt_field *t, mt_field *input) {
    int64_t v[SMALL];
    bool small = mt_tensor_ints(t, v, SMALL) >= 0;
    for (int how = AS_IT_IS; small && how < BESIDES; how++) runtime_ints(w, t, input, how);
    if (!small) runtime_data(w, t, input);
}

static void declared(walk *w, mt_field *value, const char *what) {
    mt_field *type = mt_get(mt_get(value, MT_VALUE_TYPE, 0), 1, 0), *shape = mt_get(type, 2, 0);
    char name[64];
    int i = 0;
    copy_text(name, sizeof name, mt_get(value, MT_VALUE_NAME, 0));
    if (hit(w, "%s '%s' of no declared type", what, name)) mt_clear(value, MT_VALUE_TYPE);
    if (shape && hit(w, "%s '%s' of no declared shape", what, name)) mt_remove(shape);
    if (w->done || !shape) return;
    mt_each(shape, 1, d) {
        static const int64_t sizes[] = { 0, 3, -1, INT64_C(1) << 31, (INT64_C(1) << 32) + 1, INT64_C(1) << 62 };
        for (size_t k = 0; k < TN_COUNT(sizes) && i < 4; k++)
            if (hit(w, "%s '%s': dimension %d is declared %lld", what, name, i, (long long)sizes[k])) {
                mt_clear(d, 2);
                mt_clear(d, 1);
                mt_add_int(w->arena, d, 1, sizes[k]);
            }
        if (hit(w, "%s '%s': dimension %d is a symbol", what, name, i)) {
            mt_clear(d, 1);
            mt_add_bytes(w->arena, d, 2, "some", 4);
        }
        i++;
    }
    mt_field *code = mt_get(type, 1, 0);
    if (code && hit(w, "%s '%s' of another declared element type", what, name)) code->u = code->u == 1 ? 7 : 1;
}

static void unused_weight(walk *w, mt_field *g) {
    static const char data[16];
    mt_field *t = mt_add_bytes(w->arena, g, MT_GRAPH_INITIALIZER, "", 0);
    if (!t) return;
    t->kind = MT_TENSOR;
    mt_add_int(w->arena, t, MT_TENSOR_DIMS, 4);
    mt_add_int(w->arena, t, MT_TENSOR_TYPE_CODE, 1);
    mt_add_bytes(w->arena, t, MT_TENSOR_NAME, "unused weight", 13);
    mt_add_bytes(w->arena, t, MT_TENSOR_RAW, data, sizeof data);
}

static void nodes(walk *w, mt_field *g, uint32_t number) {
    mt_each(g, number, n) {
        if (w->done) return;
        w->node = n;
        mt_field *after = mt_following(n), *type = mt_get(n, MT_NODE_TYPE, 0);
        if (hit(w, "dropped")) {
            mt_remove(n);
            return;
        }
        if (hit(w, "twice")) mt_insert(n, mt_copy(w->arena, n));
        if (type && hit(w, "is an Identity")) type->bytes = (tn_str){ "Identity", 8 };
        if (after && !w->done) {
            bool swapped = hit(w, "stands behind the next node");
            if (swapped) mt_exchange(n, after);
        }
        if (!w->done) one_node(w, n);
        w->node = NULL;
    }
}

static void graph(walk *w, mt_field *g) {
    const mt_field *outer = w->node;
    bool main_graph = g->up == w->model;
    nodes(w, g, MT_GRAPH_NODE);
    w->node = outer;
    mt_each(g, MT_GRAPH_INITIALIZER, t) {
        if (w->done) return;
        char name[64];
        copy_text(name, sizeof name, mt_get(t, MT_TENSOR_NAME, 0));
        tensor(w, t, name);
    }
    mt_each(g, MT_GRAPH_INPUT, v) if (!w->done) declared(w, v, "input");
    mt_each(g, MT_GRAPH_OUTPUT, v) if (!w->done) declared(w, v, "output");
    mt_each(g, MT_GRAPH_INFO, v) if (!w->done) declared(w, v, "value");
    if (!main_graph) {
        mt_field *in = mt_get(g, MT_GRAPH_INPUT, 0), *o = mt_get(g, MT_GRAPH_OUTPUT, 0);
        if (in && hit(w, "a subgraph has an input less")) mt_remove(in);
        if (in && !w->done && hit(w, "a subgraph has an input twice")) mt_insert(in, mt_copy(w->arena, in));
        if (o && !w->done && hit(w, "a subgraph has an output less")) mt_remove(o);
        if (o && !w->done && hit(w, "a subgraph has an output twice")) mt_insert(o, mt_copy(w->arena, o));
    } else if (hit(w, "a weight that nothing uses")) {
        unused_weight(w, g);
        w->out->same_meaning = true;
    }
}

static void feeds(walk *w) {
    mt_each(w->model, MT_MODEL_FEED, f) {
        mt_field *t = mt_get(f, MT_FEED_TENSOR, 0), *input = fed(w, f);
        if (t && input && !w->done) given(w, t, input);
    }
}

static void whole(walk *w) {
    if (w->model && hit(w, "as it is")) w->out->same_meaning = true;
    mt_each(w->model, MT_MODEL_GRAPH, g) if (!w->done) graph(w, g);
    mt_each(w->model, MT_MODEL_FUNCTION, f) if (!w->done) nodes(w, f, 7);
    w->node = NULL;
    feeds(w);
}

/* --------------------------------------------------------------------------------------------------------------
 * callers */

size_t mm_count(const void *model, size_t n) {
    walk w = { .arena = tn_arena_new(0, TN_MEM_GENERAL), .want = SIZE_MAX };
    if (w.arena && (w.model = mt_parse(w.arena, model, n))) whole(&w);
    tn_arena_free(&w.arena);
    return w.at;
}

bool mm_make(const void *model, size_t n, size_t k, mm_mutant *out) {
    walk w = { .arena = tn_arena_new(0, TN_MEM_GENERAL), .want = k, .out = out };
    *out = (mm_mutant){ 0 };
    if (w.arena && (w.model = mt_parse(w.arena, model, n))) whole(&w);
    if (w.done) mt_write(w.model, &out->file);
    tn_arena_free(&w.arena);
    return w.done && !out->file.failed;
}

bool mm_constant(const void *model, size_t n, const char *input, tn_text *out) {
    tn_arena *a = tn_arena_new(0, TN_MEM_GENERAL);
    mt_field *m = a ? mt_parse(a, model, n) : NULL, *g = mt_get(m, MT_MODEL_GRAPH, 0), *tensor = NULL;
    mt_field *in = g ? input_of(g, (tn_str){ input, strlen(input) }) : NULL;
    *out = (tn_text){ 0 };
    mt_each(m, MT_MODEL_FEED, f) if (mt_is(mt_get(f, MT_FEED_NAME, 0), input)) tensor = mt_get(f, MT_FEED_TENSOR, 0);
    if (in && tensor) {
        mt_remove(tensor);
        tensor->number = MT_GRAPH_INITIALIZER;
        mt_clear(tensor, MT_TENSOR_NAME);
        mt_add_bytes(a, tensor, MT_TENSOR_NAME, input, strlen(input));
        mt_append(g, tensor);
        mt_remove(in);
        mt_write(m, out);
    }
    tn_arena_free(&a);
    return in && tensor && !out->failed;
}
