/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* ctc.h - a text recogniser's alphabet, and its scores to text. */
#ifndef TN_VISION_CTC_H
#define TN_VISION_CTC_H

#include "base/status.h"
#include "base/text.h"

/** The characters of a recogniser in the order of its classes: class 0 is CTC's blank, class i the key i - 1. */
typedef struct {
    char **key; /* UTF-8 */
    size_t n;
    char *memory;
} tn_keys;

/** Reads a key file: one character per line (UTF-8; the line's end may be LF or CR LF), in class order. A space, which
 *  such a file cannot show, is added at the end, as PP-OCR's training does.
 *  errors  TN_E_FORMAT (empty), TN_E_NOMEM; tn_keys_load also TN_E_IO. The caller owns *out: tn_keys_free. */
tn_status tn_keys_parse(const void *data, size_t bytes, tn_keys *out);
tn_status tn_keys_load(const char *path, tn_keys *out);
void tn_keys_free(tn_keys *k);

/** Greedy CTC decoding: the best class of every step; repetitions count once, blanks part repetitions.
 *  prob     steps x classes probabilities (or any scores whose largest is meant), row-major
 *  classes  must be keys->n + 1: TN_E_SHAPE
 *  text     the characters are appended
 *  score    mean probability of the characters kept; 0 when there are none
 *  errors   TN_E_SHAPE, TN_E_NOMEM */
tn_status tn_ctc_decode(const float *prob, size_t steps, size_t classes, const tn_keys *keys, tn_text *text,
                        float *score);

#endif
