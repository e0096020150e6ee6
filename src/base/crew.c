/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* crew.c - see crew.h. Workers spin for a while when they have nothing to do, since a run brings work every few
 * microseconds, and then sleep; how long follows from how long they waited before. */
#include "base/crew.h"
#include "base/clock.h"
#include "base/cpu.h"
#include "base/log.h"
#include "base/park.h"
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
    SPIN_NS = 80000, /* then sleep: longer than the gaps between the nodes of one run, shorter than between runs */
    SPIN_LEAST_NS = 4000,
    LOOK_NS = 20000,         /* a worker that is waited for longer may not be running: look, */
    WATCH_NS = 10000,        /* for so long */
    PATIENCE_NS = 2000000,   /* for which a caller spins on a worker that runs */
    DOZE_NS = 500000,        /* while asleep, look so often */
    SETTLED_NS = 1000000,    /* a run that goes on for longer looks after its own CPU, */
    OWN_NS = 4000000,        /* so often */
    LONGEST_NS = 1000000000, /* between changes of place that do not help */
    REPIN_NS = 10000000,     /* at most one worker moves out of a caller's way in this time */
};

static struct {
    pthread_mutex_t lock; /* starting and stopping; pools */
    int pools[TN_CREW_MAX + 1], unpinned;
    atomic_int wanted, size; /* workers that should be there; that are */
    atomic_int pretended;
    _Alignas(64) atomic_int callers, crowded;
    _Alignas(64) atomic_int leased;
    atomic_uint_fast64_t moved_at;
    tn_worker worker[TN_CREW_MAX];
} crew = { .lock = PTHREAD_MUTEX_INITIALIZER };

static _Thread_local int depth; /* enter without leave */
static _Thread_local struct {
    uint64_t since, used;  /* when this thread looked at its own CPU time, and what it was; 0: not in this run */
    uint64_t again, pause; /* when it may change places again */
} own;

static int cpus(void) {
    int n = atomic_load_explicit(&crew.pretended, memory_order_relaxed);
    return n ? n : tn_cpu_count();
}

/* --------------------------------------------------------------------------------------------------------- which CPU
 */

#if defined(__linux__)
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

static void go_home(tn_worker *w) {
    int home = atomic_load_explicit(&w->home, memory_order_relaxed);
    if (home < 0 || !set_cpu(w, home)) set_affinity(w, &w->allowed);
}

/* An allowed CPU where no worker is at home, other than `here`; -1: none. */
static int vacant_cpu(int here) {
    int n = atomic_load(&crew.size);
    for (int i = 0; i < tn_cpu_allowed_count(); i++) {
        int cpu = tn_cpu_allowed(i), k = 0;
        while (k < n && atomic_load_explicit(&crew.worker[k].home, memory_order_relaxed) != cpu) k++;
        if (k == n && cpu != here) return cpu;
    }
    return -1;
}

static void settle(tn_worker *w, int cpu) {
    atomic_store_explicit(&w->home, cpu, memory_order_relaxed);
    go_home(w);
}

/* The scheduler may have moved a caller onto the CPU of a worker that it borrows: the worker takes one that is free.
 * Rarely, since callers on several threads would otherwise push the workers to and fro. */
