/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* seeds_models.c - the first inputs of fuzz_tnplan, compiled files, and of fuzz_run: small models with data, and
 * dimensions and numbers near 2^31, 2^32 and 2^62 where sizes are computed; with CASES, also every case of the ONNX
 * backend tests of at most 20 KB.
 *
 * usage: make_model_seeds FOLDER [CASES CASE_FOLDER]      below FOLDER, FOLDER/../tnplan, and CASE_FOLDER */
#include "base/file.h"
#include "lib/model_trial.h"
#include "lib/onnx_build.h"
#include "lib/plan_models.h"
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { MOST_BYTES = 20000 };

static const char *folder;

static void put(const char *name, const tn_text *file) {
    char path[2048];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    if (tn_file_write(path, file->s, file->n) == TN_OK) return;
    fprintf(stderr, "make_model_seeds: %s\n", tn_error());
    exit(1);
}

static void finish(const char *name, ob *b) {
    ob_output(b, "y");
    tn_text file = ob_finish(b);
    put(name, &file);
    tn_text_free(&file);
}

static ob *start(void) { return ob_new(10, 21); }

/* -------------------------------------------------------------------------------------------- sizes near the edges */

static const struct {
    const char *name;
    int64_t n;
} sizes[] = { { "2pow31", INT64_C(1) << 31 },
              { "2pow31-1", INT32_MAX },
              { "2pow32", INT64_C(1) << 32 },
              { "2pow32+1", (INT64_C(1) << 32) + 1 },
              { "2pow62", INT64_C(1) << 62 } };

static void concat(const char *name, int64_t n) {
    ob *b = start();
    char dims[64];
    snprintf(dims, sizeof dims, "0,%lld", (long long)n);
    ob_input(b, "a", TN_F32, dims);
    ob_node(b, "Concat", "a a", "y");
    ob_int(b, "axis", 1);
    finish(name, b);
}

static void expand(const char *name, int64_t n) {
    ob *b = start();
    ob_input(b, "a", TN_F32, "1,0");
    ob_ints_init(b, "s", "2", (int64_t[]){ n, 0 }, 2);
    ob_node(b, "Expand", "a s", "y");
    finish(name, b);
}

static void slice(const char *name, int64_t n) {
    ob *b = start();
    ob_input(b, "a", TN_F32, "3,4");
    ob_ints_init(b, "from", "1", (int64_t[]){ -n }, 1);
    ob_ints_init(b, "to", "1", &n, 1);
    ob_node(b, "Slice", "a from to", "y");
    finish(name, b);
}

static void cast(const char *name, int64_t n) {
    ob *b = start();
    ob_input(b, "a", TN_F32, "3");
    ob_node(b, "Cast", "a", "y");
    ob_int(b, "to", n);
    finish(name, b);
}

static void pool(const char *name, int64_t n) {
    ob *b = start();
    ob_input(b, "a", TN_F32, "1,1,5,5");
    ob_node(b, "MaxPool", "a", "y");
    ob_ints(b, "kernel_shape", (int64_t[]){ 2, 2 }, 2);
    ob_ints(b, "pads", (int64_t[]){ 0, 0, n, n }, 4);
    finish(name, b);
}

static void edges(void) {
    static const struct {
        const char *name;
        void (*make)(const char *name, int64_t n);
    } kinds[] = { { "concat", concat }, { "expand", expand }, { "slice", slice }, { "cast", cast }, { "pool", pool } };
    for (size_t k = 0; k < TN_COUNT(kinds); k++)
        for (size_t i = 0; i < TN_COUNT(sizes); i++) {
            char name[64];
            snprintf(name, sizeof name, "%s-%s.onnx", kinds[k].name, sizes[i].name);
            kinds[k].make(name, sizes[i].n);
        }
}

/* --------------------------------------------------------------------------- values that only a running model knows */

