//! Creates ctypes classes for layouts: the Python method `Format.to_ctypes`.

use pep3118::__private::{arguments, text};
use pep3118::name;
use pyo3::exceptions::{PyAttributeError, PySystemError, PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyList, PyType};
use std::collections::HashSet;

use crate::objects;
use crate::tuple_builder::{list, of_texts, tuple};

use pep3118::__private::escape;
use pep3118::Align;
use pep3118::Endian;
use pep3118::abi::DataModel;
use pep3118::layout::{BitField, Declarations, Definition, Field, Language, Layout, MemberType, Type};

/// Creates a ctypes class whose instances have the layout `layout`. If the item is a record, the class is a structure
/// or a union named `name`.
///
/// # Errors
/// - `layout` is for another machine: `ValueError`
/// - ctypes has no type for a field, such as a `float16`: `ValueError`
/// - the class that ctypes creates has other offsets than `layout`: `ValueError`
/// - ctypes reads a bit-field at another position, or the bit-field is not in a record: `ValueError`
pub(super) fn to_ctypes<'py>(py: Python<'py>, layout: &Layout, name: &str) -> PyResult<Bound<'py, PyType>> {
    let host = DataModel { name: layout.model().name, ..DataModel::HOST };
    if *layout.model() != host {
        return Err(objects::error::<PyValueError>(format!(
            "ctypes has the types of this machine, and the layout is for the data model {}",
            layout.model()
        )));
    }
    let ctypes = py.import(name!(py, "ctypes"))?.into_any();
    let item = layout.item();
    if has_bit_fields(layout) {
        let element = class_with_bit_fields(&ctypes, item, name)?;
        return Ok(array(element, item.shape())?.cast_into::<PyType>()?);
    }
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
    let element = match classes.pop() {
        Some(class) => class.into_any(),
        None => value(&ctypes, item)?,
    };
    Ok(array(element, item.shape())?.cast_into::<PyType>()?)
}

/// Creates the ctypes class of `definition`, a structure or a union. `ctypes` is the Python module `ctypes`. `classes`
/// contains the classes of all earlier definitions. The members of `definition` may use these classes. Returns a
/// `ValueError` if ctypes has no class for a member or gives the class another layout.
fn define<'py>(
    ctypes: &Bound<'py, PyAny>,
    definition: &Definition<'_>,
    classes: &[Bound<'py, PyType>],
) -> PyResult<Bound<'py, PyType>> {
    let py = ctypes.py();
    let fields = list(py, std::iter::empty())?;
    let mut anonymous: Vec<&str> = Vec::new();
    for member in &definition.members {
        let ty = match &member.ty {
            MemberType::Value(field) => value(ctypes, *field)?,
            // A definition comes after the definitions of its members, so the class of a member exists.
            MemberType::Defined(inner) => match classes.get(inner.index) {
                Some(class) => class.clone().into_any(),
                None => {
                    debug_assert!(false, "definition {} of {}", inner.index, classes.len());
                    return Err(objects::error::<PySystemError>("a structure is used before its definition"));
                }
            },
            MemberType::Padding | MemberType::Bits(_) => ctypes.getattr(name!(py, "c_ubyte"))?,
        };
        if member.is_overlap {
            anonymous.push(&member.name);
        }
        fields.append(arguments(py, [&objects::string(py, &member.name)?, &array(ty, &member.shape)?])?)?;
    }
    let namespace = objects::dict(py)?;
    if definition.is_packed {
        // Python 3.14 deprecates `_pack_` without `_layout_`.
        namespace.set_item(name!(py, "_layout_"), name!(py, "ms"))?;
        namespace.set_item(name!(py, "_pack_"), objects::number(py, 1)?)?;
    }
    if !anonymous.is_empty() {
        namespace.set_item(name!(py, "_anonymous_"), of_texts(py, &anonymous)?)?;
    }
    namespace.set_item(name!(py, "_fields_"), fields)?;
    let base = ctypes.getattr(if definition.is_union { name!(py, "Union") } else { name!(py, "Structure") })?;
    let bases = tuple(py, [Some(base.clone())].into_iter())?;
    let class = base
        .get_type()
        .call1(arguments(py, [&objects::string(py, &definition.name)?, &bases, &namespace])?)?
        .cast_into::<PyType>()?;
    // ctypes computes the offsets itself, so the offsets are compared with the offsets of the layout.
    let mut differs =
        ctypes.call_method1(name!(py, "sizeof"), arguments(py, [&class])?)?.extract::<u64>()? != definition.size;
    for member in &definition.members {
        differs |=
            class.getattr(text(py, &member.name)?)?.getattr(name!(py, "offset"))?.extract::<u64>()? != member.offset;
    }
    if differs {
        let name = escape(&definition.name);
        return Err(objects::error::<PyValueError>(format!("ctypes gives `{name}` another layout")));
    }
    Ok(class)
}

