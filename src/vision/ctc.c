/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* ctc.c - key files and greedy CTC decoding (Graves et al., ICML 2006). */
#include "vision/ctc.h"
#include "base/file.h"
#include "base/mem.h"
#include <string.h>

tn_status tn_keys_parse(const void *data, size_t bytes, tn_keys *out) {
    *out = (tn_keys){ 0 };
    if (bytes == 0) return tn_fail(TN_E_FORMAT, "the key file is empty");
    const char *text = data;
    size_t lines = 1; /* the space */
    for (size_t i = 0; i < bytes; i++) lines += text[i] == '\n' || i + 1 == bytes;
    out->memory = tn_mem_alloc(bytes + 3, TN_MEM_GENERAL);
    out->key = tn_mem_alloc(lines * sizeof *out->key, TN_MEM_GENERAL);
    if (!out->memory || !out->key) {
        tn_keys_free(out);
        return tn_fail(TN_E_NOMEM, "key file of %zu bytes", bytes);
    }
    memcpy(out->memory, text, bytes);
    memcpy(out->memory + bytes, "\0 ", 3);
    for (size_t from = 0, to; from < bytes; from = to + 1) {
        const char *nl = memchr(text + from, '\n', bytes - from);
        to = nl ? (size_t)(nl - text) : bytes;
        out->memory[to] = '\0';
        if (to > from && out->memory[to - 1] == '\r') out->memory[to - 1] = '\0';
        out->key[out->n++] = out->memory + from;
    }
    out->key[out->n++] = out->memory + bytes + 1;
    return TN_OK;
}

tn_status tn_keys_load(const char *path, tn_keys *out) {
    tn_file *f = NULL;
    *out = (tn_keys){ 0 };
    TN_TRY(tn_file_map(path, &f));
    tn_status st = tn_keys_parse(f->data, f->size, out);
    if (st != TN_OK) tn_fail_at(st, "%s", path);
    tn_file_close(&f);
    return st;
}

void tn_keys_free(tn_keys *k) {
    tn_mem_free(k->key);
    tn_mem_free(k->memory);
    *k = (tn_keys){ 0 };
}

tn_status tn_ctc_decode(const float *prob, size_t steps, size_t classes, const tn_keys *keys, tn_text *text,
                        float *score) {
    *score = 0;
    if (classes != keys->n + 1)
        return tn_fail(TN_E_SHAPE,
                       "the recogniser tells %zu classes apart, the key file makes %zu (with blank and space)", classes,
                       keys->n + 1);
    size_t last = 0, kept = 0;
    double sum = 0;
    for (size_t t = 0; t < steps; t++, prob += classes) {
        size_t best = 0;
        for (size_t c = 1; c < classes; c++)
            if (prob[c] > prob[best]) best = c;
        if (best != 0 && best != last) {
            tn_text_puts(text, keys->key[best - 1]);
            sum += prob[best];
            kept++;
        }
        last = best;
    }
    if (kept > 0) *score = (float)(sum / (double)kept);
    return text->failed ? tn_fail(TN_E_NOMEM, "recognised text") : TN_OK;
}
