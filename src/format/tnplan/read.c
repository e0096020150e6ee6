/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* read.c - opening a compiled file: is it one of ours, whole, and where does what lie. See tnplan.h. */
#include "format/tnplan/read.h"
#include "base/budget.h"
#include "base/cpu.h"
#include "tenon.h"

bool tn_plan_is(const uint8_t *data, size_t size) {
    size_t n = strlen(TN_PLAN_MAGIC);
    return size >= n && !memcmp(data, TN_PLAN_MAGIC, n);
}

static tn_status corrupt(const char *what) {
    return tn_fail(TN_E_FORMAT, "the compiled file is damaged: %s; compile the model again", what);
}

/* Another library or another machine is told apart from damage: those fields are read first, the checksum next. */
static tn_status check_fit(const tn_plan_header *h) {
    char theirs[64], ours[64], version[sizeof h->version + 1] = { 0 };
    memcpy(version, h->version, sizeof h->version);
    if (h->format != TN_PLAN_FORMAT || strcmp(version, tn_version()))
        return tn_fail(TN_E_UNSUPPORTED,
                       "the file was compiled by tenon %.32s (format %u), this is %s (format %d): compile the model "
                       "again",
                       version, h->format, tn_version(), TN_PLAN_FORMAT);
    if (h->features != tn_cpu_flags())
        return tn_fail(TN_E_UNSUPPORTED,
                       "the file was compiled for %s, this process uses %s: compile the model again here, or with "
                       "TN_CPU set to what it will run on",
                       tn_cpu_name(h->features, theirs, sizeof theirs), tn_cpu_name(tn_cpu_flags(), ours, sizeof ours));
    return TN_OK;
}

/* Whether [at, at + bytes) lies in the file, at a multiple of 64. */
static bool lies_in(const tn_plan_header *h, uint64_t at, uint64_t bytes) {
    return at % TN_PLAN_ALIGN == 0 && at <= h->size && bytes <= h->size - at;
}

static tn_status check_header(const tn_plan_header *h, size_t size) {
    TN_TRY(check_fit(h));
    if (h->sum != tn_plan_sum(h, offsetof(tn_plan_header, sum))) return corrupt("its header does not add up");
    if (h->size != size)
        return tn_fail(TN_E_FORMAT, "the compiled file has %zu bytes of %llu: it was cut short, or something was added",
                       size, (unsigned long long)h->size);
    if (h->n_blobs > size / sizeof(tn_plan_blob) || !lies_in(h, h->table_at, h->n_blobs * sizeof(tn_plan_blob)))
        return corrupt("its table lies outside");
    return lies_in(h, h->graph_at, h->graph_bytes) ? TN_OK : corrupt("its graph lies outside");
}

static tn_status check_blobs(const tn_plan_header *h, const uint8_t *data) {
    const tn_plan_blob *table = (const void *)(data + h->table_at);
    if (tn_plan_sum(table, h->n_blobs * sizeof *table) != h->table_sum) return corrupt("its table does not add up");
    if (tn_plan_sum(data + h->graph_at, h->graph_bytes) != h->graph_sum) return corrupt("its graph does not add up");
    for (uint64_t i = 0; i < h->n_blobs; i++)
        if (!lies_in(h, table[i].at, table[i].bytes)) return corrupt("weights lie outside");
    return TN_OK;
}

/* Reads all there is. */
static tn_status verify(const tn_plan_header *h, const uint8_t *data) {
    const tn_plan_blob *table = (const void *)(data + h->table_at);
    for (uint64_t i = 0; i < h->n_blobs; i++) {
        if (tn_budget_stopped()) return TN_E_CANCELLED; /* the budget's owner says what it was */
        if (tn_plan_sum(data + table[i].at, table[i].bytes) != table[i].sum)
            return corrupt("its weights do not add up");
    }
    return TN_OK;
}

tn_status tn_plan_take_blob(tn_plan_reader *r, const void **data, size_t *bytes) {
    if (r->next_blob == r->n_blobs) return corrupt("it has fewer weights than its graph");
    const tn_plan_blob *b = &r->blobs[r->next_blob++];
    *bytes = b->bytes;
    *data = b->bytes ? r->file + b->at : NULL;
    return TN_OK;
}

tn_status tn_plan_read(tn_model *m, const uint8_t *data, size_t size) {
    tn_plan_header h;
    if (size < sizeof h) return corrupt("it was cut short");
    if ((uintptr_t)data % TN_PLAN_ALIGN)
        return tn_fail(TN_E_INVALID, "a compiled file in memory begins at a multiple of %d bytes", TN_PLAN_ALIGN);
    memcpy(&h, data, sizeof h);
    TN_TRY(check_header(&h, size));
    TN_TRY(check_blobs(&h, data));
    if (m->lenient) TN_TRY(verify(&h, data));
    tn_plan_reader r = { .m = m,
                         .file = data,
                         .blobs = (const void *)(data + h.table_at),
                         .n_blobs = h.n_blobs,
                         .p = data + h.graph_at,
                         .end = data + h.graph_at + h.graph_bytes };
    return tn_plan_read_stream(&r);
}
