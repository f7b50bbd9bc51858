//! The extension module `pep3118._pep3118`.

use pyo3::prelude::*;

/// What the package `pep3118` is made of: import that.
#[pymodule]
pub mod _pep3118 {
    use pyo3::prelude::*;

    #[pymodule_export]
    use super::super::audit::{_exports_buffers, audit, check};
    #[cfg(feature = "cli")]
    #[pymodule_export]
    use super::super::command::_cli;
    #[pymodule_export]
    use super::super::dtype::dtype_from_pep3118;
    #[pymodule_export]
    use super::super::errors::{BufferRuleError, FormatError};
    #[pymodule_export]
    use super::super::exporter::Exporter;
    #[pymodule_export]
    use super::super::field::Field;
    #[pymodule_export]
    use super::super::format::{Format, calcsize};
    #[pymodule_export]
    use super::super::layout_of::{Difference, diff, layout_of};
    #[pymodule_export]
    use super::super::report::{Finding, Report};
    #[pymodule_export]
    use super::super::view::View;

    /// What `pep3118.struct` is made of.
    #[pymodule]
    #[pyo3(name = "_struct")]
    mod structs {
        use pyo3::prelude::*;

        #[pymodule_export]
        use crate::py::structs::{Struct, clearcache, iter_unpack, unpack_from};

        #[pymodule_init]
        fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
            crate::py::structs::add(module)
        }
    }

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        module.add("__version__", env!("CARGO_PKG_VERSION"))
    }
}
