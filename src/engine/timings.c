/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* timings.c - see timings.h. */
#include "engine/timings.h"
#include "base/arena.h"
#include "base/file.h"
#include "base/log.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/number.h"
#include "base/sort.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define HEAD "# tenon timings 1: machine, what is computed, the fastest implementation, its nanoseconds\n"

struct tn_timings {
    tn_arena *arena;
    tn_map *map; /* "machine<tab>what" to a tn_timing */
};

tn_timings *tn_timings_new(void) {
    tn_timings *t = tn_mem_zalloc(sizeof *t, TN_MEM_GENERAL);
    if (!t) return NULL;
    t->arena = tn_arena_new(0, TN_MEM_GENERAL);
    t->map = tn_map_new(64);
    if (!t->arena || !t->map) tn_timings_free(&t);
    return t;
}

void tn_timings_free(tn_timings **timings) {
    tn_timings *t = *timings;
    *timings = NULL;
    if (!t) return;
    tn_map_free(&t->map);
    tn_arena_free(&t->arena);
    tn_mem_free(t);
}

size_t tn_timings_count(const tn_timings *t) { return tn_map_count(t->map); }

const tn_timing *tn_timings_find(const tn_timings *t, const char *machine, const char *what) {
    char key[TN_TIMINGS_LINE];
    int n = snprintf(key, sizeof key, "%s\t%s", machine, what);
    return n > 0 && (size_t)n < sizeof key ? tn_map_get(t->map, key, (size_t)n) : NULL;
}

/* An entry whose key is already "machine<tab>what". */
static tn_status put(tn_timings *t, const char *key, size_t key_n, const char *impl, size_t impl_n, uint64_t ns) {
    tn_timing *x = tn_map_get(t->map, key, key_n);
    if (!x && tn_map_count(t->map) >= TN_TIMINGS_MAX)
        return tn_fail(TN_E_LIMIT, "more than %d timings", TN_TIMINGS_MAX);
    char *name = tn_arena_strndup(t->arena, impl, impl_n), *own = x ? NULL : tn_arena_strndup(t->arena, key, key_n);
    if (!name || (!x && (!own || !(x = tn_arena_new_of(t->arena, tn_timing)))))
        return tn_fail(TN_E_NOMEM, "no memory for timings");
    *x = (tn_timing){ name, impl_n, ns };
    return own ? tn_map_put(t->map, own, key_n, x) : TN_OK;
}

tn_status tn_timings_put(tn_timings *t, const char *machine, const char *what, const char *impl, uint64_t ns) {
    char key[TN_TIMINGS_LINE];
    int n = snprintf(key, sizeof key, "%s\t%s", machine, what);
    if (n < 0 || (size_t)n + strlen(impl) + 32 > sizeof key)
        return tn_fail(TN_E_LIMIT, "a description of more than %d bytes", TN_TIMINGS_LINE);
    return put(t, key, (size_t)n, impl, strlen(impl), ns);
}

/* ------------------------------------------------------------------------------------------------------------- text */

/* The part of a line up to the next tab or its end; *at goes behind it. */
static size_t field(const char **at, const char *end, const char **begin) {
    const char *tab = memchr(*at, '\t', (size_t)(end - *at)), *stop = tab ? tab : end;
    *begin = *at;
    *at = tab ? tab + 1 : end;
    return (size_t)(stop - *begin);
}

static bool printable(const char *s, size_t n) {
    for (size_t i = 0; i < n; i++)
        if ((unsigned char)s[i] < ' ' && s[i] != '\t') return false;
    return true;
}

/* What is wrong with the line, NULL: nothing. */
static const char *read_line(tn_timings *t, const char *line, const char *end) {
    const char *at = line, *machine, *what, *impl, *number;
    uint64_t ns;
    if (line == end || *line == '#') return NULL;
    if (end - line >= TN_TIMINGS_LINE) return "it is too long";
    if (!printable(line, (size_t)(end - line))) return "it holds control characters";
    size_t machine_n = field(&at, end, &machine), what_n = field(&at, end, &what), impl_n = field(&at, end, &impl);
    size_t number_n = field(&at, end, &number);
    if (!machine_n || !what_n || !impl_n || !number_n || at != end)
        return "four fields with tabs between are wanted: machine, what, implementation, nanoseconds";
    if (tn_take_u64(&number, end, &ns) != TN_NUMBER_READ || number != end) return "its last field is no number";
    size_t key_n = (size_t)(what + what_n - machine);
    if (tn_map_get(t->map, machine, key_n)) return NULL; /* ours is newer */
    return put(t, machine, key_n, impl, impl_n, ns) == TN_OK ? NULL : tn_error();
}

