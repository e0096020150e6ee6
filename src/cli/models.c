/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* models.c - looks for model files in the usual places. */
#include "cli/models.h"
#include "base/text.h"
#include <stdlib.h>
#include <unistd.h>

tn_status tn_find_model(tn_arena *a, const char *given, const char *folder, const char *name, const char **out) {
    *out = given;
    if (given) return TN_OK;
    const char *data = getenv("XDG_DATA_HOME"), *home = getenv("HOME"), *places[3] = { folder };
    size_t n = folder ? 1 : 0;
    if (!folder) {
        if (getenv("TENON_MODELS")) places[n++] = getenv("TENON_MODELS");
        places[n++] = "models";
        if (data && *data)
            places[n++] = tn_arena_printf(a, "%s/tenon/models", data);
        else if (home)
            places[n++] = tn_arena_printf(a, "%s/.local/share/tenon/models", home);
    }
    tn_text tried = { 0 };
    for (size_t i = 0; i < n; i++) {
        const char *path = places[i] ? tn_arena_printf(a, "%s/%s", places[i], name) : NULL;
        if (!path) {
            tn_text_free(&tried);
            return tn_fail(TN_E_NOMEM, "path of %s", name);
        }
        if (access(path, R_OK) == 0) {
            *out = path;
            tn_text_free(&tried);
            return TN_OK;
        }
        tn_text_printf(&tried, "%s%s", i ? ", " : "", places[i]);
    }
    tn_status st =
        tn_fail(TN_E_NOT_FOUND, "%s is not in %s; --models names the folder (`make demo` fetches the models)", name,
                tried.s ? tried.s : "any models folder");
    tn_text_free(&tried);
    return st;
}
