// An exporter of nanobind: the object that a `memview` ndarray refers to.
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>

namespace nb = nanobind;

static double cells[6] = {0, 1, 2, 3, 4, 5};

NB_MODULE(by_nanobind, module) {
    module.def("matrix", [] {
        // The cells are static, so the capsule frees nothing.
        nb::capsule owner(cells, [](void *) noexcept {});
        return nb::ndarray<double, nb::memview>(cells, {2, 3}, owner).cast();
    });
}
