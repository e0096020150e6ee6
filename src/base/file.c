/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* file.c - files read or mapped, and writing through a temporary file and a rename. */
#include "base/file.h"
#include "base/mem.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static char *copy_path(const char *path) {
    size_t n = strlen(path) + 1;
    char *copy = tn_mem_alloc(n, TN_MEM_GENERAL);
    return copy ? memcpy(copy, path, n) : NULL;
}

static const char *kind_of(mode_t mode) {
    return S_ISDIR(mode) ? "a folder" : S_ISFIFO(mode) ? "a pipe" : S_ISSOCK(mode) ? "a socket" : "a device";
}

static int64_t written(const struct stat *s) { return (int64_t)s->st_mtim.tv_sec * 1000000000 + s->st_mtim.tv_nsec; }

static tn_status copy_file(tn_file *f, int fd) {
    uint8_t *p = tn_mem_alloc(f->size, TN_MEM_GRAPH);
    if (!p) return tn_fail(TN_E_NOMEM, "out of memory for the %zu bytes of '%s'", f->size, f->path);
    f->data = p;
    for (size_t at = 0; at < f->size;) {
        ssize_t got = pread(fd, p + at, f->size - at, (off_t)at);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0)
            return tn_fail(TN_E_IO, "cannot read '%s': %s", f->path, got ? strerror(errno) : "it became shorter");
        at += (size_t)got;
    }
    return TN_OK;
}

/* Takes fd over: set to -1. */
static tn_status map_file(tn_file *f, int *fd) {
    void *p = mmap(NULL, f->size, PROT_READ, MAP_PRIVATE, *fd, 0);
    if (p == MAP_FAILED) return tn_fail(TN_E_IO, "cannot map '%s': %s", f->path, strerror(errno));
    f->data = p;
    f->mapped = true;
    f->fd = *fd;
    *fd = -1;
    return TN_OK;
}

tn_status tn_file_map(const char *path, tn_file **out) {
    tn_status st = TN_OK;
    tn_file *f = NULL;
    struct stat info;
    *out = NULL;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY); /* a pipe without a writer would block */
    if (fd < 0 || fstat(fd, &info)) {
        st = tn_fail(TN_E_IO, "cannot open '%s': %s", path, strerror(errno));
        goto done;
    }
    if (!S_ISREG(info.st_mode)) {
        st = tn_fail(TN_E_IO, "'%s' is %s, not a file", path, kind_of(info.st_mode));
        goto done;
    }
    if (!(f = tn_mem_zalloc(sizeof *f, TN_MEM_GENERAL)) || !(f->path = copy_path(path))) {
        st = tn_fail(TN_E_NOMEM, "out of memory opening '%s'", path);
        goto done;
    }
    f->fd = -1;
    f->size = (size_t)info.st_size;
    f->changed = written(&info);
    if (f->size && (st = f->size <= TN_FILE_COPIED ? copy_file(f, fd) : map_file(f, &fd)) != TN_OK) goto done;
    *out = f;
    f = NULL;
done:
    if (fd >= 0) close(fd);
    tn_file_close(&f);
    return st;
}

tn_status tn_file_blank(const char *path, size_t size, tn_file **out) {
    *out = NULL;
    tn_file *f = tn_mem_zalloc(sizeof *f, TN_MEM_GENERAL);
    if (!f || !(f->path = copy_path(path))) {
        tn_file_close(&f);
        return tn_fail(TN_E_NOMEM, "opening '%s'", path);
    }
    f->blank = true;
    f->fd = -1;
    void *p = size ? mmap(NULL, size, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0) : NULL;
    if (p == MAP_FAILED) {
        tn_file_close(&f);
        return tn_fail(TN_E_NOMEM, "%zu bytes in place of '%s'", size, path);
    }
    f->data = p;
    f->size = size;
    *out = f;
    return TN_OK;
}

tn_status tn_file_check(const tn_file *f) {
    struct stat info;
    if (!f->mapped) return TN_OK;
    if (fstat(f->fd, &info)) return tn_fail(TN_E_IO, "cannot look at '%s': %s", f->path, strerror(errno));
    if ((size_t)info.st_size == f->size && written(&info) == f->changed) return TN_OK;
    return tn_fail(
        TN_E_IO,
        "'%s' was %s while it is in use: open it again; to renew a file in use, write another one and rename "
        "it",
        f->path, (size_t)info.st_size < f->size ? "cut short" : "written to");
}

void tn_file_close(tn_file **f) {
    if (!f || !*f) return;
    if ((*f)->mapped || (*f)->blank) {
        if ((*f)->data) munmap((void *)(uintptr_t)(*f)->data, (*f)->size);
        if ((*f)->mapped) close((*f)->fd);
    } else {
        tn_mem_free((void *)(uintptr_t)(*f)->data);
    }
    tn_mem_free((*f)->path);
    tn_mem_free(*f);
    *f = NULL;
}

