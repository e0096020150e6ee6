/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* inflate.c - DEFLATE (RFC 1951): bits from the low end of a 64-bit register, codes up to 10 bits by one table look-up,
 * longer ones by walking the canonical code. The output is its own window. */
#include "tensor/inflate.h"
#include <pthread.h>
#include <string.h>

#define FAST_BITS   10
#define MAX_BITS    15
#define MAX_SYMBOLS 288

typedef struct {
    const uint8_t *p, *end;
    uint64_t bits;
    unsigned n; /* valid bits */
} reader;

typedef struct {
    uint16_t fast[1 << FAST_BITS]; /* symbol << 4 | length; 0: a longer code, or none */
    uint16_t count[MAX_BITS + 1];  /* codes of each length */
    uint16_t symbol[MAX_SYMBOLS];  /* in the order of their codes */
} huffman;

static tn_status bad(const char *what) { return tn_fail(TN_E_FORMAT, "deflate: %s", what); }

static inline void refill(reader *r) {
    while (r->n <= 56 && r->p < r->end) {
        r->bits |= (uint64_t)*r->p++ << r->n;
        r->n += 8;
    }
}

/* k <= 16 bits; false at the end of the input. */
static inline bool take(reader *r, unsigned k, unsigned *out) {
    if (r->n < k) {
        refill(r);
        if (r->n < k) return false;
    }
    *out = (unsigned)(r->bits & ((UINT64_C(1) << k) - 1));
    r->bits >>= k;
    r->n -= k;
    return true;
}

static unsigned reversed(unsigned code, unsigned length) {
    unsigned r = 0;
    for (unsigned i = 0; i < length; i++) r |= (code >> i & 1) << (length - 1 - i);
    return r;
}

/* From the code lengths of n symbols. A set with room left is good only when it has at most one code. */
static bool huffman_build(huffman *h, const uint8_t *length, unsigned n) {
    unsigned at[MAX_BITS + 2] = { 0 }, code[MAX_BITS + 2] = { 0 }, used = 0;
    int room = 1;
    memset(h, 0, sizeof *h);
    for (unsigned i = 0; i < n; i++)
        if (length[i]) h->count[length[i]]++, used++;
    for (unsigned l = 1; l <= MAX_BITS; l++) {
        room = room * 2 - h->count[l];
        if (room < 0) return false;
        at[l + 1] = at[l] + h->count[l];
        code[l + 1] = (code[l] + h->count[l]) << 1;
    }
    if (room > 0 && used > 1) return false;
    for (unsigned i = 0; i < n; i++) {
        unsigned l = length[i];
        if (!l) continue;
        unsigned c = code[l]++;
        h->symbol[at[l]++] = (uint16_t)i;
        if (l <= FAST_BITS)
            for (unsigned k = reversed(c, l); k < 1u << FAST_BITS; k += 1u << l) h->fast[k] = (uint16_t)(i << 4 | l);
    }
    return true;
}

/* The next symbol, or -1. */
static inline int decode(reader *r, const huffman *h) {
    if (r->n < MAX_BITS) refill(r);
    unsigned f = h->fast[r->bits & ((1u << FAST_BITS) - 1)], l = f & 15;
    if (l && l <= r->n) {
        r->bits >>= l;
        r->n -= l;
        return (int)(f >> 4);
    }
    unsigned code = 0, first = 0, index = 0;
    uint64_t bits = r->bits;
    for (l = 1; l <= MAX_BITS && l <= r->n; l++, bits >>= 1) {
        code |= (unsigned)(bits & 1);
        if (code - first < h->count[l]) {
            r->bits >>= l;
            r->n -= l;
            return h->symbol[index + code - first];
        }
        index += h->count[l];
        first = (first + h->count[l]) << 1;
        code <<= 1;
    }
    return -1;
}

/* ------------------------------------------------------------------------------------------------------- blocks */

typedef struct {
    uint8_t *start, *p, *end;
} sink;

static tn_status copy_stored(reader *r, sink *s) {
    unsigned drop, n, inverse;
    if (!take(r, r->n & 7, &drop) || !take(r, 16, &n) || !take(r, 16, &inverse)) return bad("truncated");
    if (n != (~inverse & 0xffff)) return bad("a stored block's length does not match its complement");
    r->p -= r->n / 8; /* whole bytes go back */
    r->n = 0;
    r->bits = 0;
    if (n > (size_t)(r->end - r->p)) return bad("truncated");
    if (n > (size_t)(s->end - s->p)) return bad("more data than announced");
    memcpy(s->p, r->p, n);
    s->p += n;
    r->p += n;
    return TN_OK;
}

static tn_status copy_match(sink *s, unsigned length, unsigned distance) {
    if (distance > (size_t)(s->p - s->start)) return bad("a distance reaches before the start");
    if (length > (size_t)(s->end - s->p)) return bad("more data than announced");
    const uint8_t *from = s->p - distance;
    if (distance >= length)
        memcpy(s->p, from, length);
    else
        for (unsigned i = 0; i < length; i++) s->p[i] = from[i]; /* repeats its own output */
    s->p += length;
    return TN_OK;
}

