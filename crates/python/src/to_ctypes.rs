//! Creates ctypes classes for layouts: the Python method `Format.to_ctypes`.

use pyo3::exceptions::{PySystemError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyTuple, PyType};

use pep3118::__private::escape;
use pep3118::Align;
use pep3118::abi::DataModel;
use pep3118::layout::{Declarations, Definition, Field, Language, Layout, MemberType, Type};

/// Creates a ctypes class whose instances have the layout `layout`. If the item is a record, the class is a structure
/// or a union named `name`.
///
/// # Errors
/// - `layout` is for another machine: `ValueError`
/// - ctypes has no type for a field, such as a `float16`: `ValueError`
/// - the class that ctypes creates has other offsets than `layout`: `ValueError`
pub(super) fn to_ctypes<'py>(py: Python<'py>, layout: &Layout, name: &str) -> PyResult<Bound<'py, PyType>> {
    let host = DataModel { name: layout.model().name, ..DataModel::HOST };
    if *layout.model() != host {
        return Err(PyValueError::new_err(format!(
            "ctypes has the types of this machine, and the layout is for the data model {}",
            layout.model()
        )));
    }
    let ctypes = py.import("ctypes")?.into_any();
    let align = |field: Field<'_>| if is_bytes(field) { Align::ONE } else { field.natural_align() };
    let language = Language {
        align: &align,
        can_name_member: &|_| true,
        can_name_type: &|_| true,
        type_name: &|words| words.join("_"),
        has_bit_fields: false,
        element: "element",
    };
    let declarations = Declarations::new(layout, name, &language);
    let mut classes: Vec<Bound<'py, PyType>> = Vec::new();
    for definition in &declarations.definitions {
        let class = define(&ctypes, definition, &classes)?;
        classes.push(class);
    }
    let item = layout.item();
    let element = match classes.pop() {
        Some(class) => class.into_any(),
        None => value(&ctypes, item)?,
    };
    Ok(array(element, item.shape())?.cast_into::<PyType>()?)
}

/// Creates the ctypes class of `definition`, a structure or a union. `ctypes` is the Python module `ctypes`. `classes`
/// contains the classes of all earlier definitions. The members of `definition` may use these classes. Returns the
/// exception of ctypes if a type does not exist.
fn define<'py>(
    ctypes: &Bound<'py, PyAny>,
    definition: &Definition<'_>,
    classes: &[Bound<'py, PyType>],
) -> PyResult<Bound<'py, PyType>> {
    let py = ctypes.py();
    let fields = PyList::empty(py);
    let mut anonymous: Vec<&str> = Vec::new();
    for member in &definition.members {
        let ty = match &member.ty {
            MemberType::Value(field) => value(ctypes, *field)?,
            // A definition comes after the definitions of its members, so the class of a member exists.
            MemberType::Defined(inner) => match classes.get(inner.index) {
                Some(class) => class.clone().into_any(),
                None => {
                    debug_assert!(false, "definition {} of {}", inner.index, classes.len());
                    return Err(PySystemError::new_err("a structure is used before its definition"));
                }
            },
            MemberType::Padding | MemberType::Bits(_) => ctypes.getattr("c_ubyte")?,
        };
        if member.is_overlap {
            anonymous.push(&member.name);
        }
        fields.append((&*member.name, array(ty, &member.shape)?))?;
    }
    let namespace = PyDict::new(py);
    if definition.is_packed {
        // Python 3.14 deprecates `_pack_` without `_layout_`.
        namespace.set_item("_layout_", "ms")?;
        namespace.set_item("_pack_", 1)?;
    }
    if !anonymous.is_empty() {
        namespace.set_item("_anonymous_", anonymous)?;
    }
    namespace.set_item("_fields_", fields)?;
    let base = ctypes.getattr(if definition.is_union { "Union" } else { "Structure" })?;
    let bases = PyTuple::new(py, [&base])?;
    let class = base.get_type().call1((&definition.name, bases, namespace))?.cast_into::<PyType>()?;
    // ctypes computes the offsets itself, so the offsets are compared with the offsets of the layout.
    let mut differs = ctypes.call_method1("sizeof", (&class,))?.extract::<u64>()? != definition.size;
    for member in &definition.members {
        differs |= class.getattr(&*member.name)?.getattr("offset")?.extract::<u64>()? != member.offset;
    }
    if differs {
        let name = escape(&definition.name);
        return Err(PyValueError::new_err(format!("ctypes gives `{name}` another layout")));
    }
    Ok(class)
}

