/* npy.h - NumPy's .npy (format 1.0 to 3.0) and .npz (zip: stored and deflated members). Element types that NumPy lacks
 * are refused on writing. Source: NEP 1; APPNOTE.TXT 6.3; RFC 1951. */
#ifndef TN_TENSOR_NPY_H
#define TN_TENSOR_NPY_H

#include "tensor/tensor.h"

/** Parses one .npy image; Fortran order and big-endian data are converted. The tensor owns its memory.
 *  where    used in messages (a path). errors TN_E_FORMAT, TN_E_TYPE (object arrays), TN_E_NOMEM. */
tn_status tn_npy_parse(const void *data, size_t size, const char *where, tn_tensor *out);
tn_status tn_npy_write(const tn_tensor *t, const char *path);

typedef struct {
    char *name; /* member name without ".npy" */
    tn_tensor tensor;
} tn_npz_entry;
tn_status tn_npz_parse(const void *data, size_t size, const char *where, tn_npz_entry **out, size_t *n);
void tn_npz_free(tn_npz_entry **entries, size_t n);

#endif
