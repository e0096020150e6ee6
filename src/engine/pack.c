/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* pack.c - the cache of packed constants: see pack.h. */
#include "engine/pack.h"
#include "base/budget.h"
#include "base/file.h"
#include "base/guard.h"
#include <pthread.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define MAX_KEY        160   /* bytes of an operator's key */
#define MAX_OF         4     /* constants that one form is made of */
#define WORTH_DROPPING 65536 /* a few pages are not worth the call */

/* Packed weights lie side by side in growing chunks: big ones are on huge pages, so a model's weights cost few faults.
 */
#define FIRST_CHUNK ((size_t)256 << 10)
#define LAST_CHUNK  ((size_t)16 << 20)
#define OWN_CHUNK   ((size_t)4 << 20) /* from here on a constant gets memory of its own */
#define PIECE       ((size_t)4 << 20) /* of what is read or copied, between looks at the budget: a millisecond */

typedef struct chunk {
    struct chunk *next;
    char *data;
    size_t bytes, used;
    int live; /* forms in it; with the last one it goes */
} chunk;

typedef struct entry {
    struct entry *before, *after; /* in the list of held ones, or in that of idle ones, the latest first */
    chunk *in;
    void *data;
    size_t bytes;
    int users;
    size_t key_len;
    char key[]; /* what it was made of, then the operator's key */
} entry;

typedef struct {
    entry *first, *last;
    size_t bytes;
} entries;

struct tn_pack_use {
    tn_pack_use *next;
    entry *e;
};

/* A constant whose own bytes some plan reads. */
typedef struct original {
    struct original *next;
    uint64_t id;
} original;

struct tn_pack_cache {
    pthread_mutex_t lock;
    tn_guard guard;
    tn_map *map, *read;
    entries held, idle;
    original *originals;
    chunk *chunks; /* the one that is filled comes first */
    struct tn_file *const *files;
    int n_files;
};

tn_pack_cache *tn_pack_cache_new(struct tn_file *const *files, int n_files) {
    tn_pack_cache *c = tn_mem_zalloc(sizeof *c, TN_MEM_GENERAL);
    if (!c) return NULL;
    pthread_mutex_init(&c->lock, NULL);
    tn_guard_add(&c->guard, &c->lock, TN_GUARD_LEAF);
    c->map = tn_map_new(64);
    c->read = tn_map_new(64);
    c->files = files;
    c->n_files = n_files;
    if (!c->map || !c->read) tn_pack_cache_free(&c);
    return c;
}

static void free_entries(entries *l) {
    for (entry *e = l->first, *after; e; e = after) {
        after = e->after;
        tn_mem_free(e);
    }
}

void tn_pack_cache_free(tn_pack_cache **cache) {
    tn_pack_cache *c = *cache;
    if (!c) return;
    free_entries(&c->held);
    free_entries(&c->idle);
    for (chunk *k = c->chunks, *next; k; k = next) {
        next = k->next;
        tn_mem_free(k->data);
        tn_mem_free(k);
    }
    for (original *o = c->originals, *next; o; o = next) {
        next = o->next;
        tn_mem_free(o);
    }
    tn_map_free(&c->map);
    tn_map_free(&c->read);
    tn_guard_remove(&c->guard);
    pthread_mutex_destroy(&c->lock);
    tn_mem_free(c);
    *cache = NULL;
}

size_t tn_pack_cache_bytes(tn_pack_cache *c) {
    pthread_mutex_lock(&c->lock);
    size_t bytes = c->held.bytes + c->idle.bytes;
    pthread_mutex_unlock(&c->lock);
    return bytes;
}

/* -------------------------------------------------------------------------------------------------------- lists */

static void link_first(entries *l, entry *e) {
    e->before = NULL;
    e->after = l->first;
    if (l->first)
        l->first->before = e;
    else
        l->last = e;
    l->first = e;
    l->bytes += e->bytes;
}

