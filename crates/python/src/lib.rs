//! The extension module `pep3118._pep3118` of the Python package `pep3118`.

mod audit;
mod behavior;
mod borrowed_bytes;
mod cli;
mod dtype;
mod errors;
mod explain;
mod exporter;
mod fastcall;
mod field;
mod format;
mod layout_argument;
mod layout_of;
mod names;
mod objects;
mod pickle;
mod records;
mod report;
mod short_sequence;
mod structs;
mod to_ctypes;
mod tuple_builder;
mod user_types;
mod values;
mod view;

use pyo3::prelude::*;

/// The extension module. Python programs import the package `pep3118`, which reexports this module.
#[pymodule]
pub mod _pep3118 {
    use pyo3::prelude::*;

    #[pymodule_export]
    use crate::audit::{_exports_buffers, audit, check};
    #[pymodule_export]
    use crate::cli::{_cli, _escape, _findings, _rule_id};
    #[pymodule_export]
    use crate::dtype::dtype_from_pep3118;
    #[pymodule_export]
    use crate::errors::{BufferRuleError, FormatError};
    #[pymodule_export]
    use crate::exporter::Exporter;
    #[pymodule_export]
    use crate::field::Field;
    #[pymodule_export]
    use crate::format::{Format, calcsize};
    #[pymodule_export]
    use crate::layout_of::{Difference, diff, layout_of};
    #[pymodule_export]
    use crate::records::RecordCodec;
    #[pymodule_export]
    use crate::report::{Finding, Report};
    #[pymodule_export]
    use crate::user_types::register_type;
    #[pymodule_export]
    use crate::values::{_reduce_row, _restore_row};
    #[pymodule_export]
    use crate::view::View;

    /// The implementation of the Python module `pep3118.struct`.
    #[pymodule]
    #[pyo3(name = "_struct")]
    mod structs {
        use pyo3::prelude::*;

        #[pymodule_export]
        use crate::structs::{Struct, clearcache, unpack_from};

        #[pymodule_init]
        fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
            crate::structs::add(module)
        }
    }

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        pep3118::__private::set_format_exception(crate::errors::format_exception);
        let py = module.py();
        for class in [
            &crate::errors::CAST_ERROR,
            &crate::errors::FIELD_NAME_ERROR,
            &crate::errors::INDEX_COUNT_ERROR,
            &crate::errors::SELECTION_ERROR,
        ] {
            let (name, class) = class.class(py)?;
            module.add(name, class)?;
        }
        // PyO3 creates this class when it first reads an exception, and panics if there is no memory.
        py.get_type::<pyo3::panic::PanicException>();
        crate::view::create_classes(py)?;
        // Registration also sets `Py_TPFLAGS_SEQUENCE`, the flag that `case [first, second]` tests.
        // The class of `collections.abc` under the name of the module that defines it. Python imports this module when it
        // starts. The import of the package `collections` takes as long as a short command of `pep3118`.
        let sequence = py.import(pep3118::name!(py, "_collections_abc"))?.getattr(pep3118::name!(py, "Sequence"))?;
        let view = py.get_type::<crate::view::View>();
        let register = sequence.getattr(pep3118::name!(py, "register"))?;
        register.call1(pep3118::__private::arguments(py, [&view])?)?;
        crate::records::add(module)?;
        module.add("__version__", env!("CARGO_PKG_VERSION"))
    }
}
