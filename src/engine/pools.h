/* pools.h - thread pools shared by the sessions of a process that want the same threads: several models in one program
 * do not start several times as many threads as there are CPUs. */
#ifndef TN_ENGINE_POOLS_H
#define TN_ENGINE_POOLS_H

#include "base/pool.h"

tn_status tn_pools_get(int threads, bool pin, tn_pool **out); /* threads 0: the default */
void tn_pools_put(tn_pool **p);                               /* the last one stops the threads */

#endif
