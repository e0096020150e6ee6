/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* models.h - where a command finds the models it was not told the place of. */
#ifndef TN_CLI_MODELS_H
#define TN_CLI_MODELS_H

#include "base/arena.h"
#include "base/status.h"

/** The path of a model file.
 *  given   what the user said; used as it is. NULL: `name` is looked for in
 *  folder  the user's --models, and there only; NULL: $TENON_MODELS, ./models, $XDG_DATA_HOME/tenon/models
 *          (~/.local/share/tenon/models), in this order
 *  errors  TN_E_NOT_FOUND (the message lists the places), TN_E_NOMEM. *out lives in the arena. */
tn_status tn_find_model(tn_arena *a, const char *given, const char *folder, const char *name, const char **out);

#endif
