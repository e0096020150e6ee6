/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* crew.c - see crew.h. Workers spin for a while when they have nothing to do, since a run brings work every few
 * microseconds, and then sleep; how long follows from how long they waited before. */
#include "base/crew.h"
#include "base/clock.h"
#include "base/cpu.h"
#include "base/cpuset.h"
#include "base/fork.h"
#include "base/log.h"
#include "base/park.h"
#include "base/place.h"
#include "base/thread.h"
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
    SPIN_NS = 80000, /* then sleep: longer than the gaps between the nodes of one run, shorter than between runs */
    SPIN_LEAST_NS = 4000,
    LOOK_NS = 20000,       /* a worker that is waited for longer may not be running: look, */
    WATCH_NS = 10000,      /* for so long */
    PATIENCE_NS = 2000000, /* for which a caller spins on a worker that runs */
    DOZE_NS = 500000,      /* while asleep, look so often */
};

static struct {
    pthread_mutex_t lock; /* starting and stopping; pools */
    int pools[TN_CREW_MAX + 1], unpinned;
    atomic_int wanted, size; /* workers that should be there; that are */
    atomic_int pretended;
    tn_load load;
    pthread_mutex_t turn_lock; /* load.turns */
    pthread_cond_t turn;
    atomic_int waiting; /* for their turn */
    tn_worker worker[TN_CREW_MAX];
} crew = { .lock = PTHREAD_MUTEX_INITIALIZER,
           .turn_lock = PTHREAD_MUTEX_INITIALIZER,
           .turn = PTHREAD_COND_INITIALIZER };

static _Thread_local int depth;         /* enter without leave */
static _Thread_local tn_cpuset *within; /* this thread, or who borrowed it, keeps to these CPUs; NULL: to none */

static int cpus(void) {
    int n = atomic_load_explicit(&crew.pretended, memory_order_relaxed);
    return n ? n : tn_cpu_count();
}

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
    if (lent) tn_place_home(w);
}

static void *worker_main(void *arg) {
    tn_worker *w = arg;
    for (uint64_t spin_ns = SPIN_NS;;) {
        unsigned posted = TN_WORKER_POSTED;
        wait_for_work(w, &spin_ns);
        if (atomic_compare_exchange_strong(&w->state, &posted, TN_WORKER_RUNNING)) {
            within = w->within;
            w->work(w->job, w->seat);
            finish(w);
        } else if (posted == TN_WORKER_LEAVE) {
            return NULL;
        }
    }
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
    int e = tn_thread_start(&w->thread, worker_main, w);
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
    tn_place_new(w, crew.unpinned);
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
    pthread_mutex_init(&crew.turn_lock, NULL);
    pthread_cond_init(&crew.turn, NULL);
    atomic_store(&crew.waiting, 0);
    for (int i = 0; i < TN_CREW_MAX; i++) {
        atomic_store(&crew.worker[i].state, TN_WORKER_GONE);
        atomic_store(&crew.worker[i].taken, 1);
        crew.worker[i].joinable = false;
    }
    atomic_store(&crew.size, 0);
    tn_cpuset_forget();
    tn_load_forget(&crew.load);
    atomic_store(&crew.load.callers, depth > 0);
    if (within) atomic_store(&within->load.callers, depth > 0);
}

static tn_fork_watch forks = { .child = after_fork };

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
    tn_fork_watch_add(&forks);
    pthread_mutex_lock(&crew.lock);
    crew.pools[threads] += by;
    crew.unpinned += pin || threads < 2 ? 0 : by;
    atomic_store(&crew.wanted, useful());
    fit();
    tn_place_all(crew.unpinned);
    pthread_mutex_unlock(&crew.lock);
}

void tn_crew_join(int threads, bool pin) { count_pool(threads, pin, 1); }
void tn_crew_part(int threads, bool pin) { count_pool(threads, pin, -1); }

tn_worker *tn_crew_worker(int i) { return &crew.worker[i]; }
int tn_crew_size(void) { return atomic_load(&crew.size); }

void tn_crew_pretend_cpus(int n) {
    pthread_mutex_lock(&crew.lock);
    atomic_store(&crew.pretended, n);
    atomic_store(&crew.wanted, useful());
    fit();
    pthread_mutex_unlock(&crew.lock);
}

/* --------------------------------------------------------------------------------------------------------- counting */

static void judge(tn_load *l, int most) {
    int n = atomic_load(&l->callers);
    int crowded = n > 1 && n + atomic_load(&l->leased) > most;
    if (atomic_load_explicit(&l->crowded, memory_order_relaxed) != crowded) atomic_store(&l->crowded, crowded);
}

static void judge_all(void) {
    judge(&crew.load, cpus());
    if (within) judge(&within->load, within->n);
}

/* Who waits for a turn says so before it looks; who makes room looks afterwards. */
static void call_next(void) {
    if (!atomic_load(&crew.waiting)) return;
    pthread_mutex_lock(&crew.turn_lock);
    pthread_cond_broadcast(&crew.turn); /* one may lack CPUs of its set */
    pthread_mutex_unlock(&crew.turn_lock);
}

static void count_caller(tn_cpuset *set, int by) {
    if (set && atomic_fetch_add(&set->load.callers, by) > (by < 0)) judge(&set->load, set->n);
}

static void enter(void) {
    tn_place_settled();
    count_caller(within, 1);
    if (atomic_fetch_add(&crew.load.callers, 1)) judge(&crew.load, cpus());
}

void tn_crew_enter(void) {
    if (!depth++) enter();
}

void tn_crew_leave(void) {
    if (--depth) return;
    count_caller(within, -1);
    if (atomic_fetch_sub(&crew.load.callers, 1) > 1) judge(&crew.load, cpus());
    call_next();
}