/// Returns whether a field of `layout` is a bit-field.
fn has_bit_fields(layout: &Layout) -> bool {
    layout.leaves().any(|(_, leaf)| leaf.bit_field().is_some())
}

/// Creates the ctypes structure or union named `name` for one element of `field`, a record that contains bit-fields. A
/// field without a name is named after its offset: `field_4`. The recursion is as deep as records are nested, which the
/// layout bounds.
///
/// # Errors
/// - every error of [`to_ctypes`]
/// - two fields have the same name: `ValueError`
fn class_with_bit_fields<'py>(ctypes: &Bound<'py, PyAny>, field: Field<'_>, name: &str) -> PyResult<Bound<'py, PyAny>> {
    if let Some(bits) = field.bit_field() {
        return Err(no_bit_field(field, bits, "it is not a field of a record"));
    }
    let attribute = |name: &str| ctypes.getattr(text(ctypes.py(), name)?);
    let mut members = Vec::new();
    let mut names = HashSet::new();
    for child in field.fields() {
        let text = child.name().and_then(|name| std::str::from_utf8(name).ok());
        let member = text.map_or_else(|| format!("field_{}", child.offset()), str::to_owned);
        if !names.insert(member.clone()) {
            let message =
                format!("ctypes has one attribute for the two fields `{}` of `{}`", escape(&member), escape(name));
            return Err(objects::error::<PyValueError>(message));
        }
        let bits = child.bit_field();
        let ty = match bits {
            Some(bits) if child.shape().is_empty() => {
                attribute(integer_class(bits.ty()).ok_or_else(|| missing(child))?)?
            }
            Some(bits) => return Err(no_bit_field(child, bits, "it is an array")),
            None => {
                let (layout, name) = (child.to_layout(), format!("{name}_{member}"));
                if has_bit_fields(&layout) {
                    array(class_with_bit_fields(ctypes, child, &name)?, child.shape())?
                } else {
                    to_ctypes(ctypes.py(), &layout, &name)?.into_any()
                }
            }
        };
        members.push(BitMember { name: member, ty, field: child, bits });
    }
    // ctypes places bit-fields itself, and the rules of Python's versions differ. So each rule is tried.
    let packs = [(false, None), (true, None), (true, Some(1)), (true, Some(2)), (true, Some(4)), (true, Some(8))];
    let swapped = if DataModel::HOST.endian == Endian::Little { Endian::Big } else { Endian::Little };
    let mut misplaced = None;
    for order in [DataModel::HOST.endian, swapped] {
        if !members.iter().all(|member| member.has_order(order)) {
            continue;
        }
        for is_padded in [false, true] {
            let Some(fields) = ctypes_fields(ctypes, field, (&members, &names), (order, is_padded))? else { continue };
            for rule in packs {
                let Some(class) = structure(ctypes, field, name, (order, rule), &fields)? else { continue };
                let index = first_misplaced(ctypes, &class, field, &members, order)?;
                if index.is_none() {
                    return Ok(class);
                }
                misplaced = misplaced.max(index);
            }
        }
    }
    // The rule that places most fields right names the field that it does not place.
    let member = misplaced.and_then(|index| members.get(index)).and_then(|member| Some((member.field, member.bits?)));
    Err(match member {
        Some((child, bits)) => no_bit_field(child, bits, "no rule of ctypes places it there"),
        None => objects::error::<PyValueError>(format!(
            "ctypes has no structure `{}` with these offsets beside its bit-fields\n{BIT_FIELD_HELP}",
            escape(name)
        )),
    })
}

