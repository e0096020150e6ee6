/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* inflate.h - the DEFLATE decoder and the CRC of zip archives. Source: RFC 1951; ISO 3309. */
#ifndef TN_TENSOR_INFLATE_H
#define TN_TENSOR_INFLATE_H

#include "base/status.h"

/** Decodes one raw DEFLATE stream into exactly out_size bytes.
 *  errors   TN_E_FORMAT: malformed, truncated, longer or shorter than out_size. */
tn_status tn_inflate(const void *in, size_t in_size, void *out, size_t out_size);

/** CRC-32 as in zip and gzip, of more bytes after `crc` (start with 0). */
uint32_t tn_crc32(uint32_t crc, const void *data, size_t size);

/** No DEFLATE stream of n bytes holds more than this: 258 bytes per 2 bits. */
static inline uint64_t tn_inflate_most(uint64_t n) { return n > UINT64_MAX / 1032 ? UINT64_MAX : n * 1032; }

#endif
