/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* timings.h - which implementation was measured to be the fastest, per machine and description, in memory and in a text
 * file that many sessions share:
 *
 *     # tenon timings 1: machine, what is computed, the fastest implementation, its nanoseconds
 *     0.1.0; AMD EPYC; avx2; 2 threads <tab> tenon.Conv x_block=8 ... <tab> winograd <tab> 81234
 *
 * The file is hostile like any other: lines that cannot be read are passed over with a warning that says where, names
 * of implementations are only looked up, numbers bounded. Safe for one thread at a time. */
#ifndef TN_ENGINE_TIMINGS_H
#define TN_ENGINE_TIMINGS_H

#include "base/status.h"
#include "base/text.h"
#include <stdint.h>

enum {
    TN_TIMINGS_MAX = 1 << 16,  /* entries; what is more is forgotten */
    TN_TIMINGS_LINE = 4096,    /* bytes */
    TN_TIMINGS_FILE = 1 << 24, /* bytes of a file that is read */
};

typedef struct tn_timings tn_timings;

typedef struct {
    const char *impl; /* its name, of n bytes; the timings' memory */
    size_t n;
    uint64_t ns;
} tn_timing;

tn_timings *tn_timings_new(void); /* NULL when out of memory */
void tn_timings_free(tn_timings **t);
size_t tn_timings_count(const tn_timings *t);

/** What is known of a description (`machine` and `what` without tabs and line ends), NULL: nothing. */
const tn_timing *tn_timings_find(const tn_timings *t, const char *machine, const char *what);
/** Notes a measurement; a later one of the same description counts. errors TN_E_NOMEM, TN_E_LIMIT (too many, too long)
 */
tn_status tn_timings_put(tn_timings *t, const char *machine, const char *what, const char *impl, uint64_t ns);

/** Reads lines as a file has them. What is there already stays.
 *  where    what warnings call the text: a path */
void tn_timings_import(tn_timings *t, const char *text, size_t n, const char *where);
/** All of them as a file has them, sorted. out->failed: no memory */
void tn_timings_export(const tn_timings *t, tn_text *out);

/** Reads a file; one that is not there holds nothing. A file that cannot be read is a warning. */
void tn_timings_load(tn_timings *t, const char *path);
/** Writes the file atomically, its folders made where they are missing, with what others have put there meanwhile.
 *  errors   TN_E_IO, TN_E_NOMEM */
tn_status tn_timings_save(tn_timings *t, const char *path);

/** The file that is used when nobody names one: $XDG_CACHE_HOME/tenon/timings, $HOME/.cache/tenon/timings.
 *  returns  NULL: neither is set, or out of memory. tn_mem_free */
char *tn_timings_path(void);

#endif
