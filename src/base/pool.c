/* pool.c - worker threads with one mailbox each.
 *
 * A mailbox is one cache line that the caller fills and the worker empties, so a dispatch costs two line transfers per
 * worker and idle workers are not touched. Both sides spin for a while (inference dispatches every few microseconds)
 * and then sleep on a futex:
 *
 *     caller   write fn, arg, begin, end; posted = k          (seq_cst)    asleep? wake
 *     worker   asleep = 1; posted still k - 1? sleep          (seq_cst)
 *     worker   run; done = k                                  (seq_cst)    caller asleep? wake
 *
 * Each side stores its own word before it reads the other's, all in the one order of seq_cst, so a wake-up cannot be
 * lost. */
#include "base/pool.h"
#include "base/clock.h"
#include "base/cpu.h"
#include "base/log.h"
#include "base/mem.h"
#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#if defined(__linux__)
#include <linux/futex.h>
#include <sys/syscall.h>
#endif

#define MAX_THREADS 256
#define SPIN_NS \
    80000 /* then park: longer than the gaps between the nodes of one run, shorter than those between runs */
#define REPIN_NS 10000000 /* at most one worker moves out of the caller's way in this time */

typedef struct {
    _Alignas(64) atomic_uint posted; /* number of the newest job */
    atomic_uint asleep;
    tn_range_fn fn; /* NULL: leave */
    void *arg;
    int64_t begin, end;
    _Alignas(64) atomic_uint done; /* number of the newest finished job */
    atomic_uint caller_asleep;
    _Alignas(64) struct tn_pool *pool;
    pthread_t thread;
    int index, cpu; /* 1 .. threads-1; -1: not pinned */
    bool started;
} worker;

struct tn_pool {
    int threads; /* with the caller */
    uint64_t spin_ns;
    int home; /* the CPU left to callers; -1: no pinning */
    uint64_t moved_at;
    atomic_flag busy; /* a caller has the workers */
    worker *workers;  /* threads - 1 */
};

static _Thread_local int inside; /* this thread is running a part: nested calls run inline */

/* ------------------------------------------------------------------------------------------- waiting and waking */

static inline void relax(void) {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

#if defined(__linux__)
static void sleep_while(atomic_uint *word, unsigned value) {
    syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, value, NULL, NULL, 0);
}
static void wake(atomic_uint *word) { syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0); }
#else
/* One lock for all: these systems take the slow road only after the spin. */
static pthread_mutex_t park_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t park_cond = PTHREAD_COND_INITIALIZER;
static void sleep_while(atomic_uint *word, unsigned value) {
    pthread_mutex_lock(&park_lock);
    if (atomic_load(word) == value) pthread_cond_wait(&park_cond, &park_lock);
    pthread_mutex_unlock(&park_lock);
}
static void wake(atomic_uint *word) {
    (void)word;
    pthread_mutex_lock(&park_lock);
    pthread_cond_broadcast(&park_cond);
    pthread_mutex_unlock(&park_lock);
}
#endif

/* Returns once *word has moved on from `old`; *asleep says so while this thread sleeps. */
static void wait_change(atomic_uint *word, unsigned old, atomic_uint *asleep, uint64_t spin_ns) {
    uint64_t limit = 0;
    for (unsigned i = 1; atomic_load_explicit(word, memory_order_acquire) == old; i++) {
        relax();
        if (i % 64) continue; /* reading the clock costs as much as the whole dispatch */
        uint64_t now = tn_clock_ns();
        if (!limit) limit = now + spin_ns;
        if (now < limit) continue;
        atomic_store(asleep, 1);
        while (atomic_load(word) == old) sleep_while(word, old);
        atomic_store_explicit(asleep, 0, memory_order_relaxed);
        return;
    }
}

/* ------------------------------------------------------------------------------------------------------ workers */

static void *worker_main(void *arg) {
    worker *w = arg;
    inside = 1;
    for (unsigned job = 0;;) {
        wait_change(&w->posted, job, &w->asleep, w->pool->spin_ns);
        job++;
        if (!w->fn) return NULL;
        w->fn(w->arg, w->begin, w->end, w->index);
        atomic_store(&w->done, job);
        if (atomic_load(&w->caller_asleep)) wake(&w->done);
    }
}

static void post(worker *w, tn_range_fn fn, void *arg, int64_t begin, int64_t end) {
    w->fn = fn;
    w->arg = arg;
    w->begin = begin;
    w->end = end;
    atomic_fetch_add(&w->posted, 1);
    if (atomic_load(&w->asleep)) wake(&w->posted);
}

static void await(worker *w, uint64_t spin_ns) {
    unsigned want = atomic_load_explicit(&w->posted, memory_order_relaxed);
    wait_change(&w->done, want - 1, &w->caller_asleep, spin_ns);
}

/* ------------------------------------------------------------------------------------------------------ pinning */

#if defined(__linux__)
static void pin(worker *w, int cpu) {
    cpu_set_t set;
    w->cpu = cpu;
    if (cpu < 0 || cpu >= CPU_SETSIZE) return;
    CPU_ZERO(&set);
    CPU_SET(cpu, &set);
    int e = pthread_setaffinity_np(w->thread, sizeof set, &set);
    if (e) tn_log(TN_LOG_DEBUG, "cannot pin a worker to CPU %d: %s", cpu, strerror(e));
}

