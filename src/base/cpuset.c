/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* cpuset.c - see cpuset.h. */
#include "base/cpuset.h"
#include "base/cpu.h"
#include "base/guard.h"
#include "base/mem.h"
#include <stdio.h>
#include <string.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static tn_guard guard;
static tn_cpuset *all;

static bool is_allowed(int cpu) {
    for (int i = 0; i < tn_cpu_allowed_count(); i++)
        if (tn_cpu_allowed(i) == cpu) return true;
    return false;
}

static tn_status refuse(const char *what, int cpu) {
    char list[160];
    size_t at = 0;
    for (int i = 0; i < tn_cpu_allowed_count() && at < sizeof list - 16; i++)
        at += (size_t)snprintf(list + at, sizeof list - at, "%s%d", i ? ", " : "", tn_cpu_allowed(i));
    return tn_fail(TN_E_INVALID, "%s names CPU %d; this process may use %d: %s%s", what, cpu, tn_cpu_allowed_count(),
                   list, at >= sizeof list - 16 ? " ..." : "");
}

static tn_status read_list(const char *what, const int *cpus, size_t n, tn_cpuset *s) {
    for (size_t i = 0; i < n; i++) {
        if (cpus[i] < 0 || cpus[i] >= TN_CPUSET_MAX || !is_allowed(cpus[i])) return refuse(what, cpus[i]);
        if (!tn_cpuset_has(s, cpus[i])) s->n++;
        s->bits[cpus[i] / 64] |= UINT64_C(1) << (cpus[i] % 64);
    }
    return TN_OK;
}

static void watch_forks(void) { tn_guard_add(&guard, &lock, TN_GUARD_LEAF); }

/* *s, or the equal one that is there already. */
static void share(tn_cpuset **s) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, watch_forks);
    pthread_mutex_lock(&lock);
    tn_cpuset *same = all;
    while (same && memcmp(same->bits, (*s)->bits, sizeof same->bits)) same = same->next;
    if (same) {
        same->refs++;
    } else {
        (*s)->refs = 1, (*s)->next = all;
        all = *s;
    }
    pthread_mutex_unlock(&lock);
    if (!same) return;
    tn_mem_free(*s);
    *s = same;
}

tn_status tn_cpuset_open(const char *what, const int *cpus, size_t n, tn_cpuset **out) {
    *out = NULL;
#if !defined(__linux__)
    return tn_fail(TN_E_UNSUPPORTED, "%s: threads cannot be kept to CPUs on this system", what);
#endif
    if (!cpus || !n) return tn_fail(TN_E_INVALID, "%s: %zu CPUs%s", what, n, cpus ? "" : ", but none given");
    tn_cpuset *s = tn_mem_zalloc(sizeof *s, TN_MEM_GENERAL);
    if (!s) return tn_fail(TN_E_NOMEM, "no memory for a set of CPUs");
    tn_status st = read_list(what, cpus, n, s);
    if (st == TN_OK)
        share(&s);
    else
        tn_mem_free(s), s = NULL;
    *out = s;
    return st;
}

void tn_cpuset_close(tn_cpuset **set) {
    tn_cpuset *s = set ? *set : NULL;
    if (!s) return;
    *set = NULL;
    pthread_mutex_lock(&lock);
    bool last = !--s->refs;
    tn_cpuset **at = &all;
    while (last && *at != s) at = &(*at)->next;
    if (last) *at = s->next;
    pthread_mutex_unlock(&lock);
    if (last) tn_mem_free(s);
}

void tn_load_forget(tn_load *l) {
    atomic_store(&l->callers, 0);
    atomic_store(&l->crowded, 0);
    atomic_store(&l->leased, 0);
    l->turns = 0;
}

void tn_cpuset_forget(void) {
    for (tn_cpuset *s = all; s; s = s->next) tn_load_forget(&s->load);
}
