/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* place.c - see place.h. */
#include "base/place.h"
#include "base/clock.h"
#include "base/cpu.h"
#include "base/cpuset.h"
#include "base/log.h"
#include <errno.h>
#include <string.h>

#if defined(__linux__)
enum {
    SETTLED_NS = 1000000,    /* a run that goes on for longer looks after its own CPU, */
    OWN_NS = 4000000,        /* so often */
    LONGEST_NS = 1000000000, /* between changes of place that do not help */
    REPIN_NS = 10000000,     /* at most one worker moves out of a caller's way in this time */
};

static atomic_uint_fast64_t moved_at;
static _Thread_local struct {
    uint64_t since, used;  /* when this thread looked at its own CPU time, and what it was; 0: not in this run */
    uint64_t again, pause; /* when it may change places again */
} own;

static bool set_affinity(tn_worker *w, const cpu_set_t *set) {
    int e = pthread_setaffinity_np(w->thread, sizeof *set, set);
    if (e) tn_log(TN_LOG_DEBUG, "cannot say where worker %d runs: %s", w->index, strerror(e));
    return !e;
}

static bool set_cpu(tn_worker *w, int cpu) {
    cpu_set_t set;
    if (cpu >= CPU_SETSIZE) return false;
    CPU_ZERO(&set);
    CPU_SET(cpu, &set);
    return set_affinity(w, &set);
}

void tn_place_home(tn_worker *w) {
    int home = atomic_load_explicit(&w->home, memory_order_relaxed);
    if (home < 0 || !set_cpu(w, home)) set_affinity(w, &w->allowed);
}

/* An allowed CPU where no worker is at home, other than `here`, of the set if there is one; -1: none. */
static int vacant_cpu(int here, const tn_cpuset *set) {
    int n = tn_crew_size();
    for (int i = 0; i < tn_cpu_allowed_count(); i++) {
        int cpu = tn_cpu_allowed(i), k = 0;
        if (cpu == here || (set && !tn_cpuset_has(set, cpu))) continue;
        while (k < n && atomic_load_explicit(&tn_crew_worker(k)->home, memory_order_relaxed) != cpu) k++;
        if (k == n) return cpu;
    }
    return -1;
}

static void settle(tn_worker *w, int cpu) {
    atomic_store_explicit(&w->home, cpu, memory_order_relaxed);
    tn_place_home(w);
}

void tn_place_make_way(tn_worker **team, int n) {
    int here = sched_getcpu();
    for (int i = 0; i < n; i++) {
        if (here < 0 || atomic_load_explicit(&team[i]->home, memory_order_relaxed) != here) continue;
        uint64_t now = tn_clock_ns(), before = atomic_load_explicit(&moved_at, memory_order_relaxed);
        int cpu = now - before < REPIN_NS ? -1 : vacant_cpu(here, NULL);
        if (cpu < 0 || !atomic_compare_exchange_strong(&moved_at, &before, now)) return;
        settle(team[i], cpu);
    }
}

/* Puts this thread onto `cpu`, if it may run there, and leaves it as free as it was. */
static bool move_self(int cpu) {
    cpu_set_t before, one;
    if (cpu < 0 || cpu >= CPU_SETSIZE || sched_getaffinity(0, sizeof before, &before) || !CPU_ISSET(cpu, &before))
        return false;
    CPU_ZERO(&one);
    CPU_SET(cpu, &one);
    bool moved = !sched_setaffinity(0, sizeof one, &one);
    return !sched_setaffinity(0, sizeof before, &before) && moved;
}

/* Changes places with a worker. */
static void change_places(tn_worker *w) {
    int here = sched_getcpu(), there = atomic_load_explicit(&w->home, memory_order_relaxed);
    if (here >= 0 && here != there && move_self(there)) settle(w, here);
}

void tn_place_settled(void) { own.since = 0; }

