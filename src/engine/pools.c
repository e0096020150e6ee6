/* pools.c - the process's shared thread pools, counted. */
#include "engine/pools.h"
#include "base/mem.h"
#include <pthread.h>

typedef struct shared {
    struct shared *next;
    tn_pool *pool;
    int threads, users;
    bool pin;
} shared;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static shared *all;

static tn_status add(int threads, bool pin, shared **out) {
    shared *s = tn_mem_zalloc(sizeof *s, TN_MEM_GENERAL);
    if (!s) return tn_fail(TN_E_NOMEM, "no memory for a thread pool");
    tn_status st = tn_pool_new(threads, pin, &s->pool);
    if (st != TN_OK) {
        tn_mem_free(s);
        return st;
    }
    s->threads = threads;
    s->pin = pin;
    s->next = all;
    all = *out = s;
    return TN_OK;
}

tn_status tn_pools_get(int threads, bool pin, tn_pool **out) {
    tn_status st = TN_OK;
    *out = NULL;
    pthread_mutex_lock(&lock);
    shared *s = all;
    while (s && (s->threads != threads || s->pin != pin)) s = s->next;
    if (!s) st = add(threads, pin, &s);
    if (st == TN_OK) {
        s->users++;
        *out = s->pool;
    }
    pthread_mutex_unlock(&lock);
    return st;
}

void tn_pools_put(tn_pool **p) {
    shared *dead = NULL;
    pthread_mutex_lock(&lock);
    for (shared **at = &all; *p && *at; at = &(*at)->next) {
        if ((*at)->pool != *p) continue;
        if (--(*at)->users == 0) {
            dead = *at;
            *at = dead->next;
        }
        break;
    }
    pthread_mutex_unlock(&lock);
    *p = NULL;
    if (!dead) return;
    tn_pool_free(&dead->pool);
    tn_mem_free(dead);
}
