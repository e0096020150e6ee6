/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* block.c - blocks of activation memory: of the heap, or of what copies to and from a session's device are fast from.
 */
#include "engine/session.h"

static void *block_alloc(tn_session *s, tn_block *b, size_t bytes) {
    tn_device *d = s->device ? s->device->device : NULL;
    void *data = d ? d->ops->host_alloc(d->self, bytes) : NULL;
    b->pinned = data != NULL;
    return data ? data : tn_mem_alloc(bytes, TN_MEM_ACTIVATIONS);
}

static void empty(tn_session *s, tn_block *b) {
    if (b->pinned)
        s->device->device->ops->host_free(s->device->device->self, b->data);
    else
        tn_mem_free(b->data);
    b->data = NULL;
    b->bytes = 0;
    b->pinned = false;
}

size_t tn_blocks_free(tn_session *s, tn_block *b) {
    size_t bytes = 0;
    for (tn_block *next; b; b = next) {
        next = b->next;
        bytes += b->bytes;
        empty(s, b);
        tn_mem_free(b);
    }
    return bytes;
}

size_t tn_block_roomy(size_t bytes) {
    size_t step = (size_t)4096;
    while (step < bytes / 8) step *= 2;
    return tn_align_up(bytes, step);
}

tn_status tn_block_fit(tn_session *s, tn_block **block, size_t bytes) {
    tn_block *b = *block;
    if (!b && !(b = tn_mem_zalloc(sizeof *b, TN_MEM_GENERAL))) goto fail;
    *block = b;
    if (b->bytes >= bytes) return TN_OK;
    size_t wanted = b->bytes ? tn_block_roomy(bytes) : bytes;
    empty(s, b); /* first, so that the peak is the larger one and not both */
    b->data = block_alloc(s, b, wanted);
    if (!b->data && !(b->data = block_alloc(s, b, wanted = bytes))) goto fail;
    b->bytes = wanted;
    return TN_OK;
fail:
    return tn_fail(TN_E_NOMEM, "no memory for %zu bytes of activations", bytes);
}
