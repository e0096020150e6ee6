/* status.c - the thread's sentence about its last failed call. */
#include "base/status.h"
#include "base/number.h"
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define SENTENCE_BYTES 1024

static _Thread_local struct {
    tn_status status;
    char text[SENTENCE_BYTES];
} last;

static const struct {
    const char *name, *text;
} statuses[TN_STATUS_COUNT] = {
#define X(id, sentence) [TN_##id] = { "TN_" #id, sentence },
    TN_STATUSES(X)
#undef X
};

/* Built aside first: the arguments may point into the sentence that is about to be replaced. */
static void keep(tn_status s, const char *text) {
    last.status = s;
    size_t n = strlen(text);
    if (n >= SENTENCE_BYTES) n = SENTENCE_BYTES - 1;
    memcpy(last.text, text, n);
    last.text[n] = 0;
}

tn_status tn_fail(tn_status s, const char *fmt, ...) {
    char text[SENTENCE_BYTES];
    va_list ap;
    va_start(ap, fmt);
    tn_vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    keep(s, text);
    return s;
}

tn_status tn_fail_at(tn_status s, const char *fmt, ...) {
    char text[SENTENCE_BYTES];
    va_list ap;
    va_start(ap, fmt);
    int n = tn_vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    size_t used = n < 0 ? 0 : (size_t)n < sizeof text ? (size_t)n : sizeof text - 1;
    const char *sentence = tn_error();
    snprintf(text + used, sizeof text - used, ": %s", sentence);
    keep(s, text);
    return s;
}

void tn_error_clear(void) {
    last.status = TN_OK;
    last.text[0] = 0;
}

const char *tn_error(void) { return last.text[0] ? last.text : statuses[last.status].text; }

const char *tn_status_name(tn_status s) { return (unsigned)s < TN_STATUS_COUNT ? statuses[s].name : "unknown status"; }

tn_status tn_take_opts(void *to, size_t bytes, const void *given, const char *name) {
    size_t size;
    if (given) {
        memcpy(&size, given, sizeof size);
        if (size <= sizeof size || size > 4096)
            return tn_fail(TN_E_INVALID, "%s.size is %zu; set it to sizeof(%s)", name, size, name);
        memcpy(to, given, size < bytes ? size : bytes);
    }
    memcpy(to, &bytes, sizeof bytes);
    return TN_OK;
}
