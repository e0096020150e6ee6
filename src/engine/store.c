/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* store.c - the store of a model: see store.h. */
#include "engine/store.h"
#include "base/budget.h"
#include "base/file.h"
#include "base/guard.h"
#include "engine/edition.h"
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define WORTH_DROPPING 65536 /* a few pages are not worth the call */

/* Packed weights lie side by side in growing chunks: big ones are on huge pages, so a model's weights cost few faults.
 */
#define FIRST_CHUNK ((size_t)256 << 10)
#define LAST_CHUNK  ((size_t)16 << 20)
#define OWN_CHUNK   ((size_t)4 << 20) /* from here on a constant gets memory of its own */
#define PIECE       ((size_t)4 << 20) /* of what is read or copied, between looks at the budget: a millisecond */

struct tn_chunk {
    tn_chunk *next;
    char *data;
    size_t bytes, used;
    int live; /* forms in it; with the last one it goes */
};

/* A constant whose own bytes some plan reads, or (without next) one that a form was filled from. */
typedef struct original {
    struct original *next;
    uint64_t id;
} original;

struct tn_store {
    tn_kept kept; /* first: what the model sees */
    pthread_mutex_t lock, making;
    tn_guard guards[2];
    tn_account *account;
    tn_map *map, *read;
    tn_map *fetched; /* constants whose pages may be there because a form was filled from them */
    original *originals;
    tn_chunk *chunks; /* the one that is filled comes first */
    struct tn_file *const *files;
    int n_files;
    tn_edition *editions;
};

static const tn_budget_words words = { .what = "the model's store" };

/* -------------------------------------------------------------------------------------------------- coming, going */

static void free_form(void *user, const char *key, size_t len, void *value) {
    (void)user, (void)key, (void)len;
    tn_mem_free(value);
}

static void close_store(tn_kept *k) {
    tn_store *s = (tn_store *)k;
    if (s->map) tn_map_each(s->map, free_form, NULL);
    for (tn_chunk *c = s->chunks, *next; c; c = next) {
        next = c->next;
        tn_mem_free(c->data);
        tn_mem_free(c);
    }
    for (original *o = s->originals, *next; o; o = next) {
        next = o->next;
        tn_mem_free(o);
    }
    if (s->fetched) tn_map_each(s->fetched, free_form, NULL);
    tn_map_free(&s->fetched);
    tn_map_free(&s->map);
    tn_map_free(&s->read);
    tn_guard_remove(&s->guards[0]);
    tn_guard_remove(&s->guards[1]);
    pthread_mutex_destroy(&s->lock);
    pthread_mutex_destroy(&s->making);
    tn_account_close(&s->account);
    tn_mem_free(s);
}

static tn_form *new_form(const tn_form_request *r, const char *name, size_t n) {
    tn_form *f = tn_mem_zalloc(sizeof *f + n + 1, TN_MEM_GENERAL);
    if (!f) return NULL;
    f->bytes = r->bytes;
    f->n = r->n;
    for (int i = 0; i < r->n; i++) f->of[i] = r->of[i]->id;
    memcpy(f->name, name, n);
    f->name_len = n;
    f->key = f->name + n - strlen(r->key);
    return f;
}

/* Forms of a compiled file never go: nobody's letting go frees what is the file's. */
static tn_status know_compiled(tn_store *s, const tn_compiled *c) {
    for (size_t i = 0; c && i < c->n_forms; i++) {
        const tn_packed_form *p = &c->forms[i];
        tn_form_request r = { .n = p->n, .key = p->key, .bytes = p->bytes };
        char name[TN_FORM_NAME];
        memcpy(r.of, p->of, sizeof r.of);
        size_t n = tn_form_name(&r, name);
        if (tn_map_get(s->map, name, n)) continue;
        tn_form *f = new_form(&r, name, n);
        if (!f || tn_map_put(s->map, f->name, n, f) != TN_OK) {
            tn_mem_free(f);
            return TN_E_NOMEM;
        }
        f->data = p->data;
        f->in_file = true;
    }
    return TN_OK;
}

static tn_store *new_store(const tn_model *m) {
    tn_store *s = tn_mem_zalloc(sizeof *s, TN_MEM_GENERAL);
    if (!s) return NULL;
    pthread_mutex_init(&s->lock, NULL);
    pthread_mutex_init(&s->making, NULL);
    tn_guard_add(&s->guards[0], &s->lock, TN_GUARD_STORE);
    tn_guard_add(&s->guards[1], &s->making, TN_GUARD_EDITIONS);
    s->kept.close = close_store;
    s->account = tn_account_new(0);
    s->map = tn_map_new(64);
    s->read = tn_map_new(64);
    s->fetched = tn_map_new(64);
    s->files = m->files;
    s->n_files = m->n_files;
    if (s->account && s->map && s->read && s->fetched && know_compiled(s, m->compiled) == TN_OK) return s;
    close_store(&s->kept);
    return NULL;
}

