/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* log.c - messages to stderr, by level; a line is one write, so that lines of several threads do not mix. */
#include "base/log.h"
#include "base/clean.h"
#include "base/number.h"
#include "base/status.h"
#include "base/text.h"
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const names[] = { "error", "warn", "info", "debug" };
static const char *const prefixes[] = { "error", "warning", "info", "debug" };

static atomic_int chosen = -1; /* -1: the environment has not been asked yet */

int tn_log_parse(const char *name) {
    for (size_t i = 0; i < TN_COUNT(names); i++)
        if (tn_same_word(name, names[i]) || tn_same_word(name, prefixes[i])) return (int)i;
    return -1;
}

void tn_log_set(tn_log_level level) { atomic_store_explicit(&chosen, (int)level, memory_order_relaxed); }

tn_log_level tn_log_get(void) {
    int level = atomic_load_explicit(&chosen, memory_order_relaxed);
    if (level < 0) {
        const char *env = getenv("TN_LOG");
        level = env ? tn_log_parse(env) : -1;
        if (level < 0) level = TN_LOG_WARN;
        int unset = -1;
        if (!atomic_compare_exchange_strong(&chosen, &unset, level)) level = unset;
    }
    return (tn_log_level)level;
}

void tn_log(tn_log_level level, const char *fmt, ...) {
    if (level > tn_log_get()) return;
    char line[2048], text[2048];
    int head = snprintf(line, sizeof line, "tenon: %s: ", prefixes[level]);
    va_list ap;
    va_start(ap, fmt);
    int n = tn_vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    if (n < 0) return;
    size_t end = (size_t)head + tn_clean(line + head, sizeof line - (size_t)head - 1, text, strlen(text));
    line[end++] = '\n';
    fwrite(line, 1, end, stderr);
}
