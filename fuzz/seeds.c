/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* seeds.c - writes the first inputs of the fuzz targets: one small valid file of every kind, as our own writers make
 * it.
 *
 * usage: make_seeds FOLDER STAMP      writes FOLDER/NAME/... for target NAME, then the empty file STAMP */
#include "base/file.h"
#include "base/mem.h"
#include "tensor/inflate.h"
#include "tensor/npy.h"
#include "tensor/proto.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static const char *root;

static void die(void) {
    fprintf(stderr, "seeds: %s\n", tn_error());
    exit(1);
}

static const char *path_of(const char *target, const char *name) {
    static char path[2048];
    snprintf(path, sizeof path, "%s/%s", root, target);
    mkdir(root, 0777);
    mkdir(path, 0777);
    snprintf(path, sizeof path, "%s/%s/%s", root, target, name);
    return path;
}

static void put(const char *target, const char *name, const void *data, size_t size) {
    if (tn_file_write(path_of(target, name), data, size) != TN_OK) die();
}

static void put_behind(const char *target, const char *name, const char *front, size_t n, const tn_text *t) {
    tn_text all = { 0 };
    tn_text_put(&all, front, n);
    tn_text_put(&all, t->s, t->n);
    put(target, name, all.s, all.n);
    tn_text_free(&all);
}

/* 2 x 3 elements 1, 2, ... of a type. */
static tn_tensor sample(tn_dtype t) {
    tn_tensor x;
    if (tn_tensor_init(&x, t, 2, (int64_t[]){ 2, 3 }, TN_MEM_GENERAL) != TN_OK) die();
    memset(x.data, 0, tn_tensor_bytes(&x));
    for (int64_t i = 0; i < 6; i++)
        if (t == TN_STRING) {
            if (tn_tensor_set_string(&x, i, "string", (size_t)i) != TN_OK) die();
        } else if (tn_dtype_is_complex(t))
            tn_set_f64(t == TN_C64 ? TN_F32 : TN_F64, x.data, i, (double)i);
        else
            tn_set_i64(t, x.data, i, i + 1);
    return x;
}

static void tensor_protos(void) {
    tn_text sequence = { 0 };
    for (int t = 1; t < TN_DTYPE_COUNT; t++) {
        tn_tensor x = sample((tn_dtype)t);
        tn_text o = { 0 };
        tn_tensor_to_proto(&o, &x, "name");
        put_behind("tensorproto", tn_dtype_name((tn_dtype)t), "\0", 1, &o);
        if (t == TN_F32) put("wire", "tensor", o.s, o.n);
        if (t < 4 || t == TN_STRING) tn_wire_put_bytes(&sequence, 3, o.s, o.n);
        tn_text_free(&o);
        tn_tensor_reset(&x);
    }
    put_behind("tensorproto", "sequence", "\1", 1, &sequence);
    tn_text nested = { 0 };
    tn_wire_put_varint(&nested, 2, 3);
    tn_wire_put_bytes(&nested, 5, sequence.s, sequence.n);
    put_behind("tensorproto", "optional", "\2", 1, &nested);
    put("wire", "nested", nested.s, nested.n);
    tn_text typed = { 0 }; /* typed fields, packed and not, external data, a map */
    tn_wire_put_varint(&typed, 1, 4);
    tn_wire_put_varint(&typed, 2, 6);
    tn_wire_put_bytes(&typed, 5, "\1\2\3", 3);
    tn_wire_put_varint(&typed, 5, UINT64_MAX);
    put_behind("tensorproto", "typed", "\0", 1, &typed);
    tn_text_free(&typed);
    tn_wire_put_varint(&typed, 2, 1);
    size_t m = tn_wire_begin(&typed, 13);
    tn_wire_put_bytes(&typed, 1, "location", 8);
    tn_wire_put_bytes(&typed, 2, "a.bin", 5);
    tn_wire_end(&typed, m);
    tn_wire_put_varint(&typed, 14, 1);
    put_behind("tensorproto", "external", "\0", 1, &typed);
    tn_text_free(&typed);
    m = tn_wire_begin(&typed, 6);
    tn_wire_put_varint(&typed, 2, 7);
    tn_wire_put_varint(&typed, 3, 5);
    size_t values = tn_wire_begin(&typed, 5);
    tn_wire_put_bytes(&typed, 3, "\x10\x01\x4a\x04\0\0\0\0", 8);
    tn_wire_end(&typed, values);
    tn_wire_end(&typed, m);
    put_behind("tensorproto", "map", "\1", 1, &typed);
    tn_text_free(&typed);
    tn_text_free(&sequence);
    tn_text_free(&nested);
}

/* ---------------------------------------------------------------------------------------------------------- zip */

static void little(tn_text *o, uint64_t v, int bytes) {
    for (; bytes; bytes--, v >>= 8) tn_text_put(o, (char[]){ (char)v }, 1);
}

