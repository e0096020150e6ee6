/* pack.c - the cache of packed constants: keyed by the constant's memory and the operator's key. */
#include "engine/pack.h"
#include "base/file.h"
#include <pthread.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define MAX_KEY 160 /* bytes of an operator's key */

typedef struct entry {
    struct entry *next;
    void *data;
    size_t key_len;
    char key[]; /* address of the constant's data and its shape, then the operator's key */
} entry;

/* A constant some plan has used: whether anybody reads its own bytes. */
typedef struct original {
    struct original *next;
    const void *data;
    size_t bytes;
    bool read, dropped;
} original;

struct tn_pack_cache {
    pthread_mutex_t lock;
    tn_map *map, *origins;
    entry *entries;
    original *originals;
    size_t bytes;
};

tn_pack_cache *tn_pack_cache_new(void) {
    tn_pack_cache *c = tn_mem_zalloc(sizeof *c, TN_MEM_GENERAL);
    if (!c) return NULL;
    pthread_mutex_init(&c->lock, NULL);
    c->map = tn_map_new(64);
    c->origins = tn_map_new(64);
    if (!c->map || !c->origins) tn_pack_cache_free(&c);
    return c;
}

void tn_pack_cache_free(tn_pack_cache **cache) {
    tn_pack_cache *c = *cache;
    if (!c) return;
    for (entry *e = c->entries, *next; e; e = next) {
        next = e->next;
        tn_mem_free(e->data);
        tn_mem_free(e);
    }
    for (original *o = c->originals, *next; o; o = next) {
        next = o->next;
        tn_mem_free(o);
    }
    tn_map_free(&c->map);
    tn_map_free(&c->origins);
    pthread_mutex_destroy(&c->lock);
    tn_mem_free(c);
    *cache = NULL;
}

size_t tn_pack_cache_bytes(const tn_pack_cache *c) { return c->bytes; }

static tn_status add(tn_pack_cache *c, const char *id, size_t id_len, size_t bytes, tn_pack_fill fill, const void *user,
                     const void **out) {
    entry *e = tn_mem_alloc(sizeof *e + id_len, TN_MEM_GENERAL);
    void *data = e ? tn_mem_alloc(bytes, TN_MEM_WEIGHTS) : NULL;
    if (!data) goto fail;
    memcpy(e->key, id, id_len);
    e->key_len = id_len;
    e->data = data;
    if (tn_map_put(c->map, e->key, id_len, e) != TN_OK) goto fail;
    fill(data, user);
    e->next = c->entries;
    c->entries = e;
    c->bytes += bytes;
    *out = data;
    return TN_OK;
fail:
    tn_mem_free(data);
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
        st = add(c, id, n, bytes, fill, user, out);
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

void tn_pack_note(tn_pack_cache *c, const tn_tensor *t, bool consumed) {
    size_t bytes = tn_tensor_bytes(t);
    if (bytes < 65536) return; /* a few pages are not worth the call */
    pthread_mutex_lock(&c->lock);
    original *o = tn_map_get(c->origins, (const char *)&t->data, sizeof t->data);
    if (!o && (o = tn_mem_zalloc(sizeof *o, TN_MEM_GENERAL))) {
        o->data = t->data;
        o->bytes = bytes;
        if (tn_map_put(c->origins, (const char *)&o->data, sizeof o->data, o) == TN_OK) {
            o->next = c->originals;
            c->originals = o;
        } else {
            tn_mem_free(o);
            o = NULL;
        }
    }
    if (o && !consumed) o->read = true;
    if (o && consumed) o->dropped = false; /* it may just have been read for another packing */
    pthread_mutex_unlock(&c->lock);
}

static void drop(original *o, struct tn_file *const *files, int n_files) {
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE), from = (uintptr_t)o->data, to = from + o->bytes;
    for (int i = 0; i < n_files; i++) {
        uintptr_t base = (uintptr_t)files[i]->data;
        if (from < base || to > base + files[i]->size) continue;
        from = (from + page - 1) / page * page;
        to = to / page * page;
        if (to > from) madvise((void *)from, to - from, MADV_DONTNEED);
        o->dropped = true;
        return;
    }
}

void tn_pack_drop_pages(tn_pack_cache *c, struct tn_file *const *files, int n_files) {
    pthread_mutex_lock(&c->lock);
    for (original *o = c->originals; o; o = o->next)
        if (!o->read && !o->dropped) drop(o, files, n_files);
    pthread_mutex_unlock(&c->lock);
}
