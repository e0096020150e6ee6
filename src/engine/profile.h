/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* profile.h - where a session's time goes: per node, as a table, JSON or a Chrome trace. */
#ifndef TN_ENGINE_PROFILE_H
#define TN_ENGINE_PROFILE_H

#include "base/text.h"
#include "op/core/op.h"

typedef struct tn_profiler tn_profiler;

/** One node over all runs so far. */
typedef struct {
    const char *name, *type, *domain;
    const char *shapes;       /* "1x3x224x224, 64x3x7x7 -> 1x64x112x112" of the first run */
    const char *impl;         /* what it ran with, of a row that lists implementations; else "" */
    const char *device;       /* of a segment on a device, which is one row; NULL: the CPU */
    const char *const *nodes; /* [n_nodes] the names of its nodes */
    int n_nodes;
    uint64_t calls, total_ns, min_ns; /* of a segment: with the copies of its results, waited for */
    tn_cost cost;                     /* of one call; zeros when the shapes are known only at run time */
} tn_profile_row;

tn_profiler *tn_profiler_new(void);
void tn_profiler_free(tn_profiler **p);
void tn_profiler_clear(tn_profiler *p); /* forget what was measured, after warming up */

/** Rows in the order of execution. They belong to the session and stay until it is freed or cleared. *out is a fresh
 *  array: free with tn_mem_free. errors TN_E_INVALID (the session was not made with opts.profile), TN_E_NOMEM. */
tn_status tn_session_profile(tn_session *s, tn_profile_row **out, size_t *n);
void tn_session_profile_clear(tn_session *s);

void tn_profile_table(const tn_profile_row *rows, size_t n, tn_text *out); /* nodes by time, then operators by time */
void tn_profile_json(const tn_profile_row *rows, size_t n, tn_text *out);
/** What went to the session's device and came back, and what failed there; nothing where there is no device. As lines,
 * or as a JSON object. */
void tn_profile_device(tn_session *s, bool json, tn_text *out);
tn_status tn_session_trace(tn_session *s, tn_text *out); /* Chrome's trace event format, the first runs */

/* For the engine. */
struct tn_frame;
void tn_profiler_add(tn_profiler *p, const struct tn_frame *f); /* after a run; under the session's lock */

#endif
