/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* sort.h - sorting what a file or an input made long: in place, without memory of its own, and stopped by the thread's
 * budget. */
#ifndef TN_BASE_SORT_H
#define TN_BASE_SORT_H

#include <stddef.h>
#include <stdint.h>

/** < 0: a comes first; > 0: b does; 0: either. */
typedef int (*tn_order)(const void *a, const void *b);
typedef int (*tn_order_with)(const void *a, const void *b, void *user);

/** Sorts v[n], elements of `size` bytes: O(n log n) comparisons at worst. Equal elements end in any order: who cares
 *  which comes first compares their numbers, too. Stopped (tn_budget_stopped), v holds all its elements in some order;
 *  so it does when `order` contradicts itself. */
void tn_sort(void *v, size_t n, size_t size, tn_order order);
/** units: what a comparison may take, as in base/budget.h. */
void tn_sort_with(void *v, size_t n, size_t size, tn_order_with order, void *user, uint64_t units);

#endif