void tn_timings_import(tn_timings *t, const char *text, size_t n, const char *where) {
    const char *end = text + n;
    int line = 0, bad = 0;
    while (text < end) {
        const char *stop = memchr(text, '\n', (size_t)(end - text));
        const char *why = read_line(t, text, stop ? stop : end);
        line++;
        if (why && ++bad == 1) tn_log(TN_LOG_WARN, "%s, line %d is passed over: %s", where, line, why);
        text = stop ? stop + 1 : end;
    }
    if (bad > 1) tn_log(TN_LOG_WARN, "%s: so are %d more", where, bad - 1);
    if (bad) tn_error_clear();
}

typedef struct {
    const char *key;
    size_t n;
    const tn_timing *x;
} entry;

typedef struct {
    entry *v;
    size_t n;
} entries;

static void gather(void *user, const char *key, size_t len, void *value) {
    entries *e = user;
    e->v[e->n++] = (entry){ key, len, value };
}

static int by_key(const void *a, const void *b) {
    const entry *x = a, *y = b;
    int c = memcmp(x->key, y->key, x->n < y->n ? x->n : y->n);
    return c ? c : (x->n > y->n) - (x->n < y->n);
}

void tn_timings_export(const tn_timings *t, tn_text *out) {
    entries e = { tn_mem_alloc((tn_map_count(t->map) + 1) * sizeof *e.v, TN_MEM_GENERAL), 0 };
    if (!e.v) {
        out->failed = true;
        return;
    }
    tn_map_each(t->map, gather, &e);
    tn_sort(e.v, e.n, sizeof *e.v, by_key);
    tn_text_puts(out, HEAD);
    for (size_t i = 0; i < e.n; i++) {
        tn_text_put(out, e.v[i].key, e.v[i].n);
        tn_text_printf(out, "\t%s\t%llu\n", e.v[i].x->impl, (unsigned long long)e.v[i].x->ns);
    }
    tn_mem_free(e.v);
}

/* ------------------------------------------------------------------------------------------------------------- file */

void tn_timings_load(tn_timings *t, const char *path) {
    struct stat sb;
    tn_file *f = NULL;
    if (stat(path, &sb) != 0 && errno == ENOENT) return;
    if (tn_file_map(path, &f) != TN_OK) {
        tn_log(TN_LOG_WARN, "the timings are not read: %s", tn_error());
        tn_error_clear();
        return;
    }
    if (f->size > TN_TIMINGS_FILE)
        tn_log(TN_LOG_WARN, "%s is not read: it has %zu bytes, more than %d", path, f->size, TN_TIMINGS_FILE);
    else if (f->size)
        tn_timings_import(t, (const char *)f->data, f->size, path);
    tn_file_close(&f);
}

/* The folders above path. Whatever fails shows when the file is written. */
static void make_folders(const char *path) {
    char dir[4096];
    size_t n = strlen(path);
    if (n >= sizeof dir) return;
    memcpy(dir, path, n + 1);
    for (size_t i = 1; i < n; i++) {
        if (dir[i] != '/') continue;
        dir[i] = 0;
        (void)mkdir(dir, 0777);
        dir[i] = '/';
    }
}

tn_status tn_timings_save(tn_timings *t, const char *path) {
    tn_text text = { 0 };
    tn_timings_load(t, path);
    tn_timings_export(t, &text);
    make_folders(path);
    tn_status st =
        text.failed ? tn_fail(TN_E_NOMEM, "no memory to write timings") : tn_file_write(path, text.s, text.n);
    tn_text_free(&text);
    return st;
}

char *tn_timings_path(void) {
    const char *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    char path[4096];
    int n = 0;
    if (cache && *cache == '/') /* a relative one is to be ignored, says the standard */
        n = snprintf(path, sizeof path, "%s/tenon/timings", cache);
    else if (home && *home == '/')
        n = snprintf(path, sizeof path, "%s/.cache/tenon/timings", home);
    char *own = n > 0 && (size_t)n < sizeof path ? tn_mem_alloc((size_t)n + 1, TN_MEM_GENERAL) : NULL;
    return own ? memcpy(own, path, (size_t)n + 1) : NULL;
}