/* Nobody waits for ever for threads that go on and on: one that waited is let in beside them. */
static bool full(tn_load *l, int most) { return l->turns && atomic_load(&l->callers) >= most; }

void tn_crew_take_turn(void) {
    pthread_mutex_lock(&crew.turn_lock);
    atomic_fetch_add(&crew.waiting, 1);
    while (full(&crew.load, cpus()) || (within && full(&within->load, within->n)))
        pthread_cond_wait(&crew.turn, &crew.turn_lock);
    atomic_fetch_sub(&crew.waiting, 1);
    crew.load.turns++;
    if (within) within->load.turns++;
    depth++;
    enter();
    pthread_mutex_unlock(&crew.turn_lock);
}

void tn_crew_end_turn(void) {
    pthread_mutex_lock(&crew.turn_lock);
    crew.load.turns--;
    if (within) within->load.turns--;
    pthread_mutex_unlock(&crew.turn_lock);
    tn_crew_leave();
}

tn_cpuset *tn_crew_keep_to(tn_cpuset *set) {
    tn_cpuset *before = within;
    if (set == before) return before;
    tn_place_keep_self(before, set);
    if (depth) count_caller(before, -1), count_caller(set, 1);
    within = set;
    return before;
}

static bool is_crowded(const tn_load *l) { return atomic_load_explicit(&l->crowded, memory_order_relaxed); }

bool tn_crew_crowded(void) { return is_crowded(&crew.load) || (within && is_crowded(&within->load)); }

/* How many of `most` this thread may borrow when `leased` are. Several callers share what they leave free evenly. */
static int room(int most, int callers, int leased, int n) {
    if (callers < 2) return most;
    int fair = (n + callers - 1) / callers - 1, free = n - callers - leased;
    int least = fair < free ? fair : free;
    return least < most ? least : most;
}

static int reserve(tn_load *l, int most, int n_cpus) {
    int leased = atomic_load_explicit(&l->leased, memory_order_relaxed), n;
    do {
        n = room(most, atomic_load_explicit(&l->callers, memory_order_relaxed), leased, n_cpus);
        if (n <= 0) return 0;
    } while (!atomic_compare_exchange_weak(&l->leased, &leased, leased + n));
    return n;
}

static void give_back(int n) {
    if (n) atomic_fetch_sub(&crew.load.leased, n);
    if (n && within) atomic_fetch_sub(&within->load.leased, n);
    if (tn_crew_crowded() || atomic_load_explicit(&crew.load.callers, memory_order_relaxed) > 1) judge_all();
}

/* Within a set there is a CPU for each, also for a single caller that asks for more. */
static int reserve_all(int most) {
    if (!within) return reserve(&crew.load, most, cpus());
    int n = reserve(&within->load, most < within->n ? most : within->n - 1, within->n);
    int got = n ? reserve(&crew.load, n, cpus()) : 0;
    if (got < n) atomic_fetch_sub(&within->load.leased, n - got);
    return got;
}

/* After a fork. */
static void refill(void) {
    pthread_mutex_lock(&crew.lock);
    fit();
    pthread_mutex_unlock(&crew.lock);
}

static bool take(tn_worker *w) {
    return !atomic_load_explicit(&w->taken, memory_order_relaxed) && !atomic_exchange(&w->taken, 1);
}

static int gather(int size, int most, tn_worker **team) {
    int n = 0;
    for (int i = 0; i < size && n < most; i++) {
        if (!take(&crew.worker[i])) continue;
        tn_place_let_go(&crew.worker[i]);
        crew.worker[i].within = NULL;
        team[n++] = &crew.worker[i];
    }
    return n;
}

/* First those that are there, then such as have to move. */
static int gather_within(int size, int most, tn_worker **team) {
    int n = 0, here = tn_place_here();
    for (int i = 0; i < 2 * size && n < most; i++) {
        tn_worker *w = &crew.worker[i % size];
        if (!take(w)) continue;
        if (tn_place_keep(w, within, here, i >= size)) {
            w->within = within;
            team[n++] = w;
        } else {
            atomic_store_explicit(&w->taken, 0, memory_order_release);
        }
    }
    return n;
}

int tn_crew_borrow(int most, tn_worker **team) {
    int got = reserve_all(most);
    if (!got) return 0;
    int size = atomic_load_explicit(&crew.size, memory_order_acquire);
    if (size < atomic_load_explicit(&crew.wanted, memory_order_relaxed)) refill(), size = atomic_load(&crew.size);
    int n = within ? gather_within(size, got, team) : gather(size, got, team);
    if (n < got || tn_crew_crowded()) give_back(got - n);
    if (n) tn_place_mind_own(team[0]);
    if (n && !within) tn_place_make_way(team, n);
    return n;
}

void tn_crew_post(tn_worker *w, tn_seat_fn work, void *job, int seat) {
    w->work = work;
    w->job = job;
    w->seat = seat;
    atomic_store(&w->state, TN_WORKER_POSTED);
    if (atomic_load(&w->worker_asleep)) tn_park_wake(&w->state);
}

/* ---------------------------------------------------------------------------------------------------------- waiting */

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
        uint64_t used = tn_place_cpu_time(w);
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
        if (starved && help && !lent) tn_place_lend(w), lent = true;
        uint64_t seen = tn_place_cpu_time(w), at = tn_clock_ns();
        tn_park(&w->state, TN_WORKER_RUNNING, help && !lent && seen ? DOZE_NS : 0);
        starved = seen && (tn_place_cpu_time(w) - seen) * 8 < tn_clock_ns() - at;
    }
    atomic_store_explicit(&w->caller_asleep, 0, memory_order_relaxed);
    if (atomic_exchange(&w->lent, 0)) tn_place_home(w);
    tn_place_settled(); /* it slept because it wanted to */
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