static tn_status decode_block(reader *r, sink *s, const huffman *literals, const huffman *distances) {
    static const uint16_t length_base[29] = { 3,  4,  5,  6,  7,  8,  9,  10, 11,  13,  15,  17,  19,  23, 27,
                                              31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227, 258 };
    static const uint8_t length_bits[29] = { 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2,
                                             2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0 };
    static const uint16_t distance_base[30] = { 1,    2,    3,    4,    5,    7,    9,    13,    17,    25,
                                                33,   49,   65,   97,   129,  193,  257,  385,   513,   769,
                                                1025, 1537, 2049, 3073, 4097, 6145, 8193, 12289, 16385, 24577 };
    for (;;) {
        int symbol = decode(r, literals);
        if (symbol < 0) return bad("no such code, or truncated");
        if (symbol < 256) {
            if (s->p == s->end) return bad("more data than announced");
            *s->p++ = (uint8_t)symbol;
            continue;
        }
        if (symbol == 256) return TN_OK;
        unsigned extra, k = (unsigned)symbol - 257;
        if (k >= 29 || !take(r, length_bits[k], &extra)) return bad("bad length");
        unsigned length = length_base[k] + extra;
        int d = decode(r, distances);
        if (d < 0 || d >= 30 || !take(r, d < 2 ? 0 : (unsigned)d / 2 - 1, &extra)) return bad("bad distance");
        TN_TRY(copy_match(s, length, distance_base[d] + extra));
    }
}

static tn_status read_tables(reader *r, huffman *literals, huffman *distances) {
    static const uint8_t order[19] = { 16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15 };
    uint8_t length[320] = { 0 };
    unsigned n_literals, n_distances, n_lengths, v;
    if (!take(r, 5, &n_literals) || !take(r, 5, &n_distances) || !take(r, 4, &n_lengths)) return bad("truncated");
    n_literals += 257;
    n_distances += 1;
    if (n_literals > 286 || n_distances > 30) return bad("too many codes");
    for (unsigned i = 0; i < n_lengths + 4; i++) {
        if (!take(r, 3, &v)) return bad("truncated");
        length[order[i]] = (uint8_t)v;
    }
    if (!huffman_build(literals, length, 19)) return bad("bad code lengths");
    memset(length, 0, sizeof length);
    for (unsigned i = 0, total = n_literals + n_distances; i < total;) {
        int symbol = decode(r, literals);
        if (symbol < 0) return bad("bad code lengths");
        if (symbol < 16) {
            length[i++] = (uint8_t)symbol;
            continue;
        }
        if (symbol == 16 && i == 0) return bad("nothing to repeat");
        uint8_t repeat = symbol == 16 ? length[i - 1] : 0;
        if (!take(r, symbol == 16 ? 2 : symbol == 17 ? 3 : 7, &v)) return bad("truncated");
        v += symbol == 18 ? 11 : 3;
        if (v > total - i) return bad("too many code lengths");
        memset(length + i, repeat, v);
        i += v;
    }
    if (!length[256]) return bad("no code for the end of the block");
    if (!huffman_build(literals, length, n_literals)) return bad("bad literal codes");
    if (!huffman_build(distances, length + n_literals, n_distances)) return bad("bad distance codes");
    return TN_OK;
}

static void fixed_tables(huffman *literals, huffman *distances) {
    uint8_t length[MAX_SYMBOLS];
    for (unsigned i = 0; i < MAX_SYMBOLS; i++) length[i] = i < 144 ? 8 : i < 256 ? 9 : i < 280 ? 7 : 8;
    (void)huffman_build(literals, length, MAX_SYMBOLS);
    memset(length, 5, 32);
    (void)huffman_build(distances, length, 32);
}

tn_status tn_inflate(const void *in, size_t in_size, void *out, size_t out_size) {
    const uint8_t *p = in;
    reader r = { p, p + in_size, 0, 0 };
    sink s = { out, out, (uint8_t *)out + out_size };
    huffman literals, distances;
    unsigned last = 0, type;
    while (!last) {
        if (!take(&r, 1, &last) || !take(&r, 2, &type)) return bad("truncated");
        if (type == 3) return bad("no such block type");
        if (type == 0) {
            TN_TRY(copy_stored(&r, &s));
            continue;
        }
        if (type == 1)
            fixed_tables(&literals, &distances);
        else
            TN_TRY(read_tables(&r, &literals, &distances));
        TN_TRY(decode_block(&r, &s, &literals, &distances));
    }
    return s.p == s.end ? TN_OK : bad("less data than announced");
}

/* --------------------------------------------------------------------------------------------------------- CRC */

static uint32_t crc_table[8][256]; /* [k]: a byte with k zero bytes behind it */
static pthread_once_t crc_once = PTHREAD_ONCE_INIT;

static void crc_fill(void) {
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t c = i;
        for (int k = 0; k < 8; k++) c = c & 1 ? c >> 1 ^ 0xedb88320u : c >> 1;
        crc_table[0][i] = c;
    }
    for (int k = 1; k < 8; k++)
        for (uint32_t i = 0; i < 256; i++)
            crc_table[k][i] = crc_table[k - 1][i] >> 8 ^ crc_table[0][crc_table[k - 1][i] & 255];
}

uint32_t tn_crc32(uint32_t crc, const void *data, size_t size) {
    const uint8_t *p = data;
    uint32_t c = ~crc;
    pthread_once(&crc_once, crc_fill);
    for (; size >= 8; size -= 8, p += 8) {
        c ^= (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
        c = crc_table[7][c & 255] ^ crc_table[6][c >> 8 & 255] ^ crc_table[5][c >> 16 & 255] ^ crc_table[4][c >> 24] ^
            crc_table[3][p[4]] ^ crc_table[2][p[5]] ^ crc_table[1][p[6]] ^ crc_table[0][p[7]];
    }
    for (; size; size--) c = c >> 8 ^ crc_table[0][(c ^ *p++) & 255];
    return ~c;
}
