/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* npy.h - NumPy's .npy (format 1.0 to 3.0) and .npz (zip: stored and deflated members). Source: NEP 1; APPNOTE.TXT 6.3;
 * RFC 1951.
 *
 * Element types that NumPy lacks are written as numpy.save writes those of the package ml_dtypes: bfloat16 as '<V2',
 * float8e5m2 as '<f1', all others as '<V1', one element a byte (types of 4 and 2 bits in the low bits). numpy.load
 * gives raw bytes for them: array.view(ml_dtypes.bfloat16). */
#ifndef TN_TENSOR_NPY_H
#define TN_TENSOR_NPY_H

#include "tensor/tensor.h"

/** Parses one .npy image; Fortran order and big-endian data are converted. '<V2' is bfloat16; '<V1', which does not say
 *  what it is, gives uint8: see tn_npy_as. The tensor owns its memory.
 *  where    used in messages (a path). errors TN_E_FORMAT, TN_E_TYPE (object arrays), TN_E_NOMEM. */
tn_status tn_npy_parse(const void *data, size_t size, const char *where, tn_tensor *out);
/** Makes the uint8 tensor that '<V1' gave (or, for bfloat16, uint16) into one of the type that is wanted, when that is
 * one which NumPy lacks; any other tensor stays. errors TN_E_NOMEM; t is then unchanged. */
tn_status tn_npy_as(tn_tensor *t, tn_dtype want);
tn_status tn_npy_write(const tn_tensor *t, const char *path);

typedef struct {
    char *name; /* member name without ".npy" */
    tn_tensor tensor;
} tn_npz_entry;
tn_status tn_npz_parse(const void *data, size_t size, const char *where, tn_npz_entry **out, size_t *n);
void tn_npz_free(tn_npz_entry **entries, size_t n);

#endif
