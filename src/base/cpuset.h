/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* cpuset.h - a part of the CPUs that threads keep to (tn_pool_keep_to), and how busy it is. Whoever names the same CPUs
 * shares one set, so that two sessions on the same CPUs know of each other. Sets that overlap without being equal do
 * not: together they are bounded by the CPUs of the process only. */
#ifndef TN_BASE_CPUSET_H
#define TN_BASE_CPUSET_H

#include "base/status.h"
#include <stdatomic.h>

#define TN_CPUSET_MAX 1024 /* CPU numbers are below */

/** Threads at work on some CPUs. */
typedef struct {
    _Alignas(64) atomic_int callers; /* that run models, */
    atomic_int crowded;              /* and together with the workers they borrowed are more than CPUs */
    int turns;                       /* callers that waited until they were wanted; guarded by the crew's */
    _Alignas(64) atomic_int leased;  /* workers borrowed */
} tn_load;

void tn_load_forget(tn_load *l); /* nobody is at work */

typedef struct tn_cpuset {
    tn_load load;
    uint64_t bits[TN_CPUSET_MAX / 64];
    int n, refs;
    struct tn_cpuset *next;
} tn_cpuset;

/** The set of these n > 0 CPUs; one that is named twice counts once.
 *  errors   TN_E_INVALID (n is 0 or a CPU not one of this process's: the sentence says `what`, which, and which there
 *           are), TN_E_UNSUPPORTED (threads cannot be kept to CPUs on this system), TN_E_NOMEM
 *  owns     tn_cpuset_close, when no thread keeps to it any more */
tn_status tn_cpuset_open(const char *what, const int *cpus, size_t n, tn_cpuset **out);
void tn_cpuset_close(tn_cpuset **s); /* NULL is fine */

/** In the child of a fork: nobody is at work on any of them. */
void tn_cpuset_forget(void);

static inline bool tn_cpuset_has(const tn_cpuset *s, int cpu) {
    return cpu >= 0 && cpu < TN_CPUSET_MAX && s->bits[cpu / 64] >> (cpu % 64) & 1;
}

#endif
