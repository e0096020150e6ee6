/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* output_names.c - files for a model's outputs. */
#include "cli/output_names.h"
#include "base/clean.h"
#include "base/utf8.h"
#include <stdio.h>

#define MOST_BYTES 200 /* file systems take 255; a number and an ending follow */

static bool plain(const char *s, size_t len) {
    char c = *s;
    if (len > 1) return tn_is_clean(s, len);
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || (c && strchr("._-", c));
}

static const char *file_of(tn_arena *a, const char *name) {
    char made[MOST_BYTES + 1];
    size_t n = strlen(name), used = 0;
    for (size_t i = 0; i < n;) {
        size_t len = tn_utf8_length(name + i, n - i), step = len ? len : 1;
        bool keep = len && plain(name + i, len) && (i || name[i] != '.'); /* not hidden, not ".." */
        if (used + (keep ? len : 1) > MOST_BYTES) break;
        if (keep)
            memcpy(made + used, name + i, len), used += len;
        else
            made[used++] = '_';
        i += step;
    }
    if (!used) made[used++] = '_';
    return tn_arena_strndup(a, made, used);
}

/* The name, or NAME-2, NAME-3, ..., whichever is free; a number per name is kept, so that many equal ones take no time.
 */
static const char *free_name(tn_arena *a, tn_map *taken, tn_map *counts, const char *file) {
    int *count = tn_map_gets(counts, file);
    if (!count) {
        if (!(count = tn_arena_new_of(a, int))) return NULL;
        *count = 1;
        if (tn_map_put(counts, file, strlen(file), count) != TN_OK) return NULL;
    }
    const char *name = file;
    while (name && tn_map_gets(taken, name)) name = tn_arena_printf(a, "%s-%d", file, ++*count);
    return name && tn_map_put(taken, name, strlen(name), taken) == TN_OK ? name : NULL;
}

tn_status tn_output_names(const tn_model *m, tn_arena *a, const char ***out) {
    const tn_graph *g = m->graph;
    tn_map *taken = tn_map_new(0), *counts = tn_map_new(0);
    const char **names = tn_arena_array(a, const char *, (size_t)g->n_outputs + 1);
    bool ok = taken && counts && names;
    for (int exact = 1; exact >= 0 && ok; exact--) /* those that need no change first */
        for (int i = 0; i < g->n_outputs && ok; i++) {
            const char *file = names[i] ? NULL : file_of(a, g->outputs[i]->name);
            ok = names[i] || file;
            bool same = file && !strcmp(file, g->outputs[i]->name) && !tn_map_gets(taken, file);
            if (!file || same != exact) continue;
            names[i] = free_name(a, taken, counts, file);
            ok = names[i] != NULL;
        }
    tn_map_free(&taken);
    tn_map_free(&counts);
    *out = names;
    return ok ? TN_OK : tn_fail(TN_E_NOMEM, "names of files");
}
