// Two exporters of pybind11: a matrix of doubles, and a matrix that exports every second column. The function `total` is
// a consumer of matrices.
#include <pybind11/pybind11.h>

#include <vector>

namespace py = pybind11;

struct Matrix {
    std::vector<double> cells = {0, 1, 2, 3, 4, 5};
};

// Exports every second column.
struct Strided : Matrix {};

PYBIND11_MODULE(by_pybind11, module, pybind11::mod_gil_not_used()) {
    const auto format = py::format_descriptor<double>::format();
    py::class_<Matrix>(module, "Matrix", py::buffer_protocol())
        .def(py::init<>())
        .def_buffer([format](Matrix &matrix) {
            return py::buffer_info(matrix.cells.data(), sizeof(double), format, 2, {2, 3}, {24, 8});
        });
    py::class_<Strided>(module, "Strided", py::buffer_protocol())
        .def(py::init<>())
        .def_buffer([format](Strided &matrix) {
            return py::buffer_info(matrix.cells.data(), sizeof(double), format, 2, {2, 2}, {24, 16});
        });
    // Returns the sum of the items of any exporter of a matrix of doubles.
    module.def("total", [](const py::buffer &matrix) {
        const py::buffer_info info = matrix.request();
        if (!info.item_type_is_equivalent_to<double>() || info.ndim != 2) {
            throw py::type_error("a matrix of doubles is needed");
        }
        double sum = 0;
        for (py::ssize_t row = 0; row < info.shape[0]; ++row) {
            for (py::ssize_t column = 0; column < info.shape[1]; ++column) {
                const char *start = static_cast<const char *>(info.ptr);
                sum += *reinterpret_cast<const double *>(start + row * info.strides[0] + column * info.strides[1]);
            }
        }
        return sum;
    });
}
