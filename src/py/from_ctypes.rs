//! `Ctypes`: reads the layouts of ctypes classes. `loaded`: returns a Python module if the module was imported before.

use std::collections::HashSet;

use super::fallible::{self, arguments, found};
use crate::name;
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDict, PyString, PyTuple, PyType};

use crate::abi::DataModel;
use crate::align::Align;
use crate::endian::Endian;
use crate::format::Limits;
use crate::layout::{BitField, Layout, LayoutBuilder, MemberSpec, NulHandling, Scalar, Type};
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
        let py = module.py();
        Ok(Self {
            structure: module.getattr(name!(py, "Structure"))?,
            union: module.getattr(name!(py, "Union"))?,
            array: module.getattr(name!(py, "Array"))?,
            pointer: module.getattr(name!(py, "_Pointer"))?,
            function: module.getattr(name!(py, "CFuncPtr"))?,
            simple: module.getattr(name!(py, "_SimpleCData"))?,
            sizeof: module.getattr(name!(py, "sizeof"))?,
            alignment: module.getattr(name!(py, "alignment"))?,
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
    /// - `class` is not a ctypes class, or is a structure or a union without `_fields_`: `TypeError`
    /// - the records are nested too deeply: `ValueError`
    /// - `_fields_` of the class was changed after ctypes computed the layout: `ValueError`
    pub fn layout(&self, class: &Bound<'py, PyType>, items: bool) -> PyResult<Layout> {
        if !self.is_data(class)? {
            return Err(fallible::error::<PyTypeError>(format!(
                "{} is not a class of ctypes",
                escape(&*class.name()?.to_string_lossy())
            )));
        }
        let class = if items { self.element(class)?.0 } else { class.clone() };
        let mut builder = LayoutBuilder::new(self.size(&class)?, &DataModel::HOST);
        let align: u64 = self.alignment.call1(arguments(class.py(), [&class])?)?.extract()?;
        builder.align(Align::new(align).unwrap_or(Align::ONE));
        self.add(&mut builder, &class, None, 0)?;
        Ok(builder.finish())
    }

    /// Returns the size of an instance of `class` in bytes. Returns a `TypeError` if `class` has no size, as a
    /// structure without `_fields_`.
    fn size(&self, class: &Bound<'py, PyType>) -> PyResult<u64> {
        let size = self.sizeof.call1(arguments(class.py(), [class])?).map_err(|error| {
            if error.is_instance_of::<PyTypeError>(class.py()) {
                let message = "it has no size: give a structure or a union that has `_fields_`";
                return fallible::error::<PyTypeError>(format!(
                    "ctypes class {} has no layout: {message}",
                    name_of(class)
                ));
            }
            error
        })?;
        size.extract()
    }

    /// Returns the innermost element class of the array `class`, and the lengths of its dimensions, outermost first.
    /// If `class` is not an array, returns `class` and an empty shape. Returns an error if the size of `class` is not
    /// the size of its elements.
    fn element(&self, class: &Bound<'py, PyType>) -> PyResult<(Bound<'py, PyType>, Vec<u64>)> {
        let (mut class, mut shape) = (class.clone(), Vec::new());
        while class.is_subclass(&self.array)? && shape.len() <= Limits::DEFAULT.dimensions {
            let py = class.py();
            let length: u64 = class.getattr(name!(py, "_length_"))?.extract()?;
            let inner = class.getattr(name!(py, "_type_"))?.cast_into::<PyType>()?;
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
        let (class, mut shape) = self.element(class)?;
        let size = self.size(&class)?;
        // ctypes reads a field that is an array of characters as one `bytes` or `str`, up to the first NUL. An item, or
        // the elements of an array with several dimensions, are arrays of single characters.
        if let ([length], Some(_)) = (shape.as_slice(), name)
            && class.is_subclass(&self.simple)?
        {
            let character = scalar(&class, size)?;
            let ty = match character.ty {
                Type::Char => Some(Type::Bytes),
                Type::Wchar => Some(Type::Wchar),
                _ => None,
            };
            if let Some(ty) = ty
                && let Some(size) = size.checked_mul(*length)
            {
                shape.clear();
                let member = MemberSpec { name, offset, shape: &shape };
                builder.text(member, Scalar { ty, size, ..character }, NulHandling::StopAtFirst)?;
                return Ok(());
            }
        }
        let member = MemberSpec { name, offset, shape: &shape };
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

    /// Adds the names of the fields of anonymous members to `names`. The anonymous members are the members of `fields`
    /// that `anonymous` lists. `depth` is the number of enclosing anonymous members. ctypes makes these names
    /// attributes of the outer class. If the outer class has a field of the same name, the attribute replaces the
    /// field. Returns an error if there are too many names or levels.
    fn promoted(
        &self,
        fields: &Bound<'py, PyAny>,
        anonymous: &Bound<'py, PyAny>,
        names: &mut HashSet<Vec<u8>>,
        depth: usize,
    ) -> PyResult<()> {
        if depth > Limits::DEFAULT.depth || names.len() > Limits::DEFAULT.items {
            return Err(fallible::error::<PyValueError>("anonymous members are too many, or too deep"));
        }
        for field in fields.try_iter()? {
            let field = field?;
            let py = field.py();
            let kind = field.get_item(1)?;
            if !anonymous.contains(field.get_item(0)?)? || !kind.hasattr(name!(py, "_fields_"))? {
                continue;
            }
            let inner = kind.getattr(name!(py, "_fields_"))?;
            for field in inner.try_iter()? {
                names.insert(field?.get_item(0)?.extract::<String>()?.into_bytes());
            }
            if let Some(anonymous) = kind.getattr_opt(name!(py, "_anonymous_"))? {
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
            owner = owner.getattr(name!(py, "__base__"))?.cast_into::<PyType>()?;
        }
        // The `__dict__` of the metaclass is read, because a class may have a field named `__dict__`.
        let dict_of = py.get_type::<PyType>().getattr(name!(py, "__dict__"))?.get_item(name!(py, "__dict__"))?;
        for owner in owners.into_iter().rev() {
            let dict = dict_of.call_method1(name!(py, "__get__"), arguments(py, [&owner])?)?;
            let Some(fields) = found(py, dict.get_item(name!(py, "_fields_")))? else { continue };
            let mut hidden = HashSet::new();
            let mut units = StorageUnits::default();
            if let Some(anonymous) = found(py, dict.get_item(name!(py, "_anonymous_")))? {
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
                let Some(descriptor) = found(py, dict.get_item(&name))? else {
                    return Err(changed(&owner, &format!("it has no field `{}`", escape(text))));
                };
                if descriptor.get_type().name()? != "CField" {
                    return Err(changed(&owner, &format!("its attribute `{}` is no field", escape(text))));
                }
                let offset: i64 = descriptor.getattr(name!(py, "offset"))?.extract()?;
                let size = self.size(&kind)?;
                if field.len() > 2 {
                    let value = scalar(&kind, size)?;
                    let is_union = class.is_subclass(&self.union)?;
                    let placed = descriptor
                        .getattr(name!(py, "size"))?
                        .extract()
                        .ok()
                        .and_then(|encoded: u64| units.place(value, offset, encoded, is_union));
                    let Some((bits, offset)) = placed else {
                        return Err(changed(&owner, &format!("the position of its bit-field `{name}` is unknown")));
                    };
                    builder.bit_field(MemberSpec { name: Some(text), offset, shape: &[] }, bits, value.endian)?;
                    continue;
                }
                let offset = u64::try_from(offset)
                    .map_err(|_| changed(&owner, &format!("its field `{}` is at byte {offset}", escape(text))))?;
                if descriptor.getattr(name!(py, "size"))?.extract::<u64>()? != size {
                    return Err(changed(&kind, "it has another size than the field of that type"));
                }
                self.add(builder, &kind, Some(text), offset)?;
            }
        }
        Ok(())
    }
}

/// The storage unit of the last bit-field of a structure. A storage unit is the integer in which ctypes allocates
/// bit-fields.
#[derive(Default)]
struct StorageUnits {
    /// The size of the storage unit in bytes, or 0 before the first bit-field. Not used for big-endian classes.
    size: u64,
}

impl StorageUnits {
    /// Returns the next bit-field of a structure, and the offset in bytes of its first byte in the structure. Returns
    /// `None` if the numbers of ctypes are impossible.
    ///
    /// `value` is the type of the values. `offset` is the attribute `offset` of the `CField` in bytes, and `encoded` is
    /// its attribute `size`: the number of bits times 65,536, plus the number of bits below the bit-field.
    ///
    /// Before CPython 3.14, these attributes are not always right. The cases were compared with the attributes of
    /// CPython 3.14, which agree with C compilers:
    ///
    /// - A bit-field with a smaller type than its storage unit. ctypes reports an integer of the smaller type at the
    ///   end of the storage unit. If the bits are inside this integer, ctypes reads and writes the bits of this
    ///   integer. Otherwise ctypes always reads 0. The result then has the position in the storage unit that a C
    ///   compiler chooses.
    /// - A bit-field of a union. ctypes reports a negative offset. The bits are the first bits of the union.
    fn place(&mut self, value: Scalar, offset: i64, encoded: u64, is_union: bool) -> Option<(BitField, u64)> {
        let (width, low_bit) = (u8::try_from(encoded >> 16_u32).ok()?, encoded & 0xffff);
        let in_type = |low_bit| BitField::in_unit(value.ty, value.size, value.endian, low_bit, width);
        let Ok(offset) = u64::try_from(offset) else {
            let low_bit = match value.endian {
                Endian::Little => 0,
                Endian::Big => value.size.checked_mul(8)?.checked_sub(width.into())?,
            };
            return in_type(low_bit).filter(|_| is_union);
        };
        // In little-endian byte order, a bit-field at bit 0 starts a storage unit. A later bit-field can enlarge the unit.
        self.size = if low_bit == 0 { value.size } else { self.size.max(value.size) };
        if let Some((bits, byte)) = in_type(low_bit) {
            return Some((bits, offset.checked_add(byte)?));
        }
        let end = offset.checked_add(value.size)?;
        match value.endian {
            Endian::Little => {
                let (bits, byte) = BitField::in_unit(value.ty, self.size, value.endian, low_bit, width)?;
                Some((bits, end.checked_sub(self.size)?.checked_add(byte)?))
            }
            // Big-endian bits count from the end of the storage unit, so the size of the unit is not needed.
            Endian::Big => BitField::in_unit(value.ty, end, value.endian, low_bit, width),
        }
    }
}

/// Returns the text of `class` for a message, such as `<class '_ctypes.Structure'>`.
fn name_of(class: &Bound<'_, PyType>) -> String {
    escape(&class.to_string()).into_owned()
}

/// Creates the `ValueError` for `class`, whose layout cannot be read. `why` is the reason.
fn changed(class: &Bound<'_, PyType>, why: &str) -> PyErr {
    fallible::error::<PyValueError>(format!("ctypes class {} has no layout: {why}", name_of(class)))
}

/// Returns the scalar type of `class`, such as `int32` for `c_int`. The attribute `_type_` of `class` is a letter. The
/// letter and `size` determine the type. `size` is the size of a value in bytes. Returns an error if the letter is
/// unknown.
fn scalar(class: &Bound<'_, PyType>, size: u64) -> PyResult<Scalar> {
    let letter: String = class.getattr(name!(class.py(), "_type_"))?.extract()?;
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
    let py = class.py();
    let is_own = |attribute| Ok::<_, PyErr>(class.getattr_opt(attribute)?.is_some_and(|other| other.is(class)));
    let endian = match (is_own(name!(py, "__ctype_le__"))?, is_own(name!(py, "__ctype_be__"))?) {
        (true, false) => Endian::Little,
        (false, true) => Endian::Big,
        _ => Endian::HOST,
    };
    Ok(Scalar { ty, size, endian })
}

/// Returns `sys.modules[name]`. Returns `None` if the module was not imported. In this case, no object can have a class
/// of the module.
///
/// # Errors
/// - there is not enough memory: `MemoryError`
pub fn loaded<'py>(py: Python<'py>, name: &str) -> PyResult<Option<Bound<'py, PyAny>>> {
    static SYS: PyOnceLock<Py<PyModule>> = PyOnceLock::new();

    let sys = SYS.get_or_try_init(py, || py.import(name!(py, "sys")).map(Bound::unbind))?.bind(py);
    let modules = sys.getattr(name!(py, "modules"))?.cast_into::<PyDict>()?;
    Ok(modules.get_item(PyString::from_bytes(py, name.as_bytes())?)?.filter(|module| !module.is_none()))
}
