/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* place.h - on which CPU workers and callers run. For the crew alone (crew.h). Where the system does not let threads be
 * kept to CPUs, nothing here does anything. */
#ifndef TN_BASE_PLACE_H
#define TN_BASE_PLACE_H

#include "base/crew.h"

struct tn_cpuset;

/** A worker that was just started, or all of them, get a CPU each; or none, when they are to be unpinned. */
void tn_place_new(tn_worker *w, bool unpinned);
void tn_place_all(bool unpinned);

/** The worker goes to its home, or wherever it may run. */
void tn_place_home(tn_worker *w);

/** Nanoseconds of CPU time; 0: not known. */
uint64_t tn_place_cpu_time(const tn_worker *w);

/** The worker is in the middle of a chunk and something else runs on its CPU: it gets this one, whose thread has
 * nothing to do but wait. It goes home when it is done (or is sent there, when it was done before `lent` was set). */
void tn_place_lend(tn_worker *w);

/** The scheduler may have moved a caller onto the CPU of a worker that it borrows: the worker takes one that is free.
 * Rarely, since callers on several threads would otherwise push the workers to and fro. */
void tn_place_make_way(tn_worker **team, int n);

/** A caller that shares its CPU with something else holds up its run, a worker only a part of it; and the scheduler
 * sees too short an idleness on the worker's CPU to mend that. So from time to time it compares its CPU time with the
 * clock, and takes the CPU of a worker that it has borrowed. More and more rarely, when that does not help. */
void tn_place_mind_own(tn_worker *w);
void tn_place_settled(void); /* what this thread's clock said until now does not count for that */

/** Can this worker, which was just taken, run within the set and beside the caller, who is on CPU `here`? It moves
 * there if need be: only when `may_move`, since others are there already as a rule. */
bool tn_place_keep(tn_worker *w, const struct tn_cpuset *set, int here, bool may_move);
/** A worker that was kept to a set runs anywhere again. */
void tn_place_let_go(tn_worker *w);

/** Puts the calling thread onto the set's CPUs; NULL: where it could run before it was first kept to a set, `before`
 * being what it is kept to now (NULL: none). */
void tn_place_keep_self(const struct tn_cpuset *before, const struct tn_cpuset *set);

int tn_place_here(void); /* the CPU this thread is on; -1: not known */

#endif
