/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* file.h - files read or mapped, and atomic writes. */
#ifndef TN_BASE_FILE_H
#define TN_BASE_FILE_H

#include "base/status.h"
#include <stdbool.h>

typedef struct tn_file {
    const uint8_t *data; /* NULL when empty */
    size_t size;
    char *path;
    bool mapped;     /* data are the file's own pages; else a copy in memory */
    int fd;          /* of a mapped file, -1 otherwise */
    int64_t changed; /* when a mapped file was last written before it was opened, in nanoseconds */
    bool blank;      /* no file: see tn_file_blank */
} tn_file;

#define TN_FILE_COPIED ((size_t)1 << 20) /* files up to so many bytes are copied */

/** Opens a regular file for reading: a small one is copied, a larger one mapped. Never waits: pipes, sockets, devices
 *  and folders are refused at once. errors TN_E_IO (missing, no regular file, not readable), TN_E_NOMEM. The caller
 * closes it.
 *
 *  Reading a page of a mapping that its file no longer has ends the process (SIGBUS), and a library has no business
 *  with the signals of its host. So whoever reads a mapping later on asks tn_file_check first. That a file shrinks
 *  between the question and the reading cannot be ruled out so: who must rule it out reads the file into memory. */
tn_status tn_file_map(const char *path, tn_file **out);

/** Whether a mapped file is still what it was when it was opened: it was not written to since (a file that was replaced
 *  by another of its name, or deleted, is). errors TN_E_IO. */
tn_status tn_file_check(const tn_file *f);
/** Zeros, as many bytes as wanted, that stand for a file which is not there; they take no memory.
 *  errors TN_E_NOMEM (no room in the address space). */
tn_status tn_file_blank(const char *path, size_t size, tn_file **out);
void tn_file_close(tn_file **f);

/** Writes path through a temporary file and a rename, so a reader never sees half a file. */
tn_status tn_file_write(const char *path, const void *data, size_t size);

/** A bigger file written piece by piece; the name appears only at commit. */
typedef struct tn_writer tn_writer;
tn_status tn_writer_open(const char *path, tn_writer **out);
tn_status tn_writer_put(tn_writer *w, const void *data, size_t size);
tn_status tn_writer_commit(tn_writer **w); /* closes in any case; on error the temporary file is gone */
void tn_writer_abort(tn_writer **w);

#endif
