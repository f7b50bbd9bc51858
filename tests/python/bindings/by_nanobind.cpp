// An exporter of nanobind: the object behind an `ndarray` that was not converted.
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>

namespace nb = nanobind;

static double cells[6] = {0, 1, 2, 3, 4, 5};

NB_MODULE(by_nanobind, module) {
    module.def("matrix", [] {
        // They are never freed.
        nb::capsule owner(cells, [](void *) noexcept {});
        return nb::ndarray<double, nb::memview>(cells, {2, 3}, owner).cast();
    });
}
