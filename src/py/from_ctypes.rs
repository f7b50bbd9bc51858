//! `Ctypes`: reads the layouts of ctypes classes.

use std::collections::HashSet;

use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDict, PyString, PyTuple, PyType};

use crate::abi::DataModel;
use crate::align::Align;
use crate::endian::Endian;
use crate::format::Limits;
use crate::layout::{Layout, LayoutBuilder, MemberSpec, Scalar, Type};
use crate::text::escape;

/// The base classes and functions of the Python module `_ctypes` that are needed to read a layout.
pub struct Ctypes<'py> {
    structure: Bound<'py, PyAny>,
    union: Bound<'py, PyAny>,
    array: Bound<'py, PyAny>,
    pointer: Bound<'py, PyAny>,
    function: Bound<'py, PyAny>,
    simple: Bound<'py, PyAny>,
    sizeof: Bound<'py, PyAny>,
    alignment: Bound<'py, PyAny>,
}

impl<'py> Ctypes<'py> {
    /// Collects the classes and functions of `module`, which must be `_ctypes`.
    ///
    /// # Errors
    /// - `module` does not have one of the classes or functions: `AttributeError`
    pub fn of(module: &Bound<'py, PyAny>) -> PyResult<Self> {
        Ok(Self {
            structure: module.getattr("Structure")?,
            union: module.getattr("Union")?,
            array: module.getattr("Array")?,
            pointer: module.getattr("_Pointer")?,
            function: module.getattr("CFuncPtr")?,
            simple: module.getattr("_SimpleCData")?,
            sizeof: module.getattr("sizeof")?,
            alignment: module.getattr("alignment")?,
        })
    }

