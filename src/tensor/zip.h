/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* zip.h - the members of a zip archive in memory: stored and deflated, zip64. Source: APPNOTE.TXT 6.3. */
#ifndef TN_TENSOR_ZIP_H
#define TN_TENSOR_ZIP_H

#include "base/arena.h"
#include "base/wire.h"

typedef struct {
    tn_str name;         /* inside the archive */
    const uint8_t *data; /* packed bytes, checked to lie inside the archive */
    uint64_t packed, size;
    uint32_t crc;
    int method; /* 0 stored, 8 deflated */
} tn_zip_entry;

/** Lists the archive's members. The array lives in the arena. Members cannot overlap and cannot claim more than their
 *  packed bytes justify, so reading all of them is bounded by the archive's size.
 *  errors   TN_E_FORMAT, TN_E_UNSUPPORTED (encrypted, other methods), TN_E_NOMEM. */
tn_status tn_zip_list(const void *data, size_t size, const char *where, tn_arena *a, tn_zip_entry **out, size_t *n);

/** Unpacks a member into entry->size bytes and checks its CRC. errors TN_E_FORMAT. */
tn_status tn_zip_read(const tn_zip_entry *e, const char *where, void *out);

#endif
