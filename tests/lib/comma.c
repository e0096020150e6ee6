/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* comma.c - makes the locale with localedef (part of Debian's libc-bin) in a folder of its own. */
#include "lib/comma.h"
#include <locale.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char source[] = "LC_NUMERIC\ndecimal_point \",\"\nthousands_sep \".\"\ngrouping 3;3\nEND LC_NUMERIC\n";

static void give_up(const char *what) {
    fprintf(stderr, "comma_locale: %s\n", what);
    abort();
}

void comma_locale_if_asked(void) {
    static bool done;
    const char *asked = getenv("TN_TEST_LOCALE");
    if (!done && asked && !strcmp(asked, "comma")) comma_locale();
    done = true;
}

void comma_locale(void) {
    char dir[] = "/tmp/tenon-locale-XXXXXX", path[64], command[256], text[16];
    if (!mkdtemp(dir)) give_up("no temporary folder");
    snprintf(path, sizeof path, "%s/comma", dir);
    FILE *f = fopen(path, "w");
    if (!f || fputs(source, f) < 0 || fclose(f)) give_up("cannot write its source");
    /* exit code 1: warnings that the other categories are not defined */
    snprintf(command, sizeof command, "localedef -c -i %s %s/xx_XX 2>/dev/null", path, dir);
    if (system(command) < 0 || setenv("LOCPATH", dir, 1) || !setlocale(LC_NUMERIC, "xx_XX"))
        give_up("localedef made no locale");
    snprintf(command, sizeof command, "rm -rf %s", dir);
    if (system(command) || unsetenv("LOCPATH")) give_up("cannot clean up");
    snprintf(text, sizeof text, "%.1f", 1.5);
    if (strcmp(text, "1,5")) give_up("its decimal point is no comma");
}