/* It outlives what the thread is doing now: no budget of the moment is charged. */
tn_store *tn_store_of(const tn_model *m) {
    tn_kept **at = (tn_kept **)(uintptr_t)&m->kept, *seen = __atomic_load_n(at, __ATOMIC_ACQUIRE);
    if (seen) return (tn_store *)seen;
    tn_budget *before = tn_budget_enter(NULL);
    tn_store *s = new_store(m);
    tn_budget_leave(before);
    if (!s) {
        tn_fail(TN_E_NOMEM, "no memory for a store of packed weights");
        return NULL;
    }
    if (__atomic_compare_exchange_n(at, &seen, &s->kept, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)) return s;
    close_store(&s->kept); /* another thread was faster */
    return (tn_store *)seen;
}

tn_account *tn_store_account(const tn_store *s) { return s->account; }

tn_edition **tn_store_editions(tn_store *s, pthread_mutex_t **lock) {
    *lock = &s->making;
    return &s->editions;
}

/* -------------------------------------------------------------------------------------------------------- memory */

/* On the store's account, within what stops the thread. */
static void *alloc(tn_store *s, size_t bytes, tn_mem_tag tag) {
    tn_budget b, *before;
    tn_budget_inner(&b, &words, s->account);
    before = tn_budget_enter(&b);
    void *p = tn_mem_alloc(bytes, tag);
    tn_budget_leave(before);
    return p;
}

static tn_chunk *new_chunk(tn_store *s, size_t want) {
    tn_chunk *first = s->chunks, *fresh = tn_mem_zalloc(sizeof *fresh, TN_MEM_GENERAL);
    size_t size = first ? first->bytes * 2 : FIRST_CHUNK;
    if (size > LAST_CHUNK) size = LAST_CHUNK;
    if (size < want || want >= OWN_CHUNK) size = want;
    if (!fresh || !(fresh->data = alloc(s, size, TN_MEM_WEIGHTS))) {
        tn_mem_free(fresh);
        return NULL;
    }
    fresh->bytes = size;
    bool behind = first && first->bytes - first->used > size - want; /* one of its own: keep filling the other */
    fresh->next = behind ? first->next : first;
    if (behind)
        first->next = fresh;
    else
        s->chunks = fresh;
    return fresh;
}

static size_t room(const tn_form *f) { return tn_align_up(f->bytes ? f->bytes : 1, 64); }

static bool place(tn_store *s, tn_form *f) {
    size_t want = room(f);
    tn_chunk *c = s->chunks;
    if ((!c || c->bytes - c->used < want) && !(c = new_chunk(s, want))) return false;
    f->in = c;
    f->data = c->data + c->used;
    c->used += want;
    c->live++;
    return true;
}

/* Gives the form's place back; the chunk goes when it was the last in it. Returns the bytes that went. */
static size_t leave(tn_store *s, const tn_form *f) {
    tn_chunk *c = f->in;
    size_t bytes = c->bytes, at = (size_t)((const char *)f->data - c->data);
    if (at + room(f) == c->used) c->used = at;
    if (--c->live) return 0;
    tn_chunk **from = &s->chunks;
    while (*from != c) from = &(*from)->next;
    *from = c->next;
    tn_mem_free(c->data);
    tn_mem_free(c);
    return bytes;
}

/* -------------------------------------------------------------------------------------------------- mapped pages */

/* The whole pages within [data, data + bytes), when that lies in a mapped file. */
static bool mapped_pages(const tn_store *s, const void *data, size_t bytes, char **from, size_t *length) {
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE), a = (uintptr_t)data, b = a + bytes;
    for (int i = 0; i < s->n_files; i++) {
        uintptr_t base = (uintptr_t)s->files[i]->data;
        if (!s->files[i]->mapped || a < base || b > base + s->files[i]->size) continue;
        a = (a + page - 1) / page * page;
        b = b / page * page;
        *from = (char *)a;
        *length = b > a ? b - a : 0;
        return *length > 0;
    }
    return false;
}

/* Brings a constant's pages in with one call instead of a fault for every few of them. */
static void fetch(const tn_store *s, const tn_tensor *t) {
#ifdef MADV_POPULATE_READ
    char *from;
    size_t length;
    if (tn_tensor_bytes(t) < WORTH_DROPPING || !mapped_pages(s, t->data, tn_tensor_bytes(t), &from, &length)) return;
    for (size_t at = 0; at < length && !tn_budget_stopped(); at += PIECE) /* older kernels refuse: then it is faults */
        if (madvise(from + at, length - at < PIECE ? length - at : PIECE, MADV_POPULATE_READ)) return;
#else
    (void)s;
    (void)t;
#endif
}

/* Gives the pages of a mapped constant back: they come from the file again should anybody look. */
static void drop(const tn_store *s, const void *data, size_t bytes) {
    char *from;
    size_t length;
    if (mapped_pages(s, data, bytes, &from, &length)) (void)madvise(from, length, MADV_DONTNEED);
}

