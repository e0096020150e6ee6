/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* load.c - a tensor from a file, whatever its format. */
#include "base/file.h"
#include "tensor/npy.h"
#include "tensor/proto.h"
#include <string.h>

static tn_status parse_npz(const tn_file *f, tn_tensor *out) {
    tn_npz_entry *entries;
    size_t n;
    TN_TRY(tn_npz_parse(f->data, f->size, f->path, &entries, &n));
    tn_status st = TN_OK;
    if (n == 1)
        tn_tensor_share(out, &entries[0].tensor);
    else
        st = tn_fail(TN_E_INVALID, "'%s' holds %zu arrays; one was expected", f->path, n);
    tn_npz_free(&entries, n);
    return st;
}

static tn_status parse_proto(const tn_file *f, tn_tensor *out) {
    tn_tensor t;
    tn_status st = tn_tensor_from_proto(tn_wire_of(f->data, f->size), f->path, &t, NULL, NULL);
    if (st != TN_OK) return tn_fail_at(st, "neither .npy nor a TensorProto");
    if (t.buffer) { /* not the file's memory */
        *out = t;
        return TN_OK;
    }
    st = tn_tensor_copy(out, &t, TN_MEM_IO);
    tn_tensor_reset(&t);
    return st;
}

tn_status tn_tensor_read(const char *path, tn_tensor *out) {
    tn_file *f;
    *out = (tn_tensor){ 0 };
    TN_TRY(tn_file_map(path, &f));
    tn_status st;
    if (!f->size)
        st = tn_fail(TN_E_FORMAT, "'%s' is empty", path);
    else if (f->size >= 6 && !memcmp(f->data, "\x93NUMPY", 6))
        st = tn_npy_parse(f->data, f->size, path, out);
    else if (f->size >= 4 && !memcmp(f->data, "PK\3\4", 4))
        st = parse_npz(f, out);
    else
        st = parse_proto(f, out);
    tn_file_close(&f);
    return st;
}

tn_status tn_tensor_load(const char *path, tn_tensor **out) {
    tn_tensor t;
    *out = NULL;
    TN_TRY(tn_tensor_read(path, &t));
    return tn_tensor_move_out(&t, out);
}

tn_status tn_tensor_save_npy(const tn_tensor *t, const char *path) { return tn_npy_write(t, path); }
