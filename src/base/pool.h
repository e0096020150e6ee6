/* pool.h - worker threads that spin briefly and then park; static partition of index ranges.
 *
 * The calling thread works too, as thread 0, so a pool of one thread starts none. Workers are pinned to the process's
 * allowed CPUs one by one, since unpinned woken threads often share one core; the caller's thread is never pinned.
 * Several threads may call tn_parallel on one pool: one gets the workers, the others run their ranges alone. */
#ifndef TN_BASE_POOL_H
#define TN_BASE_POOL_H

#include "base/status.h"

typedef struct tn_pool tn_pool;

/** threads 0: TN_THREADS, else tn_cpu_count(). */
tn_status tn_pool_new(int threads, bool pin, tn_pool **out);
void tn_pool_free(tn_pool **p);
int tn_pool_threads(const tn_pool *p); /* 1 when p is NULL */

/** fn(arg, begin, end, thread): a part [begin, end) of [0, n); thread is 0 .. threads-1 and unique during the call. */
typedef void (*tn_range_fn)(void *arg, int64_t begin, int64_t end, int thread);

/** Splits [0, n) into at most `threads` contiguous parts of at least `grain` (>= 1) and returns when all are done.
 *  A nested call, a NULL pool or n <= grain runs on the calling thread. */
void tn_parallel(tn_pool *p, int64_t n, int64_t grain, tn_range_fn fn, void *arg);

#endif
