/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* case_operators.c - which operators the official cases contain, as tests/conformance/operators.txt: a line per case
 * that is pinned, its name, then its operators (with their domain where it is not ai.onnx), in alphabetical order. Read
 * from the files as they are, before anything is rewritten: subgraphs and functions count, too.
 * usage: case_operators PASSING.TXT DATA > operators.txt
 *        DATA is what `tenon test` is given: folders of cases, each with model.onnx. */
#include "base/file.h"
#include "base/wire.h"
#include "tenon.h"
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Field numbers of onnx.proto. */
enum {
    MODEL_GRAPH = 7,
    MODEL_FUNCTIONS = 25,
    GRAPH_NODE = 1,
    FUNCTION_NODE = 7,
    NODE_TYPE = 4,
    NODE_ATTRIBUTE = 5,
    NODE_DOMAIN = 7,
    ATTRIBUTE_GRAPH = 6,
    ATTRIBUTE_GRAPHS = 11,
    DEPTH = 64
};

enum { MOST = 512 };
static char names[MOST][96];
static int n_names;

static int by_name(const void *a, const void *b) { return strcmp(a, b); }

static void note(tn_str domain, tn_str type) {
    char name[sizeof names[0]];
    bool plain = !domain.len || (domain.len == 7 && !memcmp(domain.ptr, "ai.onnx", 7));
    snprintf(name, sizeof name, "%.*s%s%.*s", plain ? 0 : (int)domain.len, domain.ptr ? domain.ptr : "",
             plain ? "" : ".", (int)type.len, type.ptr);
    for (int i = 0; i < n_names; i++)
        if (!strcmp(names[i], name)) return;
    if (n_names < MOST) memcpy(names[n_names++], name, sizeof name);
}

static tn_status walk_nodes(tn_wire w, uint32_t node_field, int depth);

static tn_status walk_node(tn_wire w, int depth) {
    tn_wire_field f;
    bool more;
    tn_str type = { 0 }, domain = { 0 };
    for (;;) {
        TN_TRY(tn_wire_next(&w, &f, &more));
        if (!more) break;
        if (f.number == NODE_TYPE) type = f.bytes;
        if (f.number == NODE_DOMAIN) domain = f.bytes;
        if (f.number != NODE_ATTRIBUTE) continue;
        tn_wire attr = tn_wire_sub(&w, &f);
        for (;;) {
            tn_wire_field g;
            TN_TRY(tn_wire_next(&attr, &g, &more));
            if (!more) break;
            if (g.number == ATTRIBUTE_GRAPH || g.number == ATTRIBUTE_GRAPHS)
                TN_TRY(walk_nodes(tn_wire_sub(&attr, &g), GRAPH_NODE, depth + 1));
        }
    }
    note(domain, type);
    return TN_OK;
}

static tn_status walk_nodes(tn_wire w, uint32_t node_field, int depth) {
    tn_wire_field f;
    bool more;
    if (depth > DEPTH) return tn_fail(TN_E_LIMIT, "graphs nested deeper than %d", DEPTH);
    for (;;) {
        TN_TRY(tn_wire_next(&w, &f, &more));
        if (!more) return TN_OK;
        if (f.number == node_field && f.type == 2) TN_TRY(walk_node(tn_wire_sub(&w, &f), depth));
    }
}

static tn_status walk_model(const char *path) {
    tn_file *file = NULL;
    tn_wire_field f;
    bool more = true;
    TN_TRY(tn_file_map(path, &file));
    tn_wire w = tn_wire_of(file->data, file->size);
    tn_status st = TN_OK;
    while (st == TN_OK && (st = tn_wire_next(&w, &f, &more)) == TN_OK && more) {
        if (f.number == MODEL_GRAPH) st = walk_nodes(tn_wire_sub(&w, &f), GRAPH_NODE, 0);
        if (f.number == MODEL_FUNCTIONS) st = walk_nodes(tn_wire_sub(&w, &f), FUNCTION_NODE, 0);
    }
    tn_file_close(&file);
    return st;
}

/* The folder of a case: DATA/CASE, or DATA/GROUP/CASE. */
static bool find_model(const char *data, const char *name, char *path, size_t n) {
    snprintf(path, n, "%s/%s/model.onnx", data, name);
    FILE *f = fopen(path, "rb");
    DIR *d = f ? NULL : opendir(data);
    for (struct dirent *e; !f && d && (e = readdir(d));) {
        if (*e->d_name == '.') continue;
        snprintf(path, n, "%s/%s/%s/model.onnx", data, e->d_name, name);
        f = fopen(path, "rb");
    }
    if (d) closedir(d);
    if (f) fclose(f);
    return f != NULL;
}

int main(int argc, char **argv) {
    char line[512], path[4096];
    FILE *pins = argc == 3 ? fopen(argv[1], "r") : NULL;
    if (!pins) {
        fprintf(stderr, argc == 3 ? "case_operators: cannot open %s\n" : "usage: case_operators PASSING.TXT DATA\n",
                argv[1]);
        return 2;
    }
    while (fgets(line, sizeof line, pins)) {
        line[strcspn(line, " \n")] = 0;
        if (!*line || *line == '#') continue;
        n_names = 0;
        if (!find_model(argv[2], line, path, sizeof path)) {
            fprintf(stderr, "case_operators: %s has no case %s\n", argv[2], line);
            return 1;
        }
        if (walk_model(path) != TN_OK) {
            fprintf(stderr, "case_operators: %s: %s\n", path, tn_error());
            return 1;
        }
        qsort(names, (size_t)n_names, sizeof names[0], by_name);
        printf("%s", line);
        for (int i = 0; i < n_names; i++) printf(" %s", names[i]);
        printf("\n");
    }
    fclose(pins);
    return 0;
}
