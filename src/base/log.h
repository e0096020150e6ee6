/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* log.h - messages for the person at the terminal, by level. Silent above the chosen level;
 * TN_LOG=error|warn|info|debug. */
#ifndef TN_BASE_LOG_H
#define TN_BASE_LOG_H

typedef enum { TN_LOG_ERROR, TN_LOG_WARN, TN_LOG_INFO, TN_LOG_DEBUG } tn_log_level;

void tn_log_set(tn_log_level level); /* default: TN_LOG_WARN, or the environment's TN_LOG */
tn_log_level tn_log_get(void);
int tn_log_parse(const char *name); /* a tn_log_level, or -1 */

/** One line to stderr, "tenon: warning: ...". Safe from many threads. */
void tn_log(tn_log_level level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
