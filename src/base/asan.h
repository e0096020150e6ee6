/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* asan.h - lets AddressSanitizer see the unused part of an arena's block; nothing in other builds. */
#ifndef TN_BASE_ASAN_H
#define TN_BASE_ASAN_H

#if defined(__SANITIZE_ADDRESS__)
#define TN_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define TN_ASAN 1
#endif
#endif
#ifndef TN_ASAN
#define TN_ASAN 0
#endif

#if TN_ASAN
#include <sanitizer/asan_interface.h>
#define TN_POISON(p, n)   __asan_poison_memory_region(p, n)
#define TN_UNPOISON(p, n) __asan_unpoison_memory_region(p, n)
#else
#define TN_POISON(p, n)   ((void)(p), (void)(n))
#define TN_UNPOISON(p, n) ((void)(p), (void)(n))
#endif

#endif
