/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* fuzz_run.c - whole models: opened, run as they stand and optimised, differentiated, saved, opened and run again, with
 * everything that tests/lib/model_trial.h promises. Files are protobuf, so a fuzzer that turns bits reaches nothing
 * deep; LLVMFuzzerCustomMutator edits the tree of fields instead: one of the damages that the sweep over the
 * conformance cases counts through (tests/lib/model_mutations.h), a number, a piece moved or taken from the tree
 * elsewhere; and at times, bytes. What is given for the inputs is in the file (MT_MODEL_FEED), so it changes with it.
 */
#include "fuzz.h"
#include "lib/model_mutations.h"
#include "lib/model_trial.h"
#include <stdio.h>
#include <unistd.h>

enum { MOST = 1 << 20 };

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max) __attribute__((weak));
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static char scratch[64];
    mt_report r;
    if (!*scratch) snprintf(scratch, sizeof scratch, "/tmp/tenon_fuzz_run_%d.onnx", (int)getpid());
    if (size > MOST) return 0;
    /* compiled files are half of the time, and a mutant in eight shows what is wrong with them */
    mt_trial how = { .scratch = scratch, .gradient = true, .saving = true, .compiling = size % 8 == 0 };
    bool held = mt_try(data, size, &how, &r);
    if (!held) fprintf(stderr, "broken: %s\n", r.broken);
    unlink(scratch);
    must(held);
    return 0;
}

/* -------------------------------------------------------------------------------------------------------- mutating */

typedef struct {
    mt_field *at[4096];
    size_t n;
} field_list;

static uint64_t next(uint64_t *s) {
    *s = *s * 6364136223846793005u + 1442695040888963407u;
    return *s >> 33;
}

static void collect(mt_field *m, field_list *l) {
    for (mt_field *f = m->first; f; f = f->next) {
        if (l->n < TN_COUNT(l->at)) l->at[l->n++] = f;
        collect(f, l);
    }
}

static uint64_t number(uint64_t *s, uint64_t old) {
    static const int64_t odd[] = { 0,
                                   1,
                                   2,
                                   3,
                                   7,
                                   16,
                                   17,
                                   -1,
                                   -2,
                                   -9,
                                   INT32_MAX,
                                   INT64_C(1) << 31,
                                   INT64_C(1) << 32,
                                   (INT64_C(1) << 32) + 1,
                                   INT64_C(1) << 40,
                                   INT64_C(1) << 62,
                                   INT64_MIN,
                                   INT64_MAX };
    switch (next(s) % 4) {
    case 0: return old + 1;
    case 1: return old - 1;
    default: return (uint64_t)odd[next(s) % TN_COUNT(odd)];
    }
}

/* Bytes: a number in them (dimensions, axes as raw data), or a text. */
static void edit_bytes(tn_arena *a, mt_field *f, uint64_t *s) {
    size_t n = f->bytes.len;
    char *own = tn_arena_alloc(a, n + 9, 8);
    if (!own) return;
    if (n) memcpy(own, f->bytes.ptr, n);
    if (n >= 8 && next(s) % 2) {
        size_t at = next(s) % (n / 8) * 8;
        uint64_t v;
        memcpy(&v, own + at, 8);
        v = number(s, v);
        memcpy(own + at, &v, 8);
    } else if (n && next(s) % 3 == 0) {
        n -= 1 + next(s) % (n < 8 ? n : 8);
    } else if (n) {
        own[next(s) % n] ^= (char)(1 << next(s) % 8);
    }
    f->bytes = (tn_str){ own, n };
}

static bool inside(const mt_field *f, const mt_field *m) {
    for (; f; f = f->up)
        if (f == m) return true;
    return false;
}

/* One edit of one field; a second one of the same number and kind may serve as a source. */
static void edit(tn_arena *a, mt_field *f, const field_list *l, uint64_t *s) {
    mt_field *g = l->at[next(s) % l->n];
    for (int k = 0; k < 50 && (g->number != f->number || g->kind != f->kind || g == f); k++) g = l->at[next(s) % l->n];
    bool twin = g->number == f->number && g->kind == f->kind && !inside(f, g) && !inside(g, f);
    switch (next(s) % 8) {
    case 0: mt_remove(f); break;
    case 1: mt_insert(f, mt_copy(a, f)); break;
    case 2:
        if (twin) mt_exchange(f, g);
        break;
    case 3:
    case 4:
        if (twin) mt_insert(f, mt_copy(a, g)), mt_remove(f);
        break;
    default:
        if (f->wire != 2)
            f->u = number(s, f->u);
        else if (f->kind == MT_LEAF)
            edit_bytes(a, f, s);
        else if (f->up)
            mt_append(f->up, mt_copy(a, f));
    }
}

static size_t put(const tn_text *t, uint8_t *data, size_t size, size_t max) {
    if (t->failed || !t->n || t->n > max) return size;
    memcpy(data, t->s, t->n);
    return t->n;
}

static size_t edit_tree(uint8_t *data, size_t size, size_t max, uint64_t *s) {
    static field_list l;
    tn_text out = { 0 };
    tn_arena *a = tn_arena_new(0, TN_MEM_GENERAL);
    mt_field *m = a ? mt_parse(a, data, size) : NULL;
    for (uint64_t k = 1 + next(s) % 3; m && k; k--) {
        l.n = 0;
        collect(m, &l);
        if (l.n) edit(a, l.at[next(s) % l.n], &l, s);
    }
    if (m) mt_write(m, &out);
    size = put(&out, data, size, max);
    tn_text_free(&out);
    tn_arena_free(&a);
    return size;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed) {
    uint64_t s = seed * UINT64_C(0x9e3779b97f4a7c15) + 1;
    mm_mutant m;
    size_t count;
    if (LLVMFuzzerMutate && next(&s) % 50 == 0) return LLVMFuzzerMutate(data, size, max);
    for (uint64_t k = 1 + next(&s) % 2; k && next(&s) % 3 && (count = mm_count(data, size)); k--) {
        if (mm_make(data, size, next(&s) % count, &m)) size = put(&m.file, data, size, max);
        tn_text_free(&m.file);
        if (k == 1) return size;
    }
    return edit_tree(data, size, max, &s);
}
