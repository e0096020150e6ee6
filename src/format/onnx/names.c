/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* names.c - what the parts of the reader share: texts and lists in its arenas, what names stand for, and how much a
 * file may expand to. */
#include "format/onnx/read.h"
#include <stdio.h>

tn_status tn_onnx_room(tn_onnx_reader *r, void *array, int n, size_t each) {
    if (n & (n - 1)) return TN_OK; /* grows at powers of two */
    void *old;
    memcpy(&old, array, sizeof old);
    void *wider = tn_arena_calloc(r->tmp, n ? (size_t)n * 2 : 1, each, 16);
    if (!wider) return tn_fail(TN_E_NOMEM, "a list of %d entries", n);
    if (n) memcpy(wider, old, (size_t)n * each);
    memcpy(array, &wider, sizeof wider);
    return TN_OK;
}

tn_status tn_onnx_list_str(tn_onnx_reader *r, tn_str **list, int *n, tn_str s) {
    TN_TRY(tn_onnx_room(r, list, *n, sizeof **list));
    (*list)[(*n)++] = s;
    return TN_OK;
}

tn_status tn_onnx_list_wire(tn_onnx_reader *r, tn_wire **list, int *n, tn_wire w) {
    TN_TRY(tn_onnx_room(r, list, *n, sizeof **list));
    (*list)[(*n)++] = w;
    return TN_OK;
}

tn_status tn_onnx_text(tn_onnx_reader *r, tn_str s, const char *what, const char **out) {
    *out = "";
    if (!s.len) return TN_OK;
    if (s.len > TN_ONNX_MAX_NAME)
        return tn_fail(TN_E_LIMIT, "%s '%.40s...' has %zu bytes (at most %u)", what, s.ptr, s.len, TN_ONNX_MAX_NAME);
    if (memchr(s.ptr, 0, s.len)) return tn_fail(TN_E_FORMAT, "%s contains a zero byte", what);
    *out = tn_arena_strndup(r->m->arena, s.ptr, s.len);
    return *out ? TN_OK : tn_fail(TN_E_NOMEM, "%s", what);
}

tn_status tn_onnx_long_text(tn_onnx_reader *r, tn_str s, const char **out) {
    *out = s.len ? tn_arena_strndup(r->m->arena, s.ptr, s.len) : "";
    return *out ? TN_OK : tn_fail(TN_E_NOMEM, "a text of %zu bytes", s.len);
}

tn_status tn_onnx_expand(tn_onnx_reader *r, size_t bytes) {
    size_t room = TN_ONNX_SPARE + (r->size > SIZE_MAX / 512 ? SIZE_MAX / 2 : r->size * 256);
    if (__builtin_add_overflow(r->expanded, bytes, &r->expanded) || r->expanded > room)
        return tn_fail(TN_E_LIMIT, "a file of %zu bytes expands to more than %zu bytes", r->size, room);
    return TN_OK;
}

tn_onnx_name *tn_onnx_lookup(tn_onnx_scope *s, tn_str name, tn_onnx_scope **where) {
    for (; s; s = s->outer) {
        tn_onnx_name *n = tn_map_get(s->names, name.ptr, name.len);
        if (!n) continue;
        if (where) *where = s;
        return n;
    }
    return NULL;
}

tn_status tn_onnx_define(tn_onnx_reader *r, tn_onnx_scope *s, tn_str name, tn_value *v, int position) {
    tn_onnx_scope *where = NULL;
    const tn_onnx_name *old = tn_onnx_lookup(s, name, &where);
    if (old && where == s) return tn_fail(TN_E_GRAPH, "value '%.*s' is defined twice", (int)name.len, name.ptr);
    if (old && old->position < where->position) /* not allowed, but written: the inner one is meant */
        TN_TRY(tn_find(r->m, TN_FINDING_REPAIR, TN_OK, "shadow",
                       "%s: value '%.*s' of its subgraph hides one of that name around it",
                       where->node ? where->node : "a node", (int)(name.len < 200 ? name.len : 200), name.ptr));
    tn_onnx_name *n = tn_arena_new_of(r->tmp, tn_onnx_name);
    if (!n) return tn_fail(TN_E_NOMEM, "a name");
    *n = (tn_onnx_name){ v, position, false };
    return tn_map_put(s->names, name.ptr, name.len, n);
}

tn_status tn_onnx_twice(const tn_str *names, int n, int *twice) {
    tn_status st = TN_OK;
    *twice = -1;
    if (n < 2) return TN_OK;
    tn_map *seen = tn_map_new((size_t)n);
    if (!seen) return tn_fail(TN_E_NOMEM, "%d names", n);
    for (int i = 0; i < n && *twice < 0 && st == TN_OK; i++) {
        if (tn_map_get(seen, names[i].ptr, names[i].len)) *twice = i;
        st = tn_map_put(seen, names[i].ptr, names[i].len, seen);
    }
    tn_map_free(&seen);
    return st;
}

const char *tn_onnx_print_name(char *buf, size_t n, const char *prefix, tn_str name) {
    if (prefix && strlen(prefix) + name.len < 200)
        snprintf(buf, n, "%s/%.*s", prefix, (int)name.len, name.ptr);
    else
        snprintf(buf, n, "%.*s", (int)name.len, name.ptr);
    return buf;
}

tn_status tn_onnx_new_value(tn_onnx_reader *r, tn_onnx_scope *s, const tn_onnx_call *call, tn_str name, int position,
                            tn_value **out) {
    const char *plain;
    char made[TN_ONNX_MAX_NAME + 256];
    TN_TRY(tn_onnx_text(r, name, "the name of a value", &plain));
    if (call && call->prefix) plain = tn_onnx_print_name(made, sizeof made, call->prefix, name);
    tn_value *v = tn_value_new(s->graph, plain);
    if (!v) return TN_E_NOMEM;
    TN_TRY(tn_onnx_define(r, s, name, v, position));
    *out = v;
    return TN_OK;
}