/* Gives every worker an allowed CPU of its own, in order, leaving out the one the caller is on. */
static void pin_all(tn_pool *p) {
    int here = sched_getcpu(), n = tn_cpu_allowed_count(), next = 0;
    p->home = here;
    for (int i = 0; i < p->threads - 1; i++) {
        if (n > 1 && tn_cpu_allowed(next) == here) next++;
        pin(&p->workers[i], tn_cpu_allowed(next++));
    }
}

/* The scheduler may have moved the caller onto a worker's CPU: that worker takes the CPU the caller left. Rarely, since
 * callers on several threads would otherwise push the workers to and fro. */
static void make_way(tn_pool *p) {
    int here = sched_getcpu();
    if (here == p->home || here < 0) return;
    uint64_t now = tn_clock_ns();
    if (now - p->moved_at < REPIN_NS) return;
    p->moved_at = now;
    for (int i = 0; i < p->threads - 1; i++)
        if (p->workers[i].cpu == here) pin(&p->workers[i], p->home);
    p->home = here;
}
#else
static void pin_all(tn_pool *p) { p->home = -1; }
static void make_way(tn_pool *p) { (void)p; }
#endif

/* ----------------------------------------------------------------------------------------------------- the pool */

static int wanted_threads(int threads) {
    if (threads > 0) return threads;
    const char *env = getenv("TN_THREADS");
    char *end;
    long n = env ? strtol(env, &end, 10) : 0;
    if (env && *env && (*end || n < 1 || n > MAX_THREADS)) {
        tn_log(TN_LOG_WARN, "TN_THREADS=%s is not a number from 1 to %d; ignored", env, MAX_THREADS);
        n = 0;
    }
    return n > 0 ? (int)n : tn_cpu_count();
}

static tn_status start(tn_pool *p, worker *w, int index) {
    *w = (worker){ .pool = p, .index = index, .cpu = -1 };
    int e = pthread_create(&w->thread, NULL, worker_main, w);
    if (e) return tn_fail(TN_E_NOMEM, "cannot start worker thread %d: %s", index, strerror(e));
    w->started = true;
#if defined(__linux__)
    char name[16];
    snprintf(name, sizeof name, "tenon-%d", index);
    pthread_setname_np(w->thread, name);
#endif
    return TN_OK;
}

tn_status tn_pool_new(int threads, bool pin_workers, tn_pool **out) {
    *out = NULL;
    threads = wanted_threads(threads);
    if (threads > MAX_THREADS) threads = MAX_THREADS;
    tn_status st = TN_OK;
    tn_pool *p = tn_mem_zalloc(sizeof *p, TN_MEM_GENERAL);
    if (!p || !(p->workers = tn_mem_zalloc(sizeof(worker) * (size_t)threads, TN_MEM_GENERAL))) {
        tn_mem_free(p);
        return tn_fail(TN_E_NOMEM, "out of memory for a pool of %d threads", threads);
    }
    p->threads = threads;
    p->home = -1;
    /* More threads than CPUs: a spinning thread would only keep the others from working. */
    p->spin_ns = threads <= tn_cpu_count() ? SPIN_NS : 0;
    atomic_flag_clear(&p->busy);
    for (int i = 1; i < threads && st == TN_OK; i++) st = start(p, &p->workers[i - 1], i);
    if (st != TN_OK) {
        tn_pool_free(&p);
        return st;
    }
    if (pin_workers) pin_all(p);
    *out = p;
    return TN_OK;
}

void tn_pool_free(tn_pool **pp) {
    if (!pp || !*pp) return;
    tn_pool *p = *pp;
    for (int i = 0; i < p->threads - 1; i++) {
        worker *w = &p->workers[i];
        if (!w->started) continue;
        post(w, NULL, NULL, 0, 0);
        pthread_join(w->thread, NULL);
    }
    tn_mem_free(p->workers);
    tn_mem_free(p);
    *pp = NULL;
}

int tn_pool_threads(const tn_pool *p) { return p ? p->threads : 1; }

void tn_parallel(tn_pool *p, int64_t n, int64_t grain, tn_range_fn fn, void *arg) {
    if (n <= 0) return;
    int64_t parts = n / (grain > 1 ? grain : 1);
    if (p && parts > p->threads) parts = p->threads;
    if (!p || parts <= 1 || inside || atomic_flag_test_and_set_explicit(&p->busy, memory_order_acquire)) {
        fn(arg, 0, n, 0);
        return;
    }
    if (p->home >= 0) make_way(p);
    int64_t each = n / parts, extra = n % parts, begin = each + (extra > 0);
    for (int64_t i = 1; i < parts; i++) {
        int64_t end = begin + each + (i < extra);
        post(&p->workers[i - 1], fn, arg, begin, end);
        begin = end;
    }
    inside = 1;
    fn(arg, 0, each + (extra > 0), 0);
    inside = 0;
    for (int64_t i = 1; i < parts; i++) await(&p->workers[i - 1], p->spin_ns);
    atomic_flag_clear_explicit(&p->busy, memory_order_release);
}
