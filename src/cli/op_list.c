/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* op_list.c - gathers what is known of operators: rows, the history of ai.onnx, kernel tables, and what
 * scripts/op_facts.sh found in the sources. */
#include "cli/op_list.h"
#include "base/mem.h"
#include "kernel/kernel.h"
#include "op/core/expand.h"
#include "op/core/past.h"
#include "op_facts.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The file of each family of rows, in the order of tn_op_families. */
static const char *const files[] = {
#define TN_OPS(folder, file) #folder "/" #file,
#include "op/core/ops.def"
};

static const char *file_of(const tn_op *row) {
    for (size_t i = 0; i < TN_COUNT(files); i++)
        for (const tn_op *op = tn_op_families[i]; op->name; op++)
            if (op == row) return files[i];
    return "";
}

static bool has_word(const char *words, const char *w, size_t n) {
    for (const char *at = words; *at; at += strcspn(at, " "), at += *at == ' ')
        if (strcspn(at, " ") == n && !memcmp(at, w, n)) return true;
    return false;
}

/* Adds the words that the list does not have yet, as long as there is room. */
static void add_words(char *list, size_t room, const char *words) {
    for (size_t n; *words; words += n, words += *words == ' ') {
        n = strcspn(words, " ");
        size_t at = strlen(list);
        if (has_word(list, words, n) || at + n + 2 > room) continue;
        snprintf(list + at, room - at, "%s%.*s", at ? " " : "", (int)n, words);
    }
}

static void add_kernels(tn_op_entry *e, const tn_op *row) {
    const char *file = file_of(row);
    for (size_t i = 0; i < TN_COUNT(op_kernels); i++)
        if (!strcmp(op_kernels[i].file, file)) add_words(e->kernels, sizeof e->kernels, op_kernels[i].kernels);
}

/* What names an operator without its domain counts for the one of that name, where there is only one. */
static void add_facts(tn_op_entry *e, bool only) {
    bool microsoft = !strncmp(e->domain, "com.microsoft", strlen("com.microsoft")); /* and com.microsoft.nchwc */
    if (e->support == TN_OP_HAS_ROW) add_kernels(e, e->row);
    for (int i = 0; i < e->n_parts; i++) add_kernels(e, e->parts[i]);
    for (size_t i = 0; i < TN_COUNT(op_tests); i++) {
        if (strcmp(op_tests[i].op, e->name) != 0 || (!only && microsoft != (*op_tests[i].domain != 0))) continue;
        add_words(e->tests, sizeof e->tests, op_tests[i].tests);
        e->cases += op_tests[i].cases;
    }
}

static int by_name(const void *a, const void *b) {
    const tn_op_entry *x = a, *y = b;
    int d = strcmp(x->domain, y->domain);
    return d ? d : strcmp(x->name, y->name);
}

static tn_op_entry *find(tn_op_entry *v, int n, const char *domain, const char *name) {
    for (int i = 0; i < n; i++)
        if (!strcmp(v[i].name, name) && !strcmp(v[i].domain, domain)) return &v[i];
    return NULL;
}

tn_status tn_op_list(tn_op_entry **out, int *n) {
    const tn_op_past *past;
    const tn_op *op;
    int most = tn_op_count(), k = 0;
    for (int i = 0; tn_op_past_at(i); i++) most++;
    for (int i = 0; tn_op_expanded_at(i); i++) most++;
    tn_op_entry *v = tn_mem_zalloc((size_t)(most + 1) * sizeof *v, TN_MEM_GENERAL);
    if (!v) return tn_fail(TN_E_NOMEM, "no memory for %d operators", most);
    for (int i = 0; i < tn_op_count(); i++) {
        op = tn_op_at(i);
        if (op->flags & TN_OP_INTERNAL) continue;
        v[k++] = (tn_op_entry){ .name = op->name, .domain = op->domain ? op->domain : "", .row = op };
    }
    for (int i = 0; (op = tn_op_expanded_at(i)); i++) {
        const char *domain = op->domain ? op->domain : "";
        if (find(v, k, domain, op->name)) continue;
        tn_op_entry *e = &v[k++];
        *e = (tn_op_entry){ .name = op->name, .domain = domain, .row = op, .support = TN_OP_DECOMPOSED };
        e->n_parts = tn_op_becomes(op, e->parts, (int)TN_COUNT(e->parts));
    }
    for (int i = 0; (past = tn_op_past_at(i)); i++) {
        if (!past->versions) continue;
        tn_op_entry *e = find(v, k, "", past->op);
        if (!e) {
            e = &v[k++];
            *e = (tn_op_entry){ .name = past->op, .domain = "", .support = TN_OP_MISSING };
            if (!strcmp(past->op, "Constant")) e->support = TN_OP_LOADED;
            if (tn_op_is_gone(past)) e->support = TN_OP_UPGRADED;
        }
        for (const tn_op_version *o = past->versions; o->since && e->n_versions < (int)TN_COUNT(e->versions); o++)
            e->versions[e->n_versions++] = o->since;
    }
    for (int i = 0; i < k; i++) {
        if (!v[i].n_versions && v[i].row) v[i].versions[v[i].n_versions++] = v[i].row->since;
        int of_name = 0;
        for (int j = 0; j < k; j++) of_name += !strcmp(v[i].name, v[j].name);
        add_facts(&v[i], of_name == 1);
    }
    qsort(v, (size_t)k, sizeof *v, by_name);
    *out = v;
    *n = k;
    return TN_OK;
}

/* ------------------------------------------------------------------------------------------------------- kernels */

static const struct {
    const char *name;
    unsigned flags, without; /* the tables filled for these, against those filled for less */
} sets[] = {
    { "AVX2", TN_CPU_AVX2, 0 },
    { "AVX-512", TN_CPU_AVX2 | TN_CPU_AVX512, TN_CPU_AVX2 },
    { "VNNI", TN_CPU_AVX2 | TN_CPU_AVX512 | TN_CPU_AVX512VNNI, TN_CPU_AVX2 | TN_CPU_AVX512 },
    { "BF16", TN_CPU_AVX2 | TN_CPU_AVX512 | TN_CPU_AVX512BF16, TN_CPU_AVX2 | TN_CPU_AVX512 },
};

void tn_op_variants(const char *family, size_t len, tn_text *out) {
    tn_kernels a, b;
    bool any = false;
    for (size_t i = 0; i < TN_COUNT(sets); i++) {
        size_t from = 0, bytes = 0;
        memset(&a, 0, sizeof a);
        memset(&b, 0, sizeof b);
        tn_kernels_fill(&a, sets[i].flags);
        tn_kernels_fill(&b, sets[i].without);
#define X(name)                                                            \
    if (strlen(#name) == len && !memcmp(family, #name, len)) {             \
        from = (size_t)((const char *)&a.name - (const char *)(void *)&a); \
        bytes = sizeof a.name;                                             \
    }
        TN_KERNEL_FAMILIES(X)
#undef X
        if (!bytes || !memcmp((char *)(void *)&a + from, (char *)(void *)&b + from, bytes)) continue;
        tn_text_printf(out, "%s%s", any ? ", " : "", sets[i].name);
        any = true;
    }
}