void tn_place_mind_own(tn_worker *w) {
    uint64_t now = tn_clock_ns();
    if (!own.since) own.since = now, own.used = 0;
    if (now - own.since < (own.used ? OWN_NS : SETTLED_NS)) return;
    uint64_t before = own.used, wall = now - own.since, used = tn_clock_thread_ns() - before;
    own.since = now, own.used = before + used;
    if (!before) return;
    bool starved = used * 4 < wall * 3;
    if (!starved) own.pause = 0;
    if (!starved || now < own.again) return;
    own.pause = own.pause < REPIN_NS ? REPIN_NS : own.pause < LONGEST_NS ? 2 * own.pause : LONGEST_NS;
    own.again = now + own.pause;
    change_places(w);
}

uint64_t tn_place_cpu_time(const tn_worker *w) {
    struct timespec t;
    if (!w->has_clock || clock_gettime(w->clock, &t)) return 0;
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

void tn_place_lend(tn_worker *w) {
    int here = sched_getcpu();
    if (here >= 0 && set_cpu(w, here)) atomic_store(&w->lent, 1);
}

void tn_place_new(tn_worker *w, bool unpinned) {
    w->has_clock = !pthread_getcpuclockid(w->thread, &w->clock);
    if (pthread_getaffinity_np(w->thread, sizeof w->allowed, &w->allowed)) memset(&w->allowed, 0xff, sizeof w->allowed);
    w->kept = false;
    int cpu = unpinned ? -1 : vacant_cpu(sched_getcpu(), NULL);
    if (cpu >= 0) settle(w, cpu);
}

void tn_place_all(bool unpinned) {
    for (int i = 0; i < tn_crew_size(); i++) {
        tn_worker *w = tn_crew_worker(i);
        int home = atomic_load(&w->home), cpu = unpinned ? -1 : home >= 0 ? home : vacant_cpu(sched_getcpu(), NULL);
        if (cpu != home) settle(w, cpu);
    }
}

static void to_mask(const tn_cpuset *set, cpu_set_t *mask) {
    CPU_ZERO(mask);
    for (int i = 0; i < CPU_SETSIZE && i < TN_CPUSET_MAX; i++)
        if (tn_cpuset_has(set, i)) CPU_SET(i, mask);
}

bool tn_place_keep(tn_worker *w, const tn_cpuset *set, int here, bool may_move) {
    int home = atomic_load_explicit(&w->home, memory_order_relaxed);
    if (home >= 0) {
        if (home != here && tn_cpuset_has(set, home)) return true;
        int cpu = may_move ? vacant_cpu(here, set) : -1;
        if (cpu >= 0) settle(w, cpu);
        return cpu >= 0;
    }
    cpu_set_t mask;
    to_mask(set, &mask);
    w->kept = true;
    return set_affinity(w, &mask);
}

void tn_place_let_go(tn_worker *w) {
    if (!w->kept) return;
    w->kept = false;
    if (atomic_load_explicit(&w->home, memory_order_relaxed) < 0) tn_place_home(w);
}

void tn_place_keep_self(const tn_cpuset *before, const tn_cpuset *set) {
    static _Thread_local cpu_set_t was;
    cpu_set_t mask;
    if (!before && sched_getaffinity(0, sizeof was, &was)) memset(&was, 0xff, sizeof was);
    if (set) to_mask(set, &mask);
    if (sched_setaffinity(0, sizeof mask, set ? &mask : &was))
        tn_log(TN_LOG_DEBUG, "cannot keep a thread to its CPUs: %s", strerror(errno));
}

int tn_place_here(void) { return sched_getcpu(); }
#else
void tn_place_home(tn_worker *w) { (void)w; }
void tn_place_make_way(tn_worker **team, int n) { (void)team, (void)n; }
uint64_t tn_place_cpu_time(const tn_worker *w) { return (void)w, 0; }
void tn_place_lend(tn_worker *w) { (void)w; }
void tn_place_new(tn_worker *w, bool unpinned) { (void)w, (void)unpinned; }
void tn_place_all(bool unpinned) { (void)unpinned; }
bool tn_place_keep(tn_worker *w, const tn_cpuset *set, int here, bool may_move) {
    return (void)w, (void)set, (void)here, may_move;
}
void tn_place_let_go(tn_worker *w) { (void)w; }
void tn_place_keep_self(const tn_cpuset *before, const tn_cpuset *set) { (void)before, (void)set; }
int tn_place_here(void) { return -1; }
void tn_place_mind_own(tn_worker *w) { (void)w; }
void tn_place_settled(void) {}
#endif
