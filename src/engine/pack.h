/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* pack.h - the packed forms of constants that one session uses: its references into the model's store (store.h).
 *
 * Plans hold what they use. Forms that no plan of the session holds any more stay for the next plan, the latest ones
 * first, as long as they are no more than what is held. What a plan computed for itself (id 0) is packed in the plan's
 * own arena and dies with it.
 *
 * A session is charged for every form it has, in full and once, whoever packed it: so what it may hold does not depend
 * on what others do. Forms that are pages of a compiled file are charged to nobody. */
#ifndef TN_ENGINE_PACK_H
#define TN_ENGINE_PACK_H

#include "engine/store.h"

typedef struct tn_pack_cache tn_pack_cache;
typedef struct tn_pack_use tn_pack_use; /* a list of held forms; lives in the holder's arena */

/** Of a store that outlives it. NULL when out of memory. */
tn_pack_cache *tn_pack_cache_new(tn_store *store);
void tn_pack_cache_free(tn_pack_cache **c);
size_t tn_pack_cache_bytes(tn_pack_cache *c); /* of all packed forms it has, held by plans or not */

/** An aligned copy of the constant: made once and held in *held, or in arena a alone when it is no model's. c may be
 *  NULL: then always the latter. errors TN_E_NOMEM. */
tn_status tn_pack_copy(tn_pack_cache *c, const tn_tensor *t, tn_arena *a, tn_pack_use **held, const void **out);

/** Notes that a plan reads this constant's own bytes at run time, or that it does not (they were packed): then the
 * pages of a mapped constant that no plan of the model reads are given back. They come from the file again when another
 * plan wants them. */
void tn_pack_note(tn_pack_cache *c, const tn_tensor *t, bool consumed);

/** Lets go what a holder's list says; *held is empty then. The list's own memory is the holder's. */
void tn_pack_release(tn_pack_cache *c, tn_pack_use **held);

/** Lets every form go that no plan holds: how many bytes that gave back, which other sessions may still hold. */
size_t tn_pack_cache_trim(tn_pack_cache *c);

/** Holds every form it has, as a plan would: *held, in arena a. errors TN_E_NOMEM (*held is what was held so far) */
tn_status tn_pack_hold_all(tn_pack_cache *c, tn_arena *a, tn_pack_use **held);
/** The first form of a list, which becomes the rest; NULL at its end. */
const tn_form *tn_pack_next(const tn_pack_use **list);

#endif
