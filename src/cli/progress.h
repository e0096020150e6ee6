/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* progress.h - a line on the terminal that says how far a long piece of work is. */
#ifndef TN_CLI_PROGRESS_H
#define TN_CLI_PROGRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct {
    const char *what;
    const char *unit;
    uint64_t begun, shown; /* ns */
    bool on_screen;
} tn_progress;

/** Nothing is printed before a second has passed, nor when stderr is not a terminal. */
void tn_progress_begin(tn_progress *p, const char *what, const char *unit);
void tn_progress_at(tn_progress *p, double done, double all);
void tn_progress_end(tn_progress *p); /* wipes the line */

#endif