static void note_fetched(tn_store *s, const tn_tensor *t) {
    if (tn_tensor_bytes(t) < WORTH_DROPPING || !t->id || tn_map_get(s->fetched, (const char *)&t->id, sizeof t->id))
        return;
    tn_budget b, *before;
    tn_budget_inner(&b, &words, s->account);
    before = tn_budget_enter(&b);
    original *o = tn_mem_zalloc(sizeof *o, TN_MEM_GENERAL);
    if (o) o->id = t->id;
    if (o && tn_map_put(s->fetched, (const char *)&o->id, sizeof o->id, o) != TN_OK) {
        tn_error_clear();
        tn_mem_free(o);
    }
    tn_budget_leave(before);
}

/* Once for every time that it was read: a plan that finds all forms made asks the system for nothing. */
static void drop_fetched(tn_store *s, const tn_tensor *t) {
    original *o = tn_map_get(s->fetched, (const char *)&t->id, sizeof t->id);
    if (!o) return;
    drop(s, t->data, tn_tensor_bytes(t));
    tn_map_remove(s->fetched, (const char *)&o->id, sizeof o->id);
    tn_mem_free(o);
}

void tn_store_note(tn_store *s, const tn_tensor *t, bool consumed) {
    size_t bytes = tn_tensor_bytes(t);
    if (bytes < WORTH_DROPPING || !t->id || !tn_budget_lock(&s->lock)) return;
    bool read = tn_map_get(s->read, (const char *)&t->id, sizeof t->id);
    original *o = !consumed && !read ? alloc(s, sizeof *o, TN_MEM_GENERAL) : NULL;
    if (o) {
        *o = (original){ .id = t->id, .next = s->originals };
        s->originals = o;
        if (tn_map_put(s->read, (const char *)&o->id, sizeof o->id, o) != TN_OK) tn_error_clear();
    }
    if (consumed && !read) drop_fetched(s, t);
    pthread_mutex_unlock(&s->lock);
}

/* --------------------------------------------------------------------------------------------------------- forms */

static size_t append(char *to, size_t at, const void *p, size_t n) {
    memcpy(to + at, p, n);
    return at + n;
}

size_t tn_form_name(const tn_form_request *r, char *name) {
    size_t n = 0;
    for (int i = 0; i < r->n; i++) {
        const tn_tensor *t = r->of[i];
        int type = t->dtype;
        n = append(name, n, &t->id, sizeof t->id);
        n = append(name, n, &type, sizeof type);
        n = append(name, n, &t->rank, sizeof t->rank);
        n = append(name, n, t->dims, (size_t)t->rank * sizeof t->dims[0]);
    }
    n = append(name, n, &r->bytes, sizeof r->bytes);
    return append(name, n, r->key, strlen(r->key));
}

/* Of a call that was stopped it is half made, and must not stay. */
static tn_status fill_whole(tn_store *s, const tn_form_request *r, void *data) {
    for (int i = 0; i < r->n; i++) fetch(s, r->of[i]), note_fetched(s, r->of[i]);
    TN_TRY(r->fill(data, r->user));
    return tn_budget_stopped() ? tn_fail(TN_E_CANCELLED, "packing weights was stopped") : TN_OK;
}

/* Nothing can find the new form before it is whole. */
static tn_status add(tn_store *s, const tn_form_request *r, const char *name, size_t n, tn_form **out) {
    tn_budget b, *before; /* what the map and the form itself take is the store's, too */
    tn_budget_inner(&b, &words, s->account);
    before = tn_budget_enter(&b);
    tn_form *f = new_form(r, name, n);
    bool placed = f && place(s, f);
    tn_budget_leave(before);
    tn_status st = placed ? fill_whole(s, r, (void *)(uintptr_t)f->data)
                          : tn_fail(TN_E_NOMEM, "no memory for %zu bytes of packed weights", r->bytes);
    before = tn_budget_enter(&b);
    if (st == TN_OK) st = tn_map_put(s->map, f->name, n, f);
    tn_budget_leave(before);
    if (st != TN_OK) {
        if (placed) leave(s, f);
        tn_mem_free(f);
        return st;
    }
    *out = f;
    return TN_OK;
}

tn_status tn_store_get(tn_store *s, const tn_form_request *r, const char *name, size_t n, tn_form **out) {
    if (!tn_budget_lock(&s->lock)) return tn_fail(TN_E_CANCELLED, "packing weights was stopped");
    tn_form *f = tn_map_get(s->map, name, n);
    tn_status st = f ? TN_OK : add(s, r, name, n, &f);
    if (st == TN_OK) f->holders++;
    pthread_mutex_unlock(&s->lock);
    *out = st == TN_OK ? f : NULL;
    return st;
}

size_t tn_store_release(tn_store *s, tn_form *f) {
    size_t bytes = 0;
    pthread_mutex_lock(&s->lock);
    if (--f->holders == 0 && !f->in_file) {
        tn_map_remove(s->map, f->name, f->name_len);
        bytes = leave(s, f);
        tn_mem_free(f);
    }
    pthread_mutex_unlock(&s->lock);
    return bytes;
}
