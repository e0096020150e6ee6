/* pack.h - packed forms of constants, made once and shared by all plans of a session. */
#ifndef TN_ENGINE_PACK_H
#define TN_ENGINE_PACK_H

#include "op/op.h"

typedef struct tn_pack_cache tn_pack_cache;

/** files: the model's mappings, which outlive the cache. NULL when out of memory. */
tn_pack_cache *tn_pack_cache_new(struct tn_file *const *files, int n_files);
void tn_pack_cache_free(tn_pack_cache **c);
size_t tn_pack_cache_bytes(const tn_pack_cache *c);

/** An aligned copy of the constant, made once. errors TN_E_NOMEM. */
tn_status tn_pack_copy(tn_pack_cache *c, const tn_tensor *t, const void **out);

/** Notes that a plan reads this constant's own bytes at run time, or that it does not (they were packed): then the
 * pages of a mapped constant that no plan reads are given back. They come from the file again when another plan wants
 * them. */
void tn_pack_note(tn_pack_cache *c, const tn_tensor *t, bool consumed);

#endif
