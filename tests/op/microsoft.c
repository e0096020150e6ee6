/* microsoft.c - attention of com.microsoft in more forms than tests/op/contrib.c: masks, pasts, biases, float16; with
 * and without known shapes. One query 1 meets keys 0 and ln 3 with values 8 and 4: 5; the first alone: 8, the last
 * alone: 4. */
#include "lib/op_cases.h"
#include "test.h"

#define MS  "com.microsoft::"
#define LN3 "1.0986122886681098"

/* q, k, v = x, x ln 3, 8 - 4 x, for the weights {1, ln 3, -4} and the bias {0, 0, 8}. */
static void projected(void **state) {
#define PROJECTION "f32:1,3=1," LN3 ",-4 f32:3=0,0,8 "
    static const op_case rows[] = {
        { MS "Attention", "num_heads=1", "f32:1,1,1=1 " PROJECTION "_ f32:2,1,1,1,1=0,8",
          "f32:1,1,1=5 f32:2,1,1,2,1=0," LN3 ",8,4" },
        { MS "Attention", "num_heads=1", "f32:1,1,1=1 " PROJECTION "i32:1,2=0,1 f32:2,1,1,1,1=0,8", "f32:1,1,1=4" },
        { MS "Attention", "num_heads=1", "f32:2,2,1=1,0,0,1 " PROJECTION "i32:2,2=1,1,0,1", "f32:2,2,1=5,6,4,4" },
        { MS "Attention", "num_heads=1", "f32:2,2,1=1,0,0,1 " PROJECTION "i32:2=2,1",
          "f32:2,2,1=5,6,8,8" }, /* how many keys there are */
        { MS "Attention", "num_heads=1", "f32:1,2,1=0,1 " PROJECTION "i32:2=2,1",
          "f32:1,2,1=4,4" }, /* up to 2, from 1 on */
        { MS "Attention", "num_heads=1 unidirectional=1", "f32:1,2,1=0,1 " PROJECTION "_ f32:2,1,1,1,1=0,8",
          "f32:1,2,1=8,5.6 f32:2,1,1,3,1=0,0," LN3 ",8,8,4" },
        { MS "Attention", "num_heads=1 scale=-1.0", "f32:1,2,1=0,1 " PROJECTION, "f32:1,2,1=6,7" },
        { MS "Attention", "num_heads=1", "f32:1,2,1=0,1 " PROJECTION "_ _ f32:1,1,2,2=0,0,0,-" LN3, "f32:1,2,1=6,6" },
        { MS "Attention", "num_heads=1", "f16:1,2,1=0,1 f16:1,3=1," LN3 ",-4 f16:3=0,0,8", "f16:1,2,1=6,5" },
        { MS "Attention", "num_heads=2", "f32:1,1,1=1 f32:1,6=1,1,0,0,3,4", "f32:1,1,2=3,4" },
        { MS "PackedAttention", "num_heads=1",
          "f16:3,1=1,0,1 f16:1,3=0," LN3 ",-4 f16:3=1,0,8 i32:2,2=0,2,3,1 i32:3=0,1,3", "f16:3,1=4,5,5" },
    };
    op_cases(rows);
}

static void many_heads(void **state) {
#define QKV "f32:1,1,1=1 f32:1,2,1=0," LN3 " f32:1,2,1=8,4 "
    static const op_case rows[] = {
        { MS "MultiHeadAttention", "num_heads=1", QKV, "f32:1,1,1=5" },
        { MS "MultiHeadAttention", "num_heads=1", QKV "f32:3=0,1,10",
          "f32:1,1,1=15" }, /* keys moved as one: the same weights */
        { MS "MultiHeadAttention", "num_heads=1", QKV "_ i32:1=1", "f32:1,1,1=8" },
        { MS "MultiHeadAttention", "num_heads=1", QKV "_ i32:1,2=0,1", "f32:1,1,1=4" },
        { MS "MultiHeadAttention", "num_heads=1", QKV "_ _ f32:1,1,1,2=0,-" LN3, "f32:1,1,1=6" },
        { MS "MultiHeadAttention", "num_heads=1 scale=-1.0", QKV, "f32:1,1,1=7" },
        { MS "MultiHeadAttention", "num_heads=1",
          "f32:1,1,1=1 f32:1,1,1=" LN3 " f32:1,1,1=4 _ _ _ f32:1,1,1,1=0 f32:1,1,1,1=8",
          "f32:1,1,1=5 f32:1,1,2,1=0," LN3 " f32:1,1,2,1=8,4" },
        { MS "MultiHeadAttention", "num_heads=1 unidirectional=1", "f32:1,2,1=1,1 f32:1,2,1=0," LN3 " f32:1,2,1=8,4",
          "f32:1,2,1=8,5" },
        { MS "MultiHeadAttention", "num_heads=2", "f16:1,1,2=0,1 f16:1,2,2=9,0,9," LN3 " f16:1,2,2=1,8,3,4",
          "f16:1,1,2=2,5" },
        { MS "MultiHeadAttention", "num_heads=1", "f32:1,2,1,3,1=1,0,8,1," LN3 ",4", "f32:1,2,1=5,5" },
        { MS "GroupQueryAttention", "num_heads=2 kv_num_heads=1",
          "f32:1,1,2=1,0 f32:1,1,1=" LN3 " f32:1,1,1=4 f32:1,1,1,1=0 f32:1,1,1,1=8 i32:1=1 !i32:=2",
          "f32:1,1,2=5,6 f32:1,1,2,1=0," LN3 " f32:1,1,2,1=8,4" },
        { MS "GroupQueryAttention", "num_heads=1 kv_num_heads=1",
          "f16:1,2,1=1,1 f16:1,2,1=0," LN3 " f16:1,2,1=8,4 _ _ i32:1=1 !i32:=2",
          "f16:1,2,1=8,5 f16:1,1,2,1=0," LN3 " f16:1,1,2,1=8,4" }, /* causal */
    };
    op_cases(rows);
}

int main(void) {
    const struct CMUnitTest tests[] = { cmocka_unit_test(projected), cmocka_unit_test(many_heads) };
    return cmocka_run_group_tests_name("op/microsoft", tests, NULL, NULL);
}