/// A field of a record with bit-fields.
struct BitMember<'py, 'l> {
    /// The attribute of the ctypes class.
    name: String,
    /// The ctypes class of the field.
    ty: Bound<'py, PyAny>,
    field: Field<'l>,
    bits: Option<BitField>,
}

impl BitMember<'_, '_> {
    /// Returns whether the field has the right byte order in a ctypes structure whose bit-fields have the byte order
    /// `order`. In a structure in the order of another machine, ctypes also swaps all fields but records.
    fn has_order(&self, order: Endian) -> bool {
        let own = self.field.endian().filter(|_| self.field.size() > 1);
        let is_swapped_by_base = self.bits.is_some() || order != DataModel::HOST.endian;
        own.is_none_or(|own| own == order) || !is_swapped_by_base || self.field.ty() == Type::Record
    }
}

/// The help of the exceptions for bit-fields.
const BIT_FIELD_HELP: &str = "help: View(memory, format) and Record.from_format(format) read a bit-field at any bit";

/// Returns the `ValueError` for `field`, a bit-field that ctypes cannot hold. `reason` completes the sentence "ctypes
/// cannot hold it, because …".
fn no_bit_field(field: Field<'_>, bits: BitField, reason: &str) -> PyErr {
    let name = field.name().map_or_else(String::new, |name| format!(" `{}`", escape(name)));
    objects::error::<PyValueError>(format!(
        "ctypes cannot hold the bit-field{name} of {} at bit {} of byte {}, because {reason}\n{BIT_FIELD_HELP}",
        pep3118::__private::plural(bits.width(), "bit"),
        bits.offset(),
        field.offset()
    ))
}

/// Returns the name of the ctypes class for integers of the type `ty`, or `None` for any other type.
fn integer_class(ty: Type) -> Option<&'static str> {
    Some(match ty {
        Type::Bool => "c_bool",
        Type::Int8 => "c_int8",
        Type::UInt8 => "c_uint8",
        Type::Int16 => "c_int16",
        Type::UInt16 => "c_uint16",
        Type::Int32 => "c_int32",
        Type::UInt32 => "c_uint32",
        Type::Int64 => "c_int64",
        Type::UInt64 => "c_uint64",
        _ => return None,
    })
}

/// Returns the list `_fields_` for the record `record` with the fields `members`, whose bit-fields have the byte order
/// `order`. `names` are the names of the fields. If `is_padded` is `true` and the record is not a union, the list has a
/// field for each gap, and the function returns `None` if two fields share bits.
fn ctypes_fields<'py>(
    ctypes: &Bound<'py, PyAny>,
    record: Field<'_>,
    (members, names): (&[BitMember<'py, '_>], &HashSet<String>),
    (order, is_padded): (Endian, bool),
) -> PyResult<Option<Bound<'py, PyList>>> {
    let py = ctypes.py();
    let fields = list(py, std::iter::empty())?;
    let pad_bytes = |bytes: u64| ctypes.getattr(name!(py, "c_ubyte"))?.mul(objects::number(py, bytes)?);
    let add = |name: &str, ty: &Bound<'py, PyAny>, bits: Option<u64>| {
        let name = text(py, name)?;
        fields.append(match bits {
            Some(bits) => arguments(py, [&name, ty, &objects::number(py, bits)?])?,
            None => arguments(py, [&name, ty])?,
        })
    };
    let pad_name = |at: u64| {
        let mut name = format!("_pad{at}");
        while names.contains(&name) {
            name.push('_');
        }
        name
    };
    // The first bit that no earlier field has.
    let mut at = 0_u64;
    for member in members {
        let first = first_bit(member.field, member.bits, order);
        let end = match member.bits {
            Some(bits) => first.saturating_add(bits.width().into()),
            None => first.saturating_add(member.field.total_size().saturating_mul(8)),
        };
        if is_padded && !record.is_union() {
            let Some(gap) = first.checked_sub(at) else { return Ok(None) };
            match member.bits {
                Some(bits) if gap > 0 && gap <= bits_of(bits) => add(&pad_name(at), &member.ty, Some(gap))?,
                _ if gap >= 8 => add(&pad_name(at), &pad_bytes(gap >> 3_u32)?, None)?,
                _ => {}
            }
        }
        add(&member.name, &member.ty, member.bits.map(|bits| bits.width().into()))?;
        at = end;
    }
    let end = record.size().saturating_mul(8).saturating_sub(at);
    if is_padded && !record.is_union() && end >= 8 {
        add(&pad_name(at), &pad_bytes(end >> 3_u32)?, None)?;
    }
    Ok(Some(fields))
}

