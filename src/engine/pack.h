/* pack.h - packed forms of constants, made once and shared by all plans of a session. */
#ifndef TN_ENGINE_PACK_H
#define TN_ENGINE_PACK_H

#include "op/op.h"

typedef struct tn_pack_cache tn_pack_cache;

tn_pack_cache *tn_pack_cache_new(void); /* NULL when out of memory */
void tn_pack_cache_free(tn_pack_cache **c);
size_t tn_pack_cache_bytes(const tn_pack_cache *c);

/** An aligned copy of the constant, made once. errors TN_E_NOMEM. */
tn_status tn_pack_copy(tn_pack_cache *c, const tn_tensor *t, const void **out);

/** Notes that a plan read (0) or did not read (1) the original bytes of this constant at run time. */
void tn_pack_note(tn_pack_cache *c, const tn_tensor *t, bool consumed);

/** Gives back the pages of mapped constants that were packed and that no plan reads: they come back from the file when
 *  another plan wants them. `files` are the model's mappings. */
void tn_pack_drop_pages(tn_pack_cache *c, struct tn_file *const *files, int n_files);

#endif
