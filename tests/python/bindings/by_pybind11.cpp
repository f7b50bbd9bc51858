// Two exporters of pybind11: a matrix of doubles, and a matrix that exports every second column.
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
}
