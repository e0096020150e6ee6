/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* compiled.h - what a model brings along that comes from a compiled file (format/tnplan): it has been through the
 * passes, and weights lie there packed for this library and the instructions of this process. */
#ifndef TN_GRAPH_COMPILED_H
#define TN_GRAPH_COMPILED_H

#include "graph/graph.h"

#define TN_FORM_OF  4   /* constants that one packed form is made of */
#define TN_FORM_KEY 160 /* bytes of the key of who packs */

/** A packed form: what it was made of, under which key, and its bytes, which are the file's. */
typedef struct {
    const tn_tensor *of[TN_FORM_OF];
    int n;
    const char *key;
    const void *data; /* 64-byte aligned */
    size_t bytes;
} tn_packed_form;

typedef struct tn_compiled {
    const char *precision;       /* as tn_session_opts.precision of the session that wrote it; "": as the file says */
    tn_string timings;           /* which implementations it was packed for: lines of engine/timings.h; may be empty */
    const tn_packed_form *forms; /* [n_forms] */
    size_t n_forms;
} tn_compiled;

/** Whether a form of that key may come from a file. Not those whose bytes say where kernels read: a damaged file must
 *  not lead them astray. Their keys begin with '!'. */
static inline bool tn_form_portable(const char *key) { return key[0] != '!'; }

#endif
