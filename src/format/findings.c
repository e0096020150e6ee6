/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* findings.c - what opening a model found. */
#include "format/findings.h"
#include "base/log.h"
#include "graph/internal.h"
#include <stdio.h>

tn_status tn_find(tn_model *m, tn_finding_kind kind, tn_status status, const char *key, const char *fmt, ...) {
    char text[1024];
    if (kind == TN_FINDING_ERROR) m->broken = true;
    for (int i = 0; key && i < m->n_findings; i++)
        if (m->findings[i].kind == kind && m->findings[i].key == key) return m->findings[i].more++, TN_OK;
    if (m->n_findings == TN_MAX_FINDINGS) return m->findings[TN_MAX_FINDINGS - 1].more++, TN_OK;
    if (!tn_grow(m->arena, &m->findings, m->n_findings, &m->cap_findings, sizeof *m->findings)) return TN_E_NOMEM;
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    const char *kept = tn_arena_strdup(m->arena, text);
    if (!kept) return tn_fail(TN_E_NOMEM, "what is wrong with a model");
    m->findings[m->n_findings++] = (tn_found){ .kind = kind, .status = status, .key = key, .text = kept };
    return TN_OK;
}

tn_status tn_find_failure(tn_model *m, tn_status st) {
    if (st == TN_OK || !m->lenient || st == TN_E_NOMEM || st == TN_E_LIMIT || st == TN_E_CANCELLED) return st;
    st = tn_find(m, TN_FINDING_ERROR, st, NULL, "%s", tn_error());
    if (st == TN_OK) tn_error_clear();
    return st;
}

void tn_findings_log(const tn_model *m) {
    for (int i = 0; i < m->n_findings; i++) {
        const tn_found *f = &m->findings[i];
        char more[40] = "";
        if (f->more) snprintf(more, sizeof more, " (and %d more like it)", f->more);
        tn_log(TN_LOG_WARN, "%s%s%s%s", m->path ? m->path : "", m->path ? ": " : "", f->text, more);
    }
}

size_t tn_model_findings(const tn_model *m) { return (size_t)m->n_findings; }

tn_status tn_model_finding(const tn_model *m, size_t i, tn_finding *out) {
    *out = (tn_finding){ 0 };
    if (i >= tn_model_findings(m)) return tn_fail(TN_E_INVALID, "finding %zu of %zu", i, tn_model_findings(m));
    const tn_found *f = &m->findings[i];
    *out = (tn_finding){ .kind = f->kind, .status = f->status, .text = f->text, .more = f->more };
    return TN_OK;
}
