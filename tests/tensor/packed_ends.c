/* Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0 */
/* packed_ends.c - several elements to a byte, and a number of them that does not fill the last one: what lies behind
 * the last element is 0, whatever stands behind it in the source, and no byte further is written. */
#include "tensor/tensor.h"
#include "test.h"

static void rest_of_the_last_byte(void **state) {
    (void)state;
    static const tn_dtype types[] = { TN_U4, TN_I4, TN_F4E2M1, TN_U2, TN_I2 };
    const float ones[16] = { 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1 };
    for (size_t t = 0; t < TN_COUNT(types); t++)
        for (int n = 0; n <= 15; n++) {
            uint8_t packed[16];
            int bits = tn_dtype_bits(types[t]), last = n * bits / 8, used = n * bits % 8;
            memset(packed, 0xa5, sizeof packed);
            check_ok(tn_convert(TN_F32, ones, types[t], packed, n, true, TN_ROUND_NEAREST));
            for (int i = 0; i < n; i++)
                check(tn_get_f64(types[t], packed, i) == 1, "%s, element %d of %d\n", tn_dtype_name(types[t]), i, n);
            if (used)
                check(packed[last] >> used == 0, "%s, %d elements end in 0x%02x\n", tn_dtype_name(types[t]), n,
                      packed[last]);
            check(packed[last + (used > 0)] == 0xa5, "%s, %d elements: a byte too many\n", tn_dtype_name(types[t]), n);
        }
}

int main(void) {
    const struct CMUnitTest tests[] = { cmocka_unit_test(rest_of_the_last_byte) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