/* What is given for an input stands beside the graph: lib/model_trial.h. */
static void feed_ints(tn_text *file, const char *input, const int64_t *v, int n) {
    size_t feed = tn_wire_begin(file, MT_MODEL_FEED);
    tn_wire_put_bytes(file, MT_FEED_NAME, input, strlen(input));
    size_t t = tn_wire_begin(file, MT_FEED_TENSOR);
    tn_wire_put_varint(file, MT_TENSOR_DIMS, (uint64_t)n);
    tn_wire_put_varint(file, MT_TENSOR_TYPE_CODE, 7);
    tn_wire_put_bytes(file, MT_TENSOR_RAW, v, (size_t)n * 8);
    tn_wire_end(file, t);
    tn_wire_end(file, feed);
}

/* attr: one that is 0, or NULL */
static void late(const char *op, const char *attr, const char *dims, const char *length, const int64_t *v, int n) {
    ob *b = start();
    char name[64];
    ob_input(b, "a", TN_F32, dims);
    ob_input(b, "n", TN_I64, length);
    ob_node(b, op, "a n", "y");
    if (attr) ob_int(b, attr, 0);
    ob_output(b, "y");
    tn_text file = ob_finish(b);
    feed_ints(&file, "n", v, n);
    snprintf(name, sizeof name, "late-%s-%s.onnx", op, dims);
    put(name, &file);
    tn_text_free(&file);
}

static void late_values(void) {
    late("ReduceSum", "keepdims", "5", "1", (int64_t[]){ 0 }, 1);
    late("ReduceMax", NULL, "2,3", "1", (int64_t[]){ 1 }, 1);
    late("Reshape", NULL, "2,6", "2", (int64_t[]){ 3, -1 }, 2);
    late("Expand", NULL, "1,3", "2", (int64_t[]){ 2, 3 }, 2);
    late("Tile", NULL, "2,2", "2", (int64_t[]){ 2, 1 }, 2);
    late("Unsqueeze", NULL, "4", "1", (int64_t[]){ 0 }, 1);
    late("Pad", NULL, "2,2", "4", (int64_t[]){ 1, 0, 0, 1 }, 4);
    late("Gather", NULL, "3,2", "2", (int64_t[]){ 2, -1 }, 2);
    late("CumSum", NULL, "2,3", "", (int64_t[]){ 1 }, 1);
    late("TopK", NULL, "2,3", "1", (int64_t[]){ 2 }, 1);
}

/* ----------------------------------------------------------------------------------------------------------- cases */

static void cases(const char *dir, int depth) {
    struct dirent **list;
    tn_text file;
    char name[300];
    if (mt_load_case(dir, MOST_BYTES, &file)) {
        if (snprintf(name, sizeof name, "%s.onnx", strrchr(dir, '/') + 1) < (int)sizeof name) put(name, &file);
        tn_text_free(&file);
        return;
    }
    tn_text_free(&file);
    int n = depth < 4 ? scandir(dir, &list, NULL, alphasort) : -1;
    for (int i = 0; i < n; i++) {
        char path[1024];
        int len = snprintf(path, sizeof path, "%s/%s", dir, list[i]->d_name);
        if (list[i]->d_name[0] != '.' && len < (int)sizeof path) cases(path, depth + 1);
        free(list[i]);
    }
    if (n >= 0) free(list);
}

static void plans(void) {
    char path[2048];
    snprintf(path, sizeof path, "%s/../tnplan", folder);
    mkdir(path, 0777);
    for (size_t i = 0; i < PM_MODELS; i++) {
        snprintf(path, sizeof path, "%s/../tnplan/%s", folder, pm_name(i));
        if (pm_compile(i, path, NULL) == TN_OK) continue;
        fprintf(stderr, "make_model_seeds: %s: %s\n", pm_name(i), tn_error());
        exit(1);
    }
}

int main(int argc, char **argv) {
    if (argc != 2 && argc != 4) {
        fprintf(stderr, "usage: make_model_seeds FOLDER [CASES CASE_FOLDER]\n");
        return 2;
    }
    mkdir(folder = argv[1], 0777);
    edges();
    plans();
    late_values();
    if (argc == 2) return 0;
    mkdir(folder = argv[3], 0777);
    cases(argv[2], 0);
    return 0;
}
