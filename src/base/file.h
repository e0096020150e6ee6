/* file.h - files mapped read-only, whole-file reads and atomic writes. */
#ifndef TN_BASE_FILE_H
#define TN_BASE_FILE_H

#include "base/status.h"
#include <stdbool.h>

typedef struct tn_file {
    const uint8_t *data; /* NULL when empty */
    size_t size;
    char *path;
    bool blank; /* no file: see tn_file_blank */
} tn_file;

/** Maps a regular file. Never waits: pipes, sockets, devices and folders are refused at once.
 *  errors TN_E_IO (missing, no regular file, not readable), TN_E_NOMEM. The caller closes it. */
tn_status tn_file_map(const char *path, tn_file **out);
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