/// Returns the number of bits of the type of `bits`.
fn bits_of(bits: BitField) -> u64 {
    match bits.ty() {
        Type::Bool | Type::Int8 | Type::UInt8 => 8,
        Type::Int16 | Type::UInt16 => 16,
        Type::Int32 | Type::UInt32 => 32,
        _ => 64,
    }
}

/// Returns the number of bits of the record before `field`, in the order in which a C compiler for machines with the
/// byte order `order` allocates bits.
fn first_bit(field: Field<'_>, bits: Option<BitField>, order: Endian) -> u64 {
    let byte = field.offset().saturating_mul(8);
    let below = bits.map_or(0, |bits| match order {
        Endian::Big => {
            let above = field.size().saturating_mul(8).saturating_sub(bits.offset().into());
            above.saturating_sub(bits.width().into())
        }
        Endian::Little => bits.offset().into(),
    });
    byte.saturating_add(below)
}

/// Creates a ctypes class named `name` with the fields `fields` for the record `record`. `order` is the byte order of
/// its bit-fields. `is_ms` is whether the rule of Microsoft is requested, and `pack` the value of `_pack_`. Returns
/// `None` if ctypes refuses the class.
fn structure<'py>(
    ctypes: &Bound<'py, PyAny>,
    record: Field<'_>,
    name: &str,
    (order, (is_ms, pack)): (Endian, (bool, Option<u8>)),
    fields: &Bound<'py, PyList>,
) -> PyResult<Option<Bound<'py, PyAny>>> {
    let py = ctypes.py();
    let namespace = objects::dict(py)?;
    if is_ms {
        namespace.set_item(name!(py, "_layout_"), name!(py, "ms"))?;
    }
    if let Some(pack) = pack {
        namespace.set_item(name!(py, "_pack_"), objects::number(py, pack.into())?)?;
    }
    namespace.set_item(name!(py, "_fields_"), fields)?;
    let kind = if record.is_union() { "Union" } else { "Structure" };
    let base = match order {
        order if order == DataModel::HOST.endian => kind.to_owned(),
        Endian::Big => format!("BigEndian{kind}"),
        Endian::Little => format!("LittleEndian{kind}"),
    };
    let base = ctypes.getattr(text(py, &base)?)?;
    let bases = tuple(py, [Some(base.clone())].into_iter())?;
    match base.get_type().call1(arguments(py, [&objects::string(py, name)?, &bases, &namespace])?) {
        Ok(class) => Ok(Some(class)),
        Err(error) if error.is_instance_of::<PyValueError>(py) || error.is_instance_of::<PyTypeError>(py) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Returns the index of the first field of `members` that the ctypes class `class` reads from other bits than the bits
/// of the field in the record `record`. `order` is the byte order of the bit-fields of `class`. Returns the number of
/// fields if only the size of the record differs, and `None` if nothing differs.
fn first_misplaced(
    ctypes: &Bound<'_, PyAny>,
    class: &Bound<'_, PyAny>,
    record: Field<'_>,
    members: &[BitMember<'_, '_>],
    order: Endian,
) -> PyResult<Option<usize>> {
    for (index, member) in members.iter().enumerate() {
        let py = class.py();
        let descriptor = class.getattr(text(py, &member.name)?)?;
        let offset: i64 = descriptor.getattr(name!(py, "offset"))?.extract()?;
        let size: u64 = descriptor.getattr(name!(py, "size"))?.extract()?;
        let is_placed = match (member.bits, u64::try_from(offset)) {
            (Some(bits), Ok(offset)) => {
                let width = u8::try_from(size >> 16_u32).ok();
                let unit = bits_of(bits) >> 3_u32;
                let found = width.and_then(|width| BitField::in_unit(bits.ty(), unit, order, size & 0xffff, width));
                found.is_some_and(|(found, byte)| found == bits && offset.saturating_add(byte) == member.field.offset())
            }
            (None, Ok(offset)) => (offset, size) == (member.field.offset(), member.field.total_size()),
            (_, Err(_)) => false,
        };
        if !is_placed {
            return Ok(Some(index));
        }
    }
    let py = ctypes.py();
    let size: u64 = ctypes.call_method1(name!(py, "sizeof"), arguments(py, [class])?)?.extract()?;
    Ok((size != record.size()).then_some(members.len()))
}

/// Creates the ctypes array class for elements of the class `element` in the shape `shape`: `element * 3 * 2` for the
/// shape (2, 3). Returns the exception of ctypes if the array is too large.
fn array<'py>(element: Bound<'py, PyAny>, shape: &[u64]) -> PyResult<Bound<'py, PyAny>> {
    shape.iter().rev().try_fold(element, |element, dimension| element.mul(objects::number(element.py(), *dimension)?))
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
    let (py, ty, size) = (ctypes.py(), field.ty(), field.size());
    // In ctypes, text is one `c_wchar` or an array of `c_wchar`. A `c_wchar` has `unit` bytes.
    let wchars = |unit: u64| -> PyResult<Bound<'py, PyAny>> {
        let class = ctypes.getattr(name!(py, "c_wchar"))?;
        match size.checked_div(unit) {
            Some(1) => Ok(class),
            Some(count) => class.mul(objects::number(py, count)?),
            // A data model whose `wchar_t` has 0 bytes cannot have text.
            None => Err(missing(field)),
        }
    };
    let name = match ty {
        Type::Bool if size != 1 => return Err(missing(field)),
        Type::Char => "c_char",
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
        Type::Function => {
            return ctypes.call_method1(name!(py, "CFUNCTYPE"), arguments(py, [&py.None().into_bound(py)])?);
        }
        Type::Bytes => return ctypes.getattr(name!(py, "c_char"))?.mul(objects::number(py, size)?),
        Type::Pascal | Type::Void | Type::Bits | Type::Opaque => {
            return ctypes.getattr(name!(py, "c_ubyte"))?.mul(objects::number(py, size)?);
        }
        Type::Wchar if !is_swapped(field) => return wchars(field.model().wchar),
        Type::Ucs4 if !is_swapped(field) && field.model().wchar == 4 => return wchars(4),
        Type::Ucs2 if !is_swapped(field) && field.model().wchar == 2 => return wchars(2),
        ty => integer_class(ty).ok_or_else(|| missing(field))?,
    };
    let class = ctypes.getattr(text(py, name)?).map_err(|error| absent(py, error, field))?;
    if !is_swapped(field) {
        return Ok(class);
    }
    let order = if DataModel::HOST.endian == pep3118::Endian::Little { "__ctype_be__" } else { "__ctype_le__" };
    class.getattr(text(py, order)?).map_err(|error| absent(py, error, field))
}

/// Returns `true` if `field` has the opposite byte order of the machine.
fn is_swapped(field: Field<'_>) -> bool {
    field.size() > 1 && field.endian().is_some_and(|endian| endian != field.model().endian)
}

/// Returns the exception for `error`, the exception of a look-up of the class for `field`: the exception of [`missing`]
/// if ctypes has no such class, and otherwise `error`.
fn absent(py: Python<'_>, error: PyErr, field: Field<'_>) -> PyErr {
    if error.is_instance_of::<PyAttributeError>(py) { missing(field) } else { error }
}

/// Creates the `ValueError` for `field`, a field of a type that ctypes does not have.
fn missing(field: Field<'_>) -> PyErr {
    let order = if is_swapped(field) { "byte-swapped " } else { "" };
    let name = field.name().map_or_else(String::new, |name| format!(" `{}`", escape(name)));
    objects::error::<PyValueError>(format!(
        "ctypes has no type for the {order}{}{name} at byte {}",
        field.ty(),
        field.offset()
    ))
}