static void unlink_entry(entries *l, entry *e) {
    if (e->before)
        e->before->after = e->after;
    else
        l->first = e->after;
    if (e->after)
        e->after->before = e->before;
    else
        l->last = e->before;
    l->bytes -= e->bytes;
}

/* ------------------------------------------------------------------------------------------------------- chunks */

static chunk *new_chunk(tn_pack_cache *c, size_t want) {
    chunk *first = c->chunks, *fresh = tn_mem_zalloc(sizeof *fresh, TN_MEM_GENERAL);
    size_t size = first ? first->bytes * 2 : FIRST_CHUNK;
    if (size > LAST_CHUNK) size = LAST_CHUNK;
    if (size < want || want >= OWN_CHUNK) size = want;
    if (!fresh || !(fresh->data = tn_mem_alloc(size, TN_MEM_WEIGHTS))) {
        tn_mem_free(fresh);
        return NULL;
    }
    fresh->bytes = size;
    bool behind = first && first->bytes - first->used > size - want; /* one of its own: keep filling the other */
    fresh->next = behind ? first->next : first;
    if (behind)
        first->next = fresh;
    else
        c->chunks = fresh;
    return fresh;
}

static bool place(tn_pack_cache *c, entry *e) {
    size_t want = tn_align_up(e->bytes ? e->bytes : 1, 64);
    chunk *k = c->chunks;
    if ((!k || k->bytes - k->used < want) && !(k = new_chunk(c, want))) return false;
    e->in = k;
    e->data = k->data + k->used;
    k->used += want;
    k->live++;
    return true;
}

/* Gives the entry's place back; the chunk goes when it was the last in it. Returns the bytes that went. */
static size_t leave(tn_pack_cache *c, entry *e) {
    chunk *k = e->in;
    size_t bytes = k->bytes, end = (size_t)((char *)e->data - k->data) + tn_align_up(e->bytes ? e->bytes : 1, 64);
    if (end == k->used) k->used = (size_t)((char *)e->data - k->data);
    if (--k->live) return 0;
    chunk **at = &c->chunks;
    while (*at != k) at = &(*at)->next;
    *at = k->next;
    tn_mem_free(k->data);
    tn_mem_free(k);
    return bytes;
}

/* -------------------------------------------------------------------------------------------------- mapped pages */

/* The whole pages within [data, data + bytes), when that lies in a mapped file. */
static bool mapped_pages(const tn_pack_cache *c, const void *data, size_t bytes, char **from, size_t *length) {
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE), a = (uintptr_t)data, b = a + bytes;
    for (int i = 0; i < c->n_files; i++) {
        uintptr_t base = (uintptr_t)c->files[i]->data;
        if (!c->files[i]->mapped || a < base || b > base + c->files[i]->size) continue;
        a = (a + page - 1) / page * page;
        b = b / page * page;
        *from = (char *)a;
        *length = b > a ? b - a : 0;
        return *length > 0;
    }
    return false;
}

/* Brings a constant's pages in with one call instead of a fault for every few of them. */
static void fetch(const tn_pack_cache *c, const tn_tensor *t) {
#ifdef MADV_POPULATE_READ
    char *from;
    size_t length;
    if (tn_tensor_bytes(t) < WORTH_DROPPING || !mapped_pages(c, t->data, tn_tensor_bytes(t), &from, &length)) return;
    for (size_t at = 0; at < length && !tn_budget_stopped(); at += PIECE) /* older kernels refuse: then it is faults */
        if (madvise(from + at, length - at < PIECE ? length - at : PIECE, MADV_POPULATE_READ)) return;
#else
    (void)c;
    (void)t;
#endif
}

/* Gives the pages of a mapped constant back: they come from the file again should anybody look. */
static void drop(const tn_pack_cache *c, const void *data, size_t bytes) {
    char *from;
    size_t length;
    if (mapped_pages(c, data, bytes, &from, &length)) (void)madvise(from, length, MADV_DONTNEED);
}

