/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* pack.h - packed forms of constants, made once and shared by all plans of a session.
 *
 * A form is found by what it was made of - ids, types and shapes of a model's constants (tn_tensor.id) - and by the
 * operator's key, never by an address: constants come and go with plans, and another one may lie at the same place
 * tomorrow. What a plan computed for itself (id 0) is packed in the plan's own arena and dies with it.
 *
 * Plans hold what they use. Forms that nobody holds any more stay for the next plan, the latest ones first, as long as
 * they are no more than what is held. */
#ifndef TN_ENGINE_PACK_H
#define TN_ENGINE_PACK_H

#include "op/core/op.h"

typedef struct tn_pack_cache tn_pack_cache;
typedef struct tn_pack_use tn_pack_use; /* a list of held forms; lives in the holder's arena */

/** files: the model's mappings, which outlive the cache. NULL when out of memory. */
tn_pack_cache *tn_pack_cache_new(struct tn_file *const *files, int n_files);
void tn_pack_cache_free(tn_pack_cache **c);
size_t tn_pack_cache_bytes(tn_pack_cache *c); /* of all packed forms, held or not */

/** An aligned copy of the constant: made once and held in *held, or in arena a alone when it is no model's. c may be
 *  NULL: then always the latter. errors TN_E_NOMEM. */
tn_status tn_pack_copy(tn_pack_cache *c, const tn_tensor *t, tn_arena *a, tn_pack_use **held, const void **out);

/** Notes that a plan reads this constant's own bytes at run time, or that it does not (they were packed): then the
 * pages of a mapped constant that no plan reads are given back. They come from the file again when another plan wants
 * them. */
void tn_pack_note(tn_pack_cache *c, const tn_tensor *t, bool consumed);

/** Lets go what a holder's list says; *held is empty then. The list's own memory is the holder's. */
void tn_pack_release(tn_pack_cache *c, tn_pack_use **held);

/** Frees every form that nobody holds: how many bytes went back. */
size_t tn_pack_cache_trim(tn_pack_cache *c);

#endif