    /// Returns whether `class` is a ctypes class whose instances own or refer to memory, such as `c_int` or a
    /// structure.
    ///
    /// # Errors
    /// - a metaclass raises an exception: the exception is returned unchanged
    pub fn is_data(&self, class: &Bound<'py, PyType>) -> PyResult<bool> {
        for base in [&self.simple, &self.structure, &self.array, &self.union, &self.pointer, &self.function] {
            if class.is_subclass(base)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Returns the layout of `class`. If `items` is `true` and `class` is an array, returns the layout of the
    /// innermost element of the array. ctypes reports the dimensions of such an array in the shape of the buffer.
    ///
    /// # Errors
    /// - `class` is not a ctypes class: `TypeError`
    /// - `_fields_` of the class was changed after ctypes computed the layout: `ValueError`
    pub fn layout(&self, class: &Bound<'py, PyType>, items: bool) -> PyResult<Layout> {
        if !self.is_data(class)? {
            return Err(PyTypeError::new_err(format!(
                "{} is not a class of ctypes",
                escape(&*class.name()?.to_string_lossy())
            )));
        }
        let class = if items { self.element(class)?.0 } else { class.clone() };
        let mut builder = LayoutBuilder::new(self.size(&class)?, &DataModel::HOST);
        let align: u64 = self.alignment.call1((&class,))?.extract()?;
        builder.align(Align::new(align).unwrap_or(Align::ONE));
        self.add(&mut builder, &class, None, 0)?;
        Ok(builder.finish())
    }

    /// Returns the size of an instance of `class` in bytes. Returns an error if `class` has no size.
    fn size(&self, class: &Bound<'py, PyType>) -> PyResult<u64> {
        self.sizeof.call1((class,))?.extract()
    }

    /// Returns the innermost element class of the array `class`, and the lengths of its dimensions, outermost first.
    /// If `class` is not an array, returns `class` and an empty shape. Returns an error if the size of `class` is not
    /// the size of its elements.
    fn element(&self, class: &Bound<'py, PyType>) -> PyResult<(Bound<'py, PyType>, Vec<u64>)> {
        let (mut class, mut shape) = (class.clone(), Vec::new());
        while class.is_subclass(&self.array)? && shape.len() <= Limits::DEFAULT.dimensions {
            let length: u64 = class.getattr("_length_")?.extract()?;
            let inner = class.getattr("_type_")?.cast_into::<PyType>()?;
            let size = self.size(&class)?;
            if self.size(&inner)?.checked_mul(length) != Some(size) {
                return Err(changed(&class, "its `_length_` and `_type_` do not give its size"));
            }
            shape.push(length);
            class = inner;
        }
        Ok((class, shape))
    }

    /// Adds a field of the type `class` to `builder`. `name` is the name of the field, and `None` means the item
    /// itself. `offset` is the offset in bytes in the enclosing record. Returns an error if `class` is not a ctypes
    /// class, or if the builder rejects the field. The builder limits the depth of the recursion.
    fn add(
        &self,
        builder: &mut LayoutBuilder,
        class: &Bound<'py, PyType>,
        name: Option<&[u8]>,
        offset: u64,
    ) -> PyResult<()> {
        let (class, shape) = self.element(class)?;
        let member = MemberSpec { name, offset, shape: &shape };
        let size = self.size(&class)?;
        let native = |ty| Scalar { ty, size, endian: Endian::HOST };
        if class.is_subclass(&self.structure)? || class.is_subclass(&self.union)? {
            builder.open(member, size)?;
            self.members(builder, &class)?;
            builder.close();
        } else if class.is_subclass(&self.pointer)? {
            builder.value(member, native(Type::Pointer))?;
        } else if class.is_subclass(&self.function)? {
            builder.value(member, native(Type::Function))?;
        } else if class.is_subclass(&self.simple)? {
            builder.value(member, scalar(&class, size)?)?;
        } else {
            return Err(changed(&class, "it is not of ctypes"));
        }
        Ok(())
    }

    /// Adds to `names` the names of the fields inside the members of `fields` that `anonymous` lists. `depth` is the
    /// number of enclosing anonymous members. ctypes makes these names attributes of the outer class. If the outer
    /// class has a field of the same name, the attribute replaces the field. Returns an error if there are too many
    /// names or levels.
    fn promoted(
        &self,
        fields: &Bound<'py, PyAny>,
        anonymous: &Bound<'py, PyAny>,
        names: &mut HashSet<Vec<u8>>,
        depth: usize,
    ) -> PyResult<()> {
        if depth > Limits::DEFAULT.depth || names.len() > Limits::DEFAULT.items {
            return Err(PyValueError::new_err("anonymous members are too many, or too deep"));
        }
        for field in fields.try_iter()? {
            let field = field?;
            let kind = field.get_item(1)?;
            if !anonymous.contains(field.get_item(0)?)? || !kind.hasattr("_fields_")? {
                continue;
            }
            let inner = kind.getattr("_fields_")?;
            for field in inner.try_iter()? {
                names.insert(field?.get_item(0)?.extract::<String>()?.into_bytes());
            }
            if let Ok(anonymous) = kind.getattr("_anonymous_") {
                self.promoted(&inner, &anonymous, names, depth.saturating_add(1))?;
            }
        }
        Ok(())
    }

    /// Adds the fields of the structure or union `class` to `builder`. The fields of its base classes come first. The
    /// offset and the size of a field come from the attribute that ctypes creates for the field (`CField`). Returns an
    /// error if the attributes and `_fields_` contradict each other.
    fn members(&self, builder: &mut LayoutBuilder, class: &Bound<'py, PyType>) -> PyResult<()> {
        let py = class.py();
        let mut owners = Vec::new();
        let mut owner = class.clone();
        while !(owner.is(&self.structure) || owner.is(&self.union)) {
            owners.push(owner.clone());
            owner = owner.getattr("__base__")?.cast_into::<PyType>()?;
        }
        // The `__dict__` of the metaclass is read, because a class may have a field named `__dict__`.
        let dict_of = py.get_type::<PyType>().getattr("__dict__")?.get_item("__dict__")?;
        for owner in owners.into_iter().rev() {
            let dict = dict_of.call_method1("__get__", (&owner,))?;
            let Ok(fields) = dict.get_item("_fields_") else { continue };
            let mut hidden = HashSet::new();
            if let Ok(anonymous) = dict.get_item("_anonymous_") {
                self.promoted(&fields, &anonymous, &mut hidden, 0)?;
            }
            for field in fields.try_iter()? {
                let field = field?.cast_into::<PyTuple>()?;
                let name = field.get_item(0)?.cast_into::<PyString>()?;
                let kind = field.get_item(1)?.cast_into::<PyType>()?;
                let text = name.to_str()?.as_bytes();
                // If two fields have the same name, ctypes creates an attribute only for the last of these fields.
                if !hidden.insert(text.to_vec()) {
                    return Err(changed(&owner, &format!("two of its fields are called `{}`", escape(text))));
                }
                let descriptor = dict.get_item(&name);
                let descriptor =
                    descriptor.map_err(|_| changed(&owner, &format!("it has no field `{}`", escape(text))))?;
                if descriptor.get_type().name()? != "CField" {
                    return Err(changed(&owner, &format!("its attribute `{}` is no field", escape(text))));
                }
                let offset: i64 = descriptor.getattr("offset")?.extract()?;
                let offset = match u64::try_from(offset) {
                    Ok(offset) => offset,
                    // Before 3.14, ctypes reports negative offsets for bit-fields of unions, which start at byte 0.
                    Err(_) if field.len() > 2 && class.is_subclass(&self.union)? => 0,
                    Err(_) => return Err(changed(&owner, &format!("its field `{name}` is at byte {offset}"))),
                };
                let size = self.size(&kind)?;
                if field.len() > 2 {
                    // The integer that contains the bit-field is added as bits, because several bit-fields may share
                    // this integer. In CPython 3.14, a packed structure may end before the integer ends.
                    let available = self.size(class)?.saturating_sub(offset);
                    let unit = Scalar { ty: Type::Bits, size: size.min(available), endian: Endian::HOST };
                    builder.value(MemberSpec { name: Some(text), offset, shape: &[] }, unit)?;
                    continue;
                }
                if descriptor.getattr("size")?.extract::<u64>()? != size {
                    return Err(changed(&kind, "it has another size than the field of that type"));
                }
                self.add(builder, &kind, Some(text), offset)?;
            }
        }
        Ok(())
    }
}

/// Creates the `ValueError` for `class`, whose layout cannot be read. `why` is the reason.
fn changed(class: &Bound<'_, PyType>, why: &str) -> PyErr {
    PyValueError::new_err(format!("ctypes class {} has no layout: {why}", escape(&class.to_string())))
}

/// Returns the scalar type of `class`, such as `int32` for `c_int`. The letter in the attribute `_type_` and `size`,
/// the size in bytes, determine the type. Returns an error if the letter is unknown.
fn scalar(class: &Bound<'_, PyType>, size: u64) -> PyResult<Scalar> {
    let letter: String = class.getattr("_type_")?.extract()?;
    let ty = match (letter.as_str(), size) {
        ("c", 1) => Type::Char,
        ("b", 1) => Type::Int8,
        ("B", 1) => Type::UInt8,
        ("h" | "i" | "l" | "q", 2) => Type::Int16,
        ("h" | "i" | "l" | "q", 4) => Type::Int32,
        ("h" | "i" | "l" | "q", 8) => Type::Int64,
        ("H" | "I" | "L" | "Q", 2) => Type::UInt16,
        ("H" | "I" | "L" | "Q", 4) => Type::UInt32,
        ("H" | "I" | "L" | "Q", 8) => Type::UInt64,
        ("f", _) => Type::Float32,
        ("d", _) => Type::Float64,
        ("g", _) => Type::LongDouble,
        ("?" | "v", _) => Type::Bool,
        // The letters of the complex types changed between alphas of 3.14. The sizes did not change.
        ("C" | "D" | "E" | "F" | "G" | "Zf" | "Zd" | "Zg", 8) => Type::Complex64,
        ("C" | "D" | "E" | "F" | "G" | "Zf" | "Zd" | "Zg", 16) if !matches!(letter.as_str(), "G" | "Zg") => {
            Type::Complex128
        }
        ("C" | "D" | "E" | "F" | "G" | "Zf" | "Zd" | "Zg", _) => Type::ComplexLongDouble,
        ("u", _) => Type::Wchar,
        ("z", _) => Type::CharPointer,
        ("Z", _) => Type::WcharPointer,
        // "X" is a BSTR, whose length is stored before its characters.
        ("P" | "X", _) => Type::Pointer,
        ("O", _) => Type::Object,
        _ => return Err(changed(class, &format!("`{letter}` of {size} bytes is no letter of ctypes"))),
    };
    // `__ctype_le__` of a number class is the little-endian class of this number, and `__ctype_be__` the big-endian
    // class. Classes without a byte order do not have these attributes.
    let is_own = |attribute| class.getattr(attribute).is_ok_and(|other| other.is(class));
    let endian = match (is_own("__ctype_le__"), is_own("__ctype_be__")) {
        (true, false) => Endian::Little,
        (false, true) => Endian::Big,
        _ => Endian::HOST,
    };
    Ok(Scalar { ty, size, endian })
}

/// Returns `sys.modules[name]`. Returns `None` if the module was not imported. No object can then have a class of the
/// module.
///
/// # Errors
/// - there is not enough memory: `MemoryError`
pub fn loaded<'py>(py: Python<'py>, name: &str) -> PyResult<Option<Bound<'py, PyAny>>> {
    static SYS: PyOnceLock<Py<PyModule>> = PyOnceLock::new();

    let sys = SYS.get_or_try_init(py, || py.import("sys").map(Bound::unbind))?.bind(py);
    let modules = sys.getattr(intern!(py, "modules"))?.cast_into::<PyDict>()?;
    Ok(modules.get_item(PyString::from_bytes(py, name.as_bytes())?)?.filter(|module| !module.is_none()))
}