/// Creates the ctypes array class for elements of the class `element` in the shape `shape`: `element * 3 * 2` for the
/// shape (2, 3). Returns the exception of ctypes if the array is too large.
fn array<'py>(element: Bound<'py, PyAny>, shape: &[u64]) -> PyResult<Bound<'py, PyAny>> {
    shape.iter().rev().try_fold(element, |element, dimension| element.mul(*dimension))
}

/// Returns `true` if `field` becomes an array of bytes in ctypes.
fn is_bytes(field: Field<'_>) -> bool {
    matches!(field.ty(), Type::Bytes | Type::Pascal | Type::Void | Type::Bits | Type::Opaque)
}

/// Returns the ctypes class for one element of `field`. `field` must not be a record. `ctypes` is the Python module
/// `ctypes`.
///
/// # Errors
/// - ctypes has no class for the type or the byte order: `ValueError`
fn value<'py>(ctypes: &Bound<'py, PyAny>, field: Field<'_>) -> PyResult<Bound<'py, PyAny>> {
    let (ty, size) = (field.ty(), field.size());
    // In ctypes, text is one `c_wchar` or an array of `c_wchar`. A `c_wchar` has `unit` bytes.
    let wchars = |unit: u64| -> PyResult<Bound<'py, PyAny>> {
        let class = ctypes.getattr("c_wchar")?;
        match size.checked_div(unit) {
            Some(1) => Ok(class),
            Some(count) => class.mul(count),
            // A data model whose `wchar_t` has 0 bytes cannot have text.
            None => Err(missing(field)),
        }
    };
    let name = match ty {
        Type::Bool if size == 1 => "c_bool",
        Type::Char => "c_char",
        Type::Int8 => "c_int8",
        Type::UInt8 => "c_uint8",
        Type::Int16 => "c_int16",
        Type::UInt16 => "c_uint16",
        Type::Int32 => "c_int32",
        Type::UInt32 => "c_uint32",
        Type::Int64 => "c_int64",
        Type::UInt64 => "c_uint64",
        Type::Float32 => "c_float",
        Type::Float64 => "c_double",
        Type::LongDouble => "c_longdouble",
        Type::Complex64 => "c_float_complex",
        Type::Complex128 => "c_double_complex",
        Type::ComplexLongDouble => "c_longdouble_complex",
        Type::Pointer => "c_void_p",
        Type::CharPointer => "c_char_p",
        Type::WcharPointer => "c_wchar_p",
        Type::Object => "py_object",
        Type::Function => return ctypes.call_method1("CFUNCTYPE", (ctypes.py().None(),)),
        Type::Bytes => return ctypes.getattr("c_char")?.mul(size),
        Type::Pascal | Type::Void | Type::Bits | Type::Opaque => return ctypes.getattr("c_ubyte")?.mul(size),
        Type::Wchar if !is_swapped(field) => return wchars(field.model().wchar),
        Type::Ucs4 if !is_swapped(field) && field.model().wchar == 4 => return wchars(4),
        Type::Ucs2 if !is_swapped(field) && field.model().wchar == 2 => return wchars(2),
        _ => return Err(missing(field)),
    };
    let class = ctypes.getattr(name).map_err(|_| missing(field))?;
    if !is_swapped(field) {
        return Ok(class);
    }
    let order = if DataModel::HOST.endian == pep3118::Endian::Little { "__ctype_be__" } else { "__ctype_le__" };
    class.getattr(order).map_err(|_| missing(field))
}

/// Returns `true` if `field` has the opposite byte order of the machine.
fn is_swapped(field: Field<'_>) -> bool {
    field.size() > 1 && field.endian().is_some_and(|endian| endian != field.model().endian)
}

/// Creates the exception for `field`, a field of a type that ctypes does not have.
fn missing(field: Field<'_>) -> PyErr {
    let order = if is_swapped(field) { "byte-swapped " } else { "" };
    let name = field.name().map_or_else(String::new, |name| format!(" `{}`", escape(name)));
    PyValueError::new_err(format!("ctypes has no type for the {order}{}{name} at byte {}", field.ty(), field.offset()))
}