/* ------------------------------------------------------------------------------------------------------ the cache */

/* What is asked for. */
typedef struct {
    const tn_tensor *of[MAX_OF];
    int n;
    const char *key;
    size_t bytes;
    tn_pack_fill fill;
    const void *user;
} request;

#define MAX_NAME (MAX_OF * (sizeof(uint64_t) + 2 * sizeof(int) + TN_MAX_RANK * sizeof(int64_t)) + MAX_KEY)

static size_t append(char *to, size_t at, const void *p, size_t n) {
    memcpy(to + at, p, n);
    return at + n;
}

/* The bytes that name a form. */
static size_t name_of(const request *r, char *name) {
    size_t n = 0;
    for (int i = 0; i < r->n; i++) {
        const tn_tensor *t = r->of[i];
        int type = t->dtype;
        n = append(name, n, &t->id, sizeof t->id);
        n = append(name, n, &type, sizeof type);
        n = append(name, n, &t->rank, sizeof t->rank);
        n = append(name, n, t->dims, (size_t)t->rank * sizeof t->dims[0]);
    }
    return append(name, n, r->key, strlen(r->key));
}

static tn_status stopped(void) { return tn_fail(TN_E_CANCELLED, "packing weights was stopped"); }

static tn_status no_memory(size_t bytes) {
    return tn_fail(TN_E_NOMEM, "no memory for %zu bytes of packed weights", bytes);
}

/* Of a call that was stopped it is half made, and must not stay. */
static tn_status fill_whole(const request *r, void *data) {
    TN_TRY(r->fill(data, r->user));
    return tn_budget_stopped() ? stopped() : TN_OK;
}

/* Nothing can find the new entry before it is whole. */
static tn_status add(tn_pack_cache *c, const request *r, const char *name, size_t n, entry **out) {
    entry *e = tn_mem_alloc(sizeof *e + n, TN_MEM_GENERAL);
    tn_status st;
    if (!e) return no_memory(r->bytes);
    *e = (entry){ .bytes = r->bytes, .key_len = n };
    memcpy(e->key, name, n);
    if (!place(c, e)) {
        tn_mem_free(e);
        return no_memory(r->bytes);
    }
    for (int i = 0; i < r->n; i++) fetch(c, r->of[i]);
    if ((st = fill_whole(r, e->data)) == TN_OK) st = tn_map_put(c->map, e->key, n, e);
    if (st != TN_OK) {
        leave(c, e);
        tn_mem_free(e);
        return st;
    }
    link_first(&c->idle, e);
    *out = e;
    return TN_OK;
}

static size_t forget(tn_pack_cache *c, entry *e) {
    tn_map_remove(c->map, e->key, e->key_len);
    unlink_entry(&c->idle, e);
    size_t bytes = leave(c, e);
    tn_mem_free(e);
    return bytes;
}

static void hold(tn_pack_cache *c, entry *e) {
    if (e->users++) return;
    unlink_entry(&c->idle, e);
    link_first(&c->held, e);
}

static void let_go(tn_pack_cache *c, entry *e) {
    if (--e->users) return;
    unlink_entry(&c->held, e);
    link_first(&c->idle, e);
}

static tn_status shared(tn_pack_cache *c, const request *r, tn_arena *a, tn_pack_use **held, const void **out) {
    char name[MAX_NAME];
    size_t n = name_of(r, name);
    tn_pack_use *use = tn_arena_new_of(a, tn_pack_use);
    if (!use) return no_memory(r->bytes);
    if (!tn_budget_lock(&c->lock)) return stopped();
    entry *e = tn_map_get(c->map, name, n);
    tn_status st = e ? TN_OK : add(c, r, name, n, &e);
    if (st == TN_OK) hold(c, e);
    pthread_mutex_unlock(&c->lock);
    if (st != TN_OK) return st;
    *use = (tn_pack_use){ .next = *held, .e = e };
    *held = use;
    *out = e->data;
    return TN_OK;
}

