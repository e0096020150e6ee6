/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* edition.h - optimized copies of a model, one for every set of options that the passes look at; sessions share them.
 *
 * An edition does not change once it is made, and goes with the last session that uses it. */
#ifndef TN_ENGINE_EDITION_H
#define TN_ENGINE_EDITION_H

#include "engine/store.h"

typedef struct tn_edition tn_edition;

/** What an edition is made for. */
typedef struct {
    const char *precision; /* as tn_session_opts.precision, checked; NULL or "": as the file says */
    bool plain;            /* without the forms that only the CPU has: tn_optimize */
} tn_edition_asked;

/** The edition of m, whose store s is; made under the thread's budget when there is none. It counts on that budget's
 * account with all it takes, also when others have made it: *charged. errors of tn_model_clone and tn_optimize,
 * TN_E_CANCELLED, TN_E_LIMIT */
tn_status tn_edition_get(tn_store *s, const tn_model *m, tn_edition_asked asked, tn_pool *pool, tn_edition **out,
                         tn_account **charged);
/** Lets it go; NULL is fine. charged is what tn_edition_get gave. */
void tn_edition_release(tn_store *s, tn_edition **e, tn_account *charged);

const tn_model *tn_edition_model(const tn_edition *e);
const char *tn_edition_precision(const tn_edition *e); /* never NULL */

#endif
