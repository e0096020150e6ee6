/* grad_image.c - the gradient of DeformConv: written out as sampling, and a product over taps and channels. */
#include "op/grad.h"
#include "op/window.h"

/* Taps of the kernel relative to where a window starts, along one dimension. */
static tn_value *taps(tn_grad *g, const tn_window *w, int d) {
    int64_t v[256];
    int64_t n = w->kernel[0] * w->kernel[1];
    if (n > (int64_t)TN_COUNT(v)) {
        tn_grad_fail(g, TN_E_LIMIT, "a kernel of more than %d taps", (int)TN_COUNT(v));
        return NULL;
    }
    for (int64_t k = 0; k < n; k++)
        v[k] = (d == 0 ? k / w->kernel[1] : k % w->kernel[1]) * w->dilation[d] - w->begin[d];
    return tn_grad_ints(g, v, (int)n);
}

tn_status tn_grad_deform_conv(tn_grad *g) {
    tn_node *mark = tn_grad_mark(g);
    const tn_type *tw = &tn_grad_x(g, 1)->type;
    tn_window w;
    if (tn_grad_rank(g, tn_grad_x(g, 0)) != 4 || tw->rank != 4)
        return g->st != TN_OK
                   ? g->st
                   : tn_op_fail(g->node, TN_E_UNSUPPORTED, "its gradient: only for pictures of 2 dimensions");
    if (!tn_attr_find(g->node, "kernel_shape") && !(tn_dim_known(tw->dims[2]) && tn_dim_known(tw->dims[3])))
        return tn_op_fail(g->node, TN_E_UNSUPPORTED, "its gradient: the kernel's size must be known");
    TN_TRY(tn_window_read(g->node, 2, tw->dims + 2, &w));
    long long places = (long long)(w.kernel[0] * w.kernel[1]), group = (long long)tn_attr_int(g->node, "group", 1),
              sets = (long long)tn_attr_int(g->node, "offset_group", 1);
    tn_grad_let(g, "ty", taps(g, &w, 0));
    tn_grad_let(g, "tx", taps(g, &w, 1));
    tn_grad_formula(g,
                    "n = Gather(Shape(x), [0]); oh = Gather(Shape(y), [2]); ow = Gather(Shape(y), [3]);"
                    "iy = Range(#0, Squeeze(oh, [0]), #1) * #%lld; ix = Range(#0, Squeeze(ow, [0]), #1) * #%lld;"
                    "by = CastLike(Unsqueeze(ty, [1, 2]) + Unsqueeze(iy, [0, 2]), x);"
                    "bx = CastLike(Unsqueeze(tx, [1, 2]) + Unsqueeze(ix, [0, 1]), x);"
                    "off = Reshape(x2, Concat{axis=0}(n, [%lld, %lld, 2], oh, ow))",
                    (long long)w.stride[0], (long long)w.stride[1], sets, places);
    /* a place in pixels as GridSample counts: (2 p + 1) / length - 1 */
    tn_grad_formula(g,
                    "py = Gather{axis=3}(off, #0) + by; px = Gather{axis=3}(off, #1) + bx;"
                    "h = CastLike(Gather(Shape(x), [2]), x); v = CastLike(Gather(Shape(x), [3]), x);"
                    "gx = (px + px + 1) / v - 1; gy = (py + py + 1) / h - 1;"
                    "both = Concat{axis=5}(Unsqueeze(gx, [5]), Unsqueeze(gy, [5]));"
                    "grid = Reshape(both, Concat{axis=0}(n * [%lld], oh * [%lld], ow, [2]));"
                    "picture = Reshape(x, Concat{axis=0}(n * [%lld], [-1], Gather(Shape(x), [2, 3])));"
                    "s = Reshape(GridSample(picture, grid), Concat{axis=0}(n, [%lld, -1, %lld], oh, ow))",
                    sets, places, sets, sets, places);
    if (tn_grad_x(g, 4))
        tn_grad_formula(g, "s = s * Reshape(x4, Concat{axis=0}(n, [%lld, 1, %lld], oh, ow))", sets, places);
    tn_value *y =
        tn_grad_formula(g,
                        "columns = Reshape(s, Concat{axis=0}(n, [%lld, -1], oh * ow));"
                        "filters = Reshape(x1, Concat{axis=0}([1, %lld], Gather(Shape(x1), [0]) / [%lld], [-1]));"
                        "out = Reshape(MatMul(filters, columns), Shape(y))",
                        group, group, group);
    if (tn_grad_x(g, 3)) y = tn_grad_formula(g, "out + Unsqueeze(x3, [1, 2])");
    tn_grad_through(g, mark, &y, 1);
    return g->st;
}
