/* file.h - files mapped read-only, whole-file reads and atomic writes. */
#ifndef TN_BASE_FILE_H
#define TN_BASE_FILE_H

#include "base/status.h"

typedef struct tn_file {
    const uint8_t *data; /* NULL when empty */
    size_t size;
    char *path;
} tn_file;

/** Maps a regular file. errors TN_E_IO (missing, a directory, not readable), TN_E_NOMEM. The caller closes it. */
tn_status tn_file_map(const char *path, tn_file **out);
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
