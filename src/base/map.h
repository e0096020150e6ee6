/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* map.h - a hash map from byte strings to pointers (open addressing, FNV-1a with a final mix). Keys are not copied. */
#ifndef TN_BASE_MAP_H
#define TN_BASE_MAP_H

#include "base/status.h"
#include <string.h>

typedef struct tn_map tn_map;

tn_map *tn_map_new(size_t expected);
void tn_map_free(tn_map **m);
size_t tn_map_count(const tn_map *m);

/** The value stored under the key, or NULL. */
void *tn_map_get(const tn_map *m, const char *key, size_t len);

/** Stores value (not NULL) under the key; an older value is replaced. The key's bytes must outlive the map.
 *  errors   TN_E_NOMEM */
tn_status tn_map_put(tn_map *m, const char *key, size_t len, void *value);
void *tn_map_remove(tn_map *m, const char *key, size_t len); /* the removed value, or NULL */

/** Calls fn for every pair, in no order. */
void tn_map_each(const tn_map *m, void (*fn)(void *user, const char *key, size_t len, void *value), void *user);

static inline void *tn_map_gets(const tn_map *m, const char *key) { return tn_map_get(m, key, strlen(key)); }

#endif
