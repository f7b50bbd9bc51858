//! The extension module of the Python package `pep3118`; all of it is in `src/py`.

pub use pep3118::py::module::_pep3118;
