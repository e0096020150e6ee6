/* pack.c - the cache of packed constants: keyed by the constant's memory and the operator's key. */
#include "engine/pack.h"
#include "base/file.h"
#include "base/guard.h"
#include <pthread.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define MAX_KEY        160   /* bytes of an operator's key */
#define WORTH_DROPPING 65536 /* a few pages are not worth the call */

/* Packed weights lie side by side in growing chunks: big ones are on huge pages, so a model's weights cost few faults.
 */
#define FIRST_CHUNK ((size_t)256 << 10)
#define LAST_CHUNK  ((size_t)16 << 20)
#define OWN_CHUNK   ((size_t)4 << 20) /* from here on a constant gets memory of its own */

typedef struct chunk {
    struct chunk *next;
    char *data;
    size_t bytes, used;
} chunk;

typedef struct entry {
    struct entry *next;
    void *data; /* in a chunk */
    size_t key_len;
    char key[]; /* address of the constant's data and its shape, then the operator's key */
} entry;

/* A constant whose own bytes some plan reads. */
typedef struct original {
    struct original *next;
    const void *data;
} original;

struct tn_pack_cache {
    pthread_mutex_t lock;
    tn_guard guard;
    tn_map *map, *read;
    entry *entries;
    original *originals;
    chunk *chunks; /* the one that is filled comes first */
    size_t bytes;
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

void tn_pack_cache_free(tn_pack_cache **cache) {
    tn_pack_cache *c = *cache;
    if (!c) return;
    for (entry *e = c->entries, *next; e; e = next) {
        next = e->next;
        tn_mem_free(e);
    }
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

size_t tn_pack_cache_bytes(const tn_pack_cache *c) { return c->bytes; }

static void *place(tn_pack_cache *c, size_t bytes) {
    size_t want = tn_align_up(bytes ? bytes : 1, 64);
    chunk *k = c->chunks;
    if (!k || k->bytes - k->used < want) {
        size_t size = k ? k->bytes * 2 : FIRST_CHUNK;
        if (size > LAST_CHUNK) size = LAST_CHUNK;
        if (size < want || want >= OWN_CHUNK) size = want;
        chunk *fresh = tn_mem_zalloc(sizeof *fresh, TN_MEM_GENERAL);
        if (!fresh || !(fresh->data = tn_mem_alloc(size, TN_MEM_WEIGHTS))) {
            tn_mem_free(fresh);
            return NULL;
        }
        fresh->bytes = size;
        bool behind = k && k->bytes - k->used > size - want; /* a big one of its own: keep filling the other */
        fresh->next = behind ? k->next : k;
        if (behind)
            k->next = fresh;
        else
            c->chunks = fresh;
        k = fresh;
    }
    void *p = k->data + k->used;
    k->used += want;
    return p;
}

/* The whole pages within [data, data + bytes), when that lies in a mapped file. */
static bool mapped_pages(const tn_pack_cache *c, const void *data, size_t bytes, char **from, size_t *length) {
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE), a = (uintptr_t)data, b = a + bytes;
    for (int i = 0; i < c->n_files; i++) {
        uintptr_t base = (uintptr_t)c->files[i]->data;
        if (a < base || b > base + c->files[i]->size) continue;
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
    if (tn_tensor_bytes(t) >= WORTH_DROPPING && mapped_pages(c, t->data, tn_tensor_bytes(t), &from, &length))
        (void)madvise(from, length, MADV_POPULATE_READ); /* older kernels refuse: then it is faults after all */
#else
    (void)c;
    (void)t;
#endif
}

static tn_status add(tn_pack_cache *c, const tn_tensor *t, const char *id, size_t id_len, size_t bytes,
                     tn_pack_fill fill, const void *user, const void **out) {
    entry *e = tn_mem_alloc(sizeof *e + id_len, TN_MEM_GENERAL);
    void *data = e ? place(c, bytes) : NULL;
    if (!data) goto fail;
    memcpy(e->key, id, id_len);
    e->key_len = id_len;
    e->data = data;
    if (tn_map_put(c->map, e->key, id_len, e) != TN_OK) goto fail;
    fetch(c, t);
    fill(data, user);
    e->next = c->entries;
    c->entries = e;
    c->bytes += bytes;
    *out = data;
    return TN_OK;
fail: /* what was placed stays unused until the cache goes */
    tn_mem_free(e);
    return tn_fail(TN_E_NOMEM, "no memory for %zu bytes of packed weights", bytes);
}

static tn_status get(tn_pack_cache *c, const tn_tensor *t, const char *key, size_t bytes, tn_pack_fill fill,
                     const void *user, const void **out) {
    char id[sizeof t->data + sizeof t->dims + MAX_KEY];
    size_t n = 0, k = strlen(key), dims = (size_t)t->rank * sizeof t->dims[0];
    memcpy(id, &t->data, sizeof t->data);
    n += sizeof t->data;
    memcpy(id + n, t->dims, dims);
    n += dims;
    memcpy(id + n, key, k);
    n += k;
    pthread_mutex_lock(&c->lock);
    tn_status st = TN_OK;
    entry *e = tn_map_get(c->map, id, n);
    if (e)
        *out = e->data;
    else
        st = add(c, t, id, n, bytes, fill, user, out);
    pthread_mutex_unlock(&c->lock);
    return st;
}

tn_status tn_prep_pack(tn_prep *p, int input, const char *key, size_t bytes, tn_pack_fill fill, const void *user,
                       const void **out) {
    tn_pack_cache *c = p->packs;
    const tn_tensor *t = input < p->types.n_in ? p->types.in_tensor[input] : NULL;
    *out = NULL;
    if (!t) return tn_op_fail(p->types.node, TN_E_INVALID, "input %d is not a constant and cannot be packed", input);
    if (!c) { /* run alone, without a session */
        void *data = tn_arena_alloc(p->arena, bytes, 64);
        if (!data) return tn_fail(TN_E_NOMEM, "no memory for %zu bytes of packed weights", bytes);
        fill(data, user);
        *out = data;
        return TN_OK;
    }
    if (strlen(key) > MAX_KEY) return tn_op_fail(p->types.node, TN_E_INVALID, "the packing key '%s' is too long", key);
    return get(c, t, key, bytes, fill, user, out);
}

static void copy_tensor(void *dst, const void *user) {
    const tn_tensor *t = user;
    memcpy(dst, t->data, tn_tensor_bytes(t));
}

tn_status tn_pack_copy(tn_pack_cache *c, const tn_tensor *t, const void **out) {
    return get(c, t, "aligned", tn_tensor_bytes(t), copy_tensor, t, out);
}

/* Gives the pages of a mapped constant back: they come from the file again should anybody look. */
static void drop(const tn_pack_cache *c, const void *data, size_t bytes) {
    char *from;
    size_t length;
    if (mapped_pages(c, data, bytes, &from, &length)) (void)madvise(from, length, MADV_DONTNEED);
}

void tn_pack_note(tn_pack_cache *c, const tn_tensor *t, bool consumed) {
    size_t bytes = tn_tensor_bytes(t);
    if (bytes < WORTH_DROPPING) return;
    pthread_mutex_lock(&c->lock);
    const void *key = t->data;
    bool read = tn_map_get(c->read, (const char *)&key, sizeof key);
    original *o = !consumed && !read ? tn_mem_zalloc(sizeof *o, TN_MEM_GENERAL) : NULL;
    if (o) {
        o->data = key;
        o->next = c->originals;
        c->originals = o;
        if (tn_map_put(c->read, (const char *)&o->data, sizeof o->data, o) != TN_OK) tn_error_clear();
    }
    if (consumed && !read) drop(c, key, bytes);
    pthread_mutex_unlock(&c->lock);
}