/* The fields that a local header and a directory entry share. */
static void member_fields(tn_text *o, int method, uint32_t crc, size_t packed, size_t size, size_t name) {
    little(o, 20, 2);
    little(o, 0, 2);
    little(o, (uint64_t)method, 2);
    little(o, 0, 4);
    little(o, crc, 4);
    little(o, packed, 4);
    little(o, size, 4);
    little(o, name, 2);
    little(o, 0, 2);
}

/* An archive of one member; deflated means one stored block, which any decoder must read. */
static void archive(const char *seed, const tn_file *npy, bool deflated) {
    tn_text data = { 0 }, o = { 0 };
    if (deflated) {
        little(&data, 1, 1);
        little(&data, npy->size, 2);
        little(&data, ~npy->size, 2);
    }
    tn_text_put(&data, (const char *)npy->data, npy->size);
    uint32_t crc = tn_crc32(0, npy->data, npy->size);
    int method = deflated ? 8 : 0;
    little(&o, 0x04034b50, 4);
    member_fields(&o, method, crc, data.n, npy->size, 5);
    tn_text_puts(&o, "a.npy");
    tn_text_put(&o, data.s, data.n);
    size_t directory = o.n;
    little(&o, 0x02014b50, 4);
    little(&o, 20, 2);
    member_fields(&o, method, crc, data.n, npy->size, 5);
    little(&o, 0, 14);
    tn_text_puts(&o, "a.npy");
    size_t end = o.n;
    little(&o, 0x06054b50, 4);
    little(&o, 0, 4);
    little(&o, 1, 2);
    little(&o, 1, 2);
    little(&o, end - directory, 4);
    little(&o, directory, 4);
    little(&o, 0, 2);
    put("npz", seed, o.s, o.n);
    if (deflated) put_behind("inflate", "stored", (char[]){ (char)npy->size, (char)(npy->size >> 8) }, 2, &data);
    tn_text_free(&o);
    tn_text_free(&data);
}

static void arrays(void) {
    for (int t = 1; t < TN_DTYPE_COUNT; t++) {
        tn_tensor x = sample((tn_dtype)t);
        char name[64];
        snprintf(name, sizeof name, "%s.npy", tn_dtype_name((tn_dtype)t));
        if (tn_npy_write(&x, path_of("npy", name)) == TN_OK && (t == TN_F32 || t == TN_STRING)) {
            tn_file *f;
            if (tn_file_map(path_of("npy", name), &f) != TN_OK) die();
            archive(t == TN_F32 ? "stored.npz" : "strings.npz", f, false);
            if (t == TN_F32) archive("deflated.npz", f, true);
            tn_file_close(&f);
        }
        tn_tensor_reset(&x);
    }
    put("inflate", "fixed", "\x05\0\x4b\x4c\x4a\x4e\x49\x05\0", 9); /* "abcde" */
}

/* ---------------------------------------------------------------------------------------------------------- words */

static const struct {
    const char *target, *name, *bytes;
    size_t n;
} words[] = {
#define WORDS(target, name, text) \
    { target, name, text, sizeof text - 1 }
    WORDS("dim", "sum", "2*h + 1"),
    WORDS("dim", "parts", "ceil(h/4) + max(past, seq)*heads"),
    WORDS("dim", "edges", "9223372036854775807*a - 4611686018427387904"),
    WORDS("dim", "deep", "((((((a+1)/2+1)/2+1)/2)))"),
    WORDS("einsum", "product", "\1\2\2ij,jk->ik"),
    WORDS("einsum", "implicit", "\1\2\2ij,jk"),
    WORDS("einsum", "trace", "\0\x0aii"),
    WORDS("einsum", "ellipsis", "\1\x0b\x0b...ij,...jk->...ik"),
    WORDS("einsum", "four", "\3\2\2\2\2ab,bc,cd,de"),
    WORDS("einsum", "many", "\2\7\7\7abcdefg,hijklmn,opqrstu"),
    WORDS("options", "kinds", "--flag\0--text\0a\0--whole=7\0--real\0.25\0--list\0x=2\0file"),
    WORDS("options", "end", "--threads=2\0--\0--flag"),
    WORDS("options", "near", "--whol\0x"),
#undef WORDS
};

static void texts(void) {
    for (size_t i = 0; i < TN_COUNT(words); i++) put(words[i].target, words[i].name, words[i].bytes, words[i].n);
}

int main(int argc, char **argv) {
    if (argc != 3) {
        fprintf(stderr, "usage: make_seeds FOLDER STAMP\nWrites the seeds below FOLDER, then the empty file STAMP.\n");
        return 2;
    }
    root = argv[1];
    tensor_protos();
    arrays();
    texts();
    FILE *stamp = fopen(argv[2], "w");
    return stamp && fclose(stamp) == 0 ? 0 : 1;
}
