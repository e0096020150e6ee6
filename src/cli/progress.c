/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* progress.c - "reading page.jpg  [=====>    ]  12/40 lines". */
#include "cli/progress.h"
#include "base/clock.h"
#include "cli/options.h"
#include <stdio.h>
#include <unistd.h>

#define PATIENCE_NS 1000000000u
#define REFRESH_NS  100000000u
#define BAR         28

void tn_progress_begin(tn_progress *p, const char *what, const char *unit) {
    *p = (tn_progress){ .what = what, .unit = unit, .begun = tn_clock_ns() };
}

void tn_progress_at(tn_progress *p, double done, double all) {
    uint64_t now = tn_clock_ns();
    if (all <= 0 || now - p->begun < PATIENCE_NS || now - p->shown < REFRESH_NS || !isatty(STDERR_FILENO)) return;
    char bar[BAR + 1];
    int full = (int)(BAR * (done < all ? done / all : 1));
    for (int i = 0; i < BAR; i++) bar[i] = i < full ? '=' : i == full ? '>' : ' ';
    bar[BAR] = '\0';
    fprintf(stderr, "\r%s  [%s]  %.0f/%.0f %s\033[K", p->what, bar, done, all, p->unit);
    fflush(stderr);
    p->shown = now;
    p->on_screen = true;
}

void tn_progress_end(tn_progress *p) {
    if (p->on_screen) fprintf(stderr, "\r\033[K");
    p->on_screen = false;
}
