/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* empty.h - arrays without elements. */
#ifndef TN_KERNEL_EMPTY_H
#define TN_KERNEL_EMPTY_H

/** p, or some address when p is NULL. An array without elements may be NULL, and C lets nothing be added to NULL, not
 *  even the 0 that an offset into it always is. Nothing is read or written there. */
static inline void *tn_some(const void *p) {
    static char nothing;
    return p ? (void *)p : &nothing;
}

#endif
