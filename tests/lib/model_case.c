/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* model_case.c - a case of the ONNX backend tests as one file: the model, and the data of its first set where
 * model_trial.c looks for it. */
#include "base/file.h"
#include "lib/model_trial.h"
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* *small becomes false when the file is larger than `most`. */
static bool read_file(const char *path, size_t most, tn_text *out, bool *small) {
    tn_file *f = NULL;
    if (access(path, R_OK) || tn_file_map(path, &f) != TN_OK) return false;
    bool fits = f->size <= most;
    *small = *small && fits;
    if (fits) tn_text_put(out, (const char *)f->data, f->size);
    tn_file_close(&f);
    return fits && !out->failed;
}

/* Older releases store bfloat16 as its bits, declared uint16. */
static void retype(mt_field *t, const mt_field *type) {
    mt_field *code = mt_get(t, MT_TENSOR_TYPE_CODE, 0);
    if (code && code->u == 4 && mt_int(mt_get(type, 1, 0), 1, 0) == 16) code->u = 16;
}

/* A declared shape that the data contradicts is not believed. */
static void reshape(mt_field *t, const mt_field *type) {
    mt_field *shape = mt_get(mt_get(type, 1, 0), 2, 0);
    bool fits = mt_count(t, MT_TENSOR_DIMS) == mt_count(shape, 1);
    for (int i = 0; fits && i < mt_count(shape, 1); i++) {
        const mt_field *size = mt_get(mt_get(shape, 1, i), 1, 0);
        fits = !size || size->u == mt_get(t, MT_TENSOR_DIMS, i)->u;
    }
    if (shape && !fits) mt_remove(shape);
}

static mt_field *initializer_of(const mt_field *g, const mt_field *name) {
    mt_each(g, MT_GRAPH_INITIALIZER, t) {
        if (name && mt_holds(mt_get(t, MT_TENSOR_NAME, 0), name->bytes)) return t;
    }
    return NULL;
}

static void put_input(tn_arena *a, mt_field *model, mt_field *g, int i, const tn_text *data) {
    mt_field *in = mt_get(g, MT_GRAPH_INPUT, i), *type = mt_get(in, MT_VALUE_TYPE, 0),
             *name = mt_get(in, MT_VALUE_NAME, 0);
    if (!type || !name) return;
    mt_field *f = mt_add_bytes(a, model, MT_MODEL_FEED, "", 0), *t = NULL;
    if (!f) return;
    f->kind = MT_FEED;
    mt_add_bytes(a, f, MT_FEED_NAME, name->bytes.ptr, name->bytes.len);
    mt_add_int(a, f, MT_FEED_KIND,
               mt_get(type, 1, 0)   ? MT_FEEDS_TENSOR
               : mt_get(type, 4, 0) ? MT_FEEDS_SEQUENCE
               : mt_get(type, 5, 0) ? MT_FEEDS_MAP
                                    : MT_FEEDS_OPTIONAL);
    if (!mt_get(type, 1, 0)) {
        mt_add_bytes(a, f, MT_FEED_OTHER, data->s, data->n);
    } else if ((t = mt_parse_as(a, MT_TENSOR, data->s, data->n))) {
        t->number = MT_FEED_TENSOR;
        mt_append(f, t);
        retype(t, type);
        reshape(t, type);
    }
}

/* Before version 4 of the format constants had to be inputs, too, of which nobody gives data. */
static void modernise(mt_field *model, mt_field *g) {
    mt_field *ir = mt_get(model, 1, 0);
    if (!ir || ir->u >= 4) return;
    ir->u = 4;
    mt_each(g, MT_GRAPH_INPUT, in) {
        const mt_field *name = mt_get(in, MT_VALUE_NAME, 0);
        if (initializer_of(g, name)) mt_remove(in);
    }
}

bool mt_load_case(const char *dir, size_t most, tn_text *out) {
    char path[1024];
    tn_text file = { 0 };
    bool small = true;
    snprintf(path, sizeof path, "%s/model.onnx", dir);
    *out = (tn_text){ 0 };
    if (!read_file(path, most, &file, &small)) {
        tn_text_free(&file);
        return false;
    }
    tn_arena *a = tn_arena_new(0, TN_MEM_GENERAL);
    mt_field *model = a ? mt_parse(a, file.s, file.n) : NULL, *g = mt_get(model, MT_MODEL_GRAPH, 0);
    tn_text data[64] = { 0 };
    if (g) modernise(model, g);
    for (int i = 0; i < 64 && i < mt_count(g, MT_GRAPH_INPUT); i++) {
        snprintf(path, sizeof path, "%s/test_data_set_0/input_%d.pb", dir, i);
        if (read_file(path, most, &data[i], &small)) put_input(a, model, g, i, &data[i]);
    }
    if (g && small) mt_write(model, out);
    for (int i = 0; i < 64; i++) tn_text_free(&data[i]);
    tn_arena_free(&a);
    tn_text_free(&file);
    return g && small && !out->failed;
}