static tn_status alone(const request *r, tn_arena *a, const void **out) {
    void *data = tn_arena_room(a, r->bytes ? r->bytes : 1, 64);
    if (!data) return no_memory(r->bytes);
    TN_TRY(fill_whole(r, data));
    *out = data;
    return TN_OK;
}

static tn_status get(tn_pack_cache *c, const request *r, tn_arena *a, tn_pack_use **held, const void **out) {
    bool lasting = c && held;
    for (int i = 0; i < r->n; i++) lasting = lasting && r->of[i]->id;
    return lasting ? shared(c, r, a, held, out) : alone(r, a, out);
}

tn_status tn_prep_pack(tn_prep *p, unsigned inputs, const char *key, size_t bytes, tn_pack_fill fill, const void *user,
                       const void **out) {
    request r = { .key = key, .bytes = bytes, .fill = fill, .user = user };
    *out = NULL;
    for (int i = 0; inputs >> i; i++) {
        if (!(inputs >> i & 1)) continue;
        const tn_tensor *t = i < p->types.n_in ? p->types.in_tensor[i] : NULL;
        if (!t || r.n == MAX_OF)
            return tn_op_fail(p->types.node, TN_E_INVALID, "input %d cannot be packed: %s", i,
                              t ? "too many others are" : "it is not a constant");
        r.of[r.n++] = t;
    }
    if (!r.n || strlen(key) > MAX_KEY)
        return tn_op_fail(p->types.node, TN_E_INVALID, "'%s' cannot be the key of packed weights", key);
    tn_status st = get(p->packs, &r, p->arena, p->held, out);
    return st == TN_OK ? st : tn_fail_at(st, "%s", tn_node_where(p->types.node));
}

static tn_status copy_tensor(void *dst, const void *user) {
    const tn_tensor *t = user;
    tn_budget_copy(dst, t->data, tn_tensor_bytes(t));
    return TN_OK;
}

tn_status tn_pack_copy(tn_pack_cache *c, const tn_tensor *t, tn_arena *a, tn_pack_use **held, const void **out) {
    request r = { .of = { t }, .n = 1, .key = "aligned", .bytes = tn_tensor_bytes(t), .fill = copy_tensor, .user = t };
    return get(c, &r, a, held, out);
}

void tn_pack_release(tn_pack_cache *c, tn_pack_use **held) {
    if (!*held) return;
    pthread_mutex_lock(&c->lock);
    for (tn_pack_use *u = *held; u; u = u->next) let_go(c, u->e);
    while (c->idle.last && c->idle.bytes > c->held.bytes) forget(c, c->idle.last);
    pthread_mutex_unlock(&c->lock);
    *held = NULL;
}

size_t tn_pack_cache_trim(tn_pack_cache *c) {
    size_t bytes = 0;
    pthread_mutex_lock(&c->lock);
    while (c->idle.last) bytes += forget(c, c->idle.last);
    pthread_mutex_unlock(&c->lock);
    return bytes;
}

void tn_pack_note(tn_pack_cache *c, const tn_tensor *t, bool consumed) {
    size_t bytes = tn_tensor_bytes(t);
    if (bytes < WORTH_DROPPING || !t->id || !tn_budget_lock(&c->lock)) return;
    bool read = tn_map_get(c->read, (const char *)&t->id, sizeof t->id);
    original *o = !consumed && !read ? tn_mem_zalloc(sizeof *o, TN_MEM_GENERAL) : NULL;
    if (o) {
        o->id = t->id;
        o->next = c->originals;
        c->originals = o;
        if (tn_map_put(c->read, (const char *)&o->id, sizeof o->id, o) != TN_OK) tn_error_clear();
    }
    if (consumed && !read) drop(c, t->data, bytes);
    pthread_mutex_unlock(&c->lock);
}
