//! Assigns a Python object to a `py_object` field in memory of ctypes. ctypes owns the references to such objects.

use crate::objects;
use pep3118::__private::{arguments, imported};
use pep3118::name;
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyString, PyTuple, PyType};

/// The maximum number of nested structures and arrays that [`assign`] enters.
const DEPTH: usize = 64;

/// Assigns `value` to the `py_object` at the byte `offset` of `instance`, an instance of a ctypes class. The function
/// uses an assignment of ctypes, such as `instance[1].field = value`. Writing the address of `value` to the memory is
/// not enough, because ctypes stores the reference to `value` in a dictionary of the instance that owns the memory.
///
/// # Errors
/// - `instance` has no `py_object` at `offset`: `TypeError`
/// - ctypes raises an exception: the exception is returned unchanged
pub(super) fn assign(instance: &Bound<'_, PyAny>, offset: usize, value: &Bound<'_, PyAny>) -> PyResult<()> {
    let py = instance.py();
    let ctypes = py.import(name!(py, "ctypes"))?;
    let size = |class: &Bound<'_, PyAny>| {
        ctypes.getattr(name!(py, "sizeof"))?.call1(arguments(py, [class])?)?.extract::<usize>()
    };
    let array = ctypes.getattr(name!(py, "Array"))?;
    let (mut instance, mut offset) = (instance.clone(), offset);
    for _ in 0..DEPTH {
        let class = instance.get_type();
        if is_object(&class)? {
            return instance.setattr(name!(py, "value"), value);
        }
        if instance.is_instance(&array)? {
            let element = class.getattr(name!(py, "_type_"))?.cast_into::<PyType>()?;
            let size = size(element.as_any())?;
            let (Some(index), Some(rest)) = (offset.checked_div(size), offset.checked_rem(size)) else { break };
            if is_object(&element)? {
                return instance.set_item(index, value);
            }
            (instance, offset) = (instance.get_item(index)?, rest);
            continue;
        }
        let Some((name, kind, start)) = field_at(&class, offset, &size)? else { break };
        if is_object(&kind)? {
            return instance.setattr(&name, value);
        }
        (instance, offset) = (instance.getattr(&name)?, offset.saturating_sub(start));
    }
    Err(objects::error::<PyTypeError>("ctypes holds the references of this memory, and has no object at this place"))
}

/// Returns `true` if `class` is `ctypes.py_object` or a subclass of `ctypes.py_object`.
fn is_object(class: &Bound<'_, PyType>) -> PyResult<bool> {
    static OBJECT: PyOnceLock<Py<PyType>> = PyOnceLock::new();
    class.is_subclass(imported(&OBJECT, class.py(), "ctypes", "py_object")?)
}

/// A field of a ctypes structure: (name, ctypes class, offset in the structure in bytes).
type CField<'py> = (Bound<'py, PyString>, Bound<'py, PyType>, usize);

/// Returns the field of the structure `class` that contains the byte at `offset`. `size` returns the size of a ctypes
/// class in bytes. Returns `None` if no field contains the byte.
fn field_at<'py>(
    class: &Bound<'py, PyType>,
    offset: usize,
    size: &dyn Fn(&Bound<'_, PyAny>) -> PyResult<usize>,
) -> PyResult<Option<CField<'py>>> {
    let py = class.py();
    for owner in class.mro() {
        let Some(fields) = owner.getattr_opt(name!(py, "_fields_"))? else { continue };
        for field in fields.try_iter()? {
            let field = field?.cast_into::<PyTuple>()?;
            let name = field.get_item(0)?.cast_into::<PyString>()?;
            let kind = field.get_item(1)?.cast_into::<PyType>()?;
            let Some(descriptor) = class.getattr_opt(&name)? else { continue };
            let start: usize = descriptor.getattr(name!(py, "offset"))?.extract()?;
            if offset >= start && offset < start.saturating_add(size(kind.as_any())?) {
                return Ok(Some((name, kind, start)));
            }
        }
    }
    Ok(None)
}
