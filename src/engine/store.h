/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* store.h - what belongs to a model and is shared by all its sessions: packed weights, and the pages of its files.
 *
 *   model ── store ── forms (packed weights, counted references)   sessions hold them through engine/pack.h
 *                └─── editions (optimized graphs, engine/edition.h)
 *
 * A form is found by what it was made of - ids, types and shapes of a model's constants (tn_tensor.id) -, by its size
 * and by the operator's key, never by an address: constants come and go with plans, and another one may lie at the same
 * place tomorrow. A process uses one set of instructions, so forms for others never meet; a file of forms says which
 * they are for. Forms of a compiled file are there from the beginning and lie in its pages.
 *
 * Forms are made once: who wants one that another thread is packing waits. A form goes when its last holder lets go.
 * Its memory is on the store's account; sessions are charged for what they hold (pack.h). */
#ifndef TN_ENGINE_STORE_H
#define TN_ENGINE_STORE_H

#include "graph/compiled.h"
#include "op/core/op.h"
#include <pthread.h>

typedef struct tn_store tn_store;
typedef struct tn_chunk tn_chunk;

/** A packed form; what stands here does not change while somebody holds it. */
typedef struct tn_form {
    const void *data;
    size_t bytes;
    bool in_file;            /* they are pages of a compiled file, and no memory of ours */
    uint64_t of[TN_FORM_OF]; /* ids of the constants */
    int n;
    tn_chunk *in; /* the store's */
    int holders;  /* guarded by the store */
    size_t name_len;
    const char *key; /* the operator's: the end of the name */
    char name[];     /* what it was made of, then the operator's key, and a zero */
} tn_form;

/** What is asked for. */
typedef struct {
    const tn_tensor *of[TN_FORM_OF]; /* all with ids */
    int n;
    const char *key;
    size_t bytes;
    tn_pack_fill fill;
    const void *user;
} tn_form_request;

/** The model's store, made when it is first asked for; it goes with the model. Any thread. errors TN_E_NOMEM (NULL) */
tn_store *tn_store_of(const tn_model *m);

#define TN_FORM_NAME \
    (TN_FORM_OF * (sizeof(uint64_t) + 2 * sizeof(int) + TN_MAX_RANK * sizeof(int64_t)) + sizeof(size_t) + TN_FORM_KEY)
/** The bytes that name a form, in name[TN_FORM_NAME]: how many. */
size_t tn_form_name(const tn_form_request *r, char *name);

/** The form of that name, packed now if it is not there, with one more holder. errors TN_E_NOMEM, TN_E_CANCELLED (the
 *  thread's budget was stopped), the fill's */
tn_status tn_store_get(tn_store *s, const tn_form_request *r, const char *name, size_t n, tn_form **out);
/** One holder less; the bytes that went with it. */
size_t tn_store_release(tn_store *s, tn_form *f);

/** See tn_pack_note. */
void tn_store_note(tn_store *s, const tn_tensor *t, bool consumed);

/** What is kept with the store is on this account, which has no bound of its own. */
tn_account *tn_store_account(const tn_store *s);

/** The editions' list, for engine/edition.c alone: guarded by the lock, which is held while one is made. */
struct tn_edition;
struct tn_edition **tn_store_editions(tn_store *s, pthread_mutex_t **lock);

#endif