static void make_way(tn_worker **team, int n) {
    int here = sched_getcpu();
    for (int i = 0; i < n; i++) {
        if (here < 0 || atomic_load_explicit(&team[i]->home, memory_order_relaxed) != here) continue;
        uint64_t now = tn_clock_ns(), before = atomic_load_explicit(&crew.moved_at, memory_order_relaxed);
        int cpu = now - before < REPIN_NS ? -1 : vacant_cpu(here);
        if (cpu < 0 || !atomic_compare_exchange_strong(&crew.moved_at, &before, now)) return;
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

/* A caller that shares its CPU with something else holds up its run, a worker only a part of it; and the scheduler sees
 * too short an idleness on the worker's CPU to mend that. So from time to time it compares its CPU time with the clock,
 * and takes the CPU of a worker that it has borrowed. More and more rarely, when that does not help. */
static void mind_own_cpu(tn_worker *w) {
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

static uint64_t cpu_time(const tn_worker *w) {
    struct timespec t;
    if (!w->has_clock || clock_gettime(w->clock, &t)) return 0;
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* The worker is in the middle of a chunk and something else runs on its CPU: it gets this one, whose thread has nothing
 * to do but wait. It goes home when it is done (or is sent there, when it was done before `lent` was set). */
static void lend(tn_worker *w) {
    int here = sched_getcpu();
    if (here >= 0 && set_cpu(w, here)) atomic_store(&w->lent, 1);
}

static void place_new(tn_worker *w) {
    w->has_clock = !pthread_getcpuclockid(w->thread, &w->clock);
    if (pthread_getaffinity_np(w->thread, sizeof w->allowed, &w->allowed)) memset(&w->allowed, 0xff, sizeof w->allowed);
    int cpu = crew.unpinned ? -1 : vacant_cpu(sched_getcpu());
    if (cpu >= 0) settle(w, cpu);
}

static void place_all(void) {
    for (int i = 0; i < atomic_load(&crew.size); i++) {
        tn_worker *w = &crew.worker[i];
        int home = atomic_load(&w->home), cpu = crew.unpinned ? -1 : home >= 0 ? home : vacant_cpu(sched_getcpu());
        if (cpu != home) settle(w, cpu);
    }
}
#else
static void go_home(tn_worker *w) { (void)w; }
static void make_way(tn_worker **team, int n) { (void)team, (void)n; }
static uint64_t cpu_time(const tn_worker *w) { return (void)w, 0; }
static void lend(tn_worker *w) { (void)w; }
static void place_new(tn_worker *w) { (void)w; }
static void place_all(void) {}
static void mind_own_cpu(tn_worker *w) { (void)w; }
#endif

/* ------------------------------------------------------------------------------------------------------- a worker */

/* More threads than CPUs: a spinning one would only keep the others from working. */
static bool may_spin(void) { return atomic_load_explicit(&crew.size, memory_order_relaxed) < cpus(); }

static bool idle(const tn_worker *w, unsigned *state) {
    *state = atomic_load_explicit(&w->state, memory_order_acquire);
    return *state != TN_WORKER_POSTED && *state != TN_WORKER_LEAVE;
}

static void sleep_idle(tn_worker *w) {
    unsigned state;
    atomic_store(&w->worker_asleep, 1);
    while (state = atomic_load(&w->state), state != TN_WORKER_POSTED && state != TN_WORKER_LEAVE)
        tn_park(&w->state, state, 0);
    atomic_store_explicit(&w->worker_asleep, 0, memory_order_relaxed);
}

/* Returns when there is something to do. *spin_ns grows while work comes within SPIN_NS, and shrinks while it does not:
 * a worker that waits in vain should sleep at once. */
static void wait_for_work(tn_worker *w, uint64_t *spin_ns) {
    uint64_t start = 0, now = 0;
    unsigned state;
    bool spins = may_spin();
    for (unsigned i = 1; idle(w, &state); i++) {
        tn_relax();
        if (i % 64) continue; /* reading the clock costs as much as the whole hand-over */
        now = tn_clock_ns();
        if (!start) start = now;
        if (spins && now - start < *spin_ns) continue;
        sleep_idle(w);
        now = tn_clock_ns();
        break;
    }
    if (now - start <= SPIN_NS)
        *spin_ns = *spin_ns < SPIN_NS / 2 ? 2 * *spin_ns : SPIN_NS;
    else
        *spin_ns = *spin_ns > 2 * SPIN_LEAST_NS ? *spin_ns / 2 : SPIN_LEAST_NS;
}

static void finish(tn_worker *w) {
    bool lent = atomic_load_explicit(&w->lent, memory_order_relaxed) && atomic_exchange(&w->lent, 0);
    atomic_store(&w->state, TN_WORKER_IDLE);
    if (atomic_load(&w->caller_asleep)) tn_park_wake(&w->state);
    if (lent) go_home(w);
}

static void *worker_main(void *arg) {
    tn_worker *w = arg;
    for (uint64_t spin_ns = SPIN_NS;;) {
        unsigned posted = TN_WORKER_POSTED;
        wait_for_work(w, &spin_ns);
        if (atomic_compare_exchange_strong(&w->state, &posted, TN_WORKER_RUNNING)) {
            w->work(w->job, w->seat);
            finish(w);
        } else if (posted == TN_WORKER_LEAVE) {
            return NULL;
        }
    }
}

/* Signals are for the program's threads, but for those that a thread raises itself. */
static int start_quiet(tn_worker *w) {
    static const int raised[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS, SIGABRT, SIGPROF };
    sigset_t most, before;
    sigfillset(&most);
    for (size_t i = 0; i < TN_COUNT(raised); i++) sigdelset(&most, raised[i]);
    pthread_sigmask(SIG_SETMASK, &most, &before);
    int e = pthread_create(&w->thread, NULL, worker_main, w);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return e;
}

static bool start(int index) {
    tn_worker *w = &crew.worker[index];
    w->index = index;
    atomic_store(&w->home, -1);
    atomic_store(&w->lent, 0);
    atomic_store(&w->worker_asleep, 0);
    atomic_store(&w->caller_asleep, 0);
    atomic_store(&w->taken, 1);
    atomic_store(&w->state, TN_WORKER_IDLE);
    int e = start_quiet(w);
    if (e) {
        tn_log(TN_LOG_WARN, "worker thread %d cannot be started (%s): going on with %d thread%s", index + 1,
               strerror(e), index + 1, index ? "s" : "");
        atomic_store(&w->state, TN_WORKER_GONE);
        return false;
    }
    w->joinable = true;
#if defined(__linux__)
    char name[16];
    snprintf(name, sizeof name, "tenon-%d", (index + 1) % 1000);
    pthread_setname_np(w->thread, name);
#endif
    place_new(w);
    atomic_store(&w->taken, 0);
    return true;
}

static void stop(int index) {
    tn_worker *w = &crew.worker[index];
    while (atomic_exchange(&w->taken, 1)) usleep(50); /* somebody's job has it */
    atomic_store(&w->state, TN_WORKER_LEAVE);
    if (atomic_load(&w->worker_asleep)) tn_park_wake(&w->state);
    pthread_join(w->thread, NULL);
    w->joinable = false;
    atomic_store(&w->state, TN_WORKER_GONE);
}

/* --------------------------------------------------------------------------------------------------------- the crew */

/* After a fork there is only the thread that called it: the child starts with no workers, no callers but that thread,
 * and a lock that nobody holds, and starts workers when it first wants some. */
static void after_fork(void) {
    pthread_mutex_init(&crew.lock, NULL);
    for (int i = 0; i < TN_CREW_MAX; i++) {
        atomic_store(&crew.worker[i].state, TN_WORKER_GONE);
        atomic_store(&crew.worker[i].taken, 1);
        crew.worker[i].joinable = false;
    }
    atomic_store(&crew.size, 0);
    atomic_store(&crew.callers, depth > 0);
    atomic_store(&crew.leased, 0);
    atomic_store(&crew.crowded, 0);
}

static void watch_forks(void) { pthread_atfork(NULL, NULL, after_fork); }

/* Under the lock: as many workers as wanted; fewer when the system gives no more. */
static void fit(void) {
    int wanted = atomic_load(&crew.wanted), n = atomic_load(&crew.size);
    for (; n < wanted && start(n); n++) atomic_store(&crew.size, n + 1);
    if (n < wanted) atomic_store(&crew.wanted, n);
    for (; n > wanted; n--) {
        atomic_store(&crew.size, n - 1);
        stop(n - 1);
    }
}

static int useful(void) {
    int64_t sum = 0;
    int largest = cpus();
    for (int i = 2; i <= TN_CREW_MAX; i++)
        if (crew.pools[i]) sum += (int64_t)crew.pools[i] * (i - 1), largest = i > largest ? i : largest;
    return sum < largest - 1 ? (int)sum : largest - 1;
}

static void count_pool(int threads, bool pin, int by) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, watch_forks);
    pthread_mutex_lock(&crew.lock);
    crew.pools[threads] += by;
    crew.unpinned += pin || threads < 2 ? 0 : by;
    atomic_store(&crew.wanted, useful());
    fit();
    place_all();
    pthread_mutex_unlock(&crew.lock);
}

void tn_crew_join(int threads, bool pin) { count_pool(threads, pin, 1); }
void tn_crew_part(int threads, bool pin) { count_pool(threads, pin, -1); }

int tn_crew_size(void) { return atomic_load(&crew.size); }

void tn_crew_pretend_cpus(int n) {
    pthread_mutex_lock(&crew.lock);
    atomic_store(&crew.pretended, n);
    atomic_store(&crew.wanted, useful());
    fit();
    pthread_mutex_unlock(&crew.lock);
}

/* ----------------------------------------------------------------------------------------------------------- counting
 */

static void judge(void) {
    int n = atomic_load(&crew.callers);
    int crowded = n > 1 && n + atomic_load(&crew.leased) > cpus();
    if (atomic_load_explicit(&crew.crowded, memory_order_relaxed) != crowded) atomic_store(&crew.crowded, crowded);
}

void tn_crew_enter(void) {
    if (depth++) return;
    own.since = 0;
    if (atomic_fetch_add(&crew.callers, 1)) judge();
}

void tn_crew_leave(void) {
    if (--depth) return;
    if (atomic_fetch_sub(&crew.callers, 1) > 1) judge();
}

bool tn_crew_crowded(void) { return atomic_load_explicit(&crew.crowded, memory_order_relaxed); }

/* How many of `most` this thread may borrow when `leased` are. Several callers share what they leave free evenly. */
static int room(int most, int callers, int leased) {
    if (callers < 2) return most;
    int n = cpus(), fair = (n + callers - 1) / callers - 1, free = n - callers - leased;
    int least = fair < free ? fair : free;
    return least < most ? least : most;
}

static int reserve(int most) {
    int leased = atomic_load_explicit(&crew.leased, memory_order_relaxed), n;
    do {
        n = room(most, atomic_load_explicit(&crew.callers, memory_order_relaxed), leased);
        if (n <= 0) return 0;
    } while (!atomic_compare_exchange_weak(&crew.leased, &leased, leased + n));
    return n;
}

static void give_back(int n) {
    if (n) atomic_fetch_sub(&crew.leased, n);
    if (tn_crew_crowded() || atomic_load_explicit(&crew.callers, memory_order_relaxed) > 1) judge();
}

/* After a fork. */
static void refill(void) {
    pthread_mutex_lock(&crew.lock);
    fit();
    pthread_mutex_unlock(&crew.lock);
}

int tn_crew_borrow(int most, tn_worker **team) {
    int n = 0, got = reserve(most);
    if (!got) return 0;
    int size = atomic_load_explicit(&crew.size, memory_order_acquire);
    if (size < atomic_load_explicit(&crew.wanted, memory_order_relaxed)) refill(), size = atomic_load(&crew.size);
    for (int i = 0; i < size && n < got; i++) {
        tn_worker *w = &crew.worker[i];
        if (!atomic_load_explicit(&w->taken, memory_order_relaxed) && !atomic_exchange(&w->taken, 1)) team[n++] = w;
    }
    if (n < got || tn_crew_crowded()) give_back(got - n);
    if (n) mind_own_cpu(team[0]), make_way(team, n);
    return n;
}

void tn_crew_post(tn_worker *w, tn_seat_fn work, void *job, int seat) {
    w->work = work;
    w->job = job;
    w->seat = seat;
    atomic_store(&w->state, TN_WORKER_POSTED);
    if (atomic_load(&w->worker_asleep)) tn_park_wake(&w->state);
}

/* ------------------------------------------------------------------------------------------------------------ waiting
 */

static bool running(const tn_worker *w) {
    return atomic_load_explicit(&w->state, memory_order_acquire) == TN_WORKER_RUNNING;
}

/* Spins on a worker for as long as it runs, which looks at its CPU time say: who sleeps loses its own CPU, and there is
 * at most a chunk to wait for. false: it is not done, and spinning is no use: *starved, or it has been at it for long.
 */
static bool spin_on(const tn_worker *w, bool *starved) {
    uint64_t start = 0, look_at = LOOK_NS, seen_at = 0, seen = 0;
    for (unsigned i = 1; running(w); i++) {
        tn_relax();
        if (i % 64) continue;
        uint64_t now = tn_clock_ns();
        if (!start) start = now;
        if (now - start < look_at) continue;
        uint64_t used = cpu_time(w);
        *starved = seen && (used - seen) * 4 < now - seen_at;
        if (*starved || now - start >= (used ? PATIENCE_NS : SPIN_NS)) return false;
        look_at = now - start + (seen ? SPIN_NS : WATCH_NS);
        seen = used, seen_at = now;
    }
    return true;
}

static void sleep_on(tn_worker *w, bool starved, bool help) {
    atomic_store(&w->caller_asleep, 1);
    for (bool lent = false; atomic_load(&w->state) == TN_WORKER_RUNNING;) {
        if (starved && help && !lent) lend(w), lent = true;
        uint64_t seen = cpu_time(w), at = tn_clock_ns();
        tn_park(&w->state, TN_WORKER_RUNNING, help && !lent && seen ? DOZE_NS : 0);
        starved = seen && (cpu_time(w) - seen) * 8 < tn_clock_ns() - at;
    }
    atomic_store_explicit(&w->caller_asleep, 0, memory_order_relaxed);
    if (atomic_exchange(&w->lent, 0)) go_home(w);
    own.since = 0; /* it slept because it wanted to */
}

void tn_crew_await(tn_worker *w) {
    unsigned state = atomic_load_explicit(&w->state, memory_order_acquire);
    bool starved = false, spins = may_spin();
    if (state == TN_WORKER_POSTED && atomic_compare_exchange_strong(&w->state, &state, TN_WORKER_IDLE)) return;
    if (state == TN_WORKER_IDLE || (spins && spin_on(w, &starved))) return;
    sleep_on(w, starved, spins);
}

void tn_crew_return(tn_worker **team, int n) {
    for (int i = 0; i < n; i++) atomic_store_explicit(&team[i]->taken, 0, memory_order_release);
    give_back(n);
}