/* ------------------------------------------------------------------------------------------------------- writing */

#define BUFFER ((size_t)64 << 10)

struct tn_writer {
    int fd;
    char *path, *temp; /* temp NULL: written in place (a device or a pipe, which a rename would replace) */
    size_t used;
    uint8_t buffer[BUFFER];
};

static tn_status flush(tn_writer *w, const uint8_t *p, size_t n) {
    while (n) {
        ssize_t got = write(w->fd, p, n);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return tn_fail(TN_E_IO, "cannot write '%s': %s", w->path, strerror(errno));
        p += got;
        n -= (size_t)got;
    }
    return TN_OK;
}

/* Beside the target, so that the rename stays inside one file system. The mode follows the umask, as for any file. */
static int open_temp(const char *path, char *temp, size_t size) {
    for (int i = 0; i < 100; i++) {
        snprintf(temp, size, "%s.%ld.%d.tmp", path, (long)getpid(), i);
        int fd = open(temp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (fd >= 0 || errno != EEXIST) return fd;
    }
    return -1;
}

tn_status tn_writer_open(const char *path, tn_writer **out) {
    tn_status st = TN_OK;
    struct stat info;
    char *real = NULL;
    tn_writer *w = tn_mem_alloc(sizeof *w, TN_MEM_GENERAL);
    *out = NULL;
    if (!w) return tn_fail(TN_E_NOMEM, "out of memory writing '%s'", path);
    w->fd = -1;
    w->path = w->temp = NULL;
    w->used = 0;
    bool exists = !stat(path, &info), in_place = exists && !S_ISREG(info.st_mode);
    if (exists && !in_place) real = realpath(path, NULL); /* through a symbolic link: replace what it points to */
    if (!(w->path = copy_path(real ? real : path))) {
        st = tn_fail(TN_E_NOMEM, "out of memory writing '%s'", path);
        goto done;
    }
    if (in_place) {
        w->fd = open(path, O_WRONLY | O_CLOEXEC);
    } else {
        size_t n = strlen(w->path) + 48;
        if (!(w->temp = tn_mem_alloc(n, TN_MEM_GENERAL))) {
            st = tn_fail(TN_E_NOMEM, "out of memory writing '%s'", path);
            goto done;
        }
        w->temp[0] = 0;
        w->fd = open_temp(w->path, w->temp, n);
        if (w->fd >= 0 && exists && fchmod(w->fd, info.st_mode & 07777)) { /* a file system without modes: no matter */
        }
    }
    if (w->fd < 0) {
        st = tn_fail(TN_E_IO, "cannot write '%s': %s", path, strerror(errno));
        goto done;
    }
    *out = w;
    w = NULL;
done:
    free(real);
    tn_writer_abort(&w);
    return st;
}

tn_status tn_writer_put(tn_writer *w, const void *data, size_t size) {
    if (size > BUFFER - w->used) {
        TN_TRY(flush(w, w->buffer, w->used));
        w->used = 0;
        if (size >= BUFFER) return flush(w, data, size);
    }
    if (size) memcpy(w->buffer + w->used, data, size);
    w->used += size;
    return TN_OK;
}

static void drop(tn_writer **w) {
    tn_mem_free((*w)->path);
    tn_mem_free((*w)->temp);
    tn_mem_free(*w);
    *w = NULL;
}

tn_status tn_writer_commit(tn_writer **wp) {
    tn_writer *w = *wp;
    tn_status st = flush(w, w->buffer, w->used);
    if (close(w->fd) && st == TN_OK) st = tn_fail(TN_E_IO, "cannot write '%s': %s", w->path, strerror(errno));
    w->fd = -1;
    if (st == TN_OK && w->temp && rename(w->temp, w->path))
        st = tn_fail(TN_E_IO, "cannot put '%s' in place: %s", w->path, strerror(errno));
    if (st != TN_OK && w->temp) unlink(w->temp);
    drop(wp);
    return st;
}

void tn_writer_abort(tn_writer **w) {
    if (!w || !*w) return;
    if ((*w)->fd >= 0) {
        close((*w)->fd);
        if ((*w)->temp) unlink((*w)->temp);
    }
    drop(w);
}

tn_status tn_file_write(const char *path, const void *data, size_t size) {
    tn_writer *w;
    TN_TRY(tn_writer_open(path, &w));
    tn_status st = tn_writer_put(w, data, size);
    if (st != TN_OK) tn_writer_abort(&w);
    return st == TN_OK ? tn_writer_commit(&w) : st;
}
