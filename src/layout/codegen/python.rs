//! [`Layout::to_python`]: generates Python source that describes a layout for a [`PythonLibrary`].

use alloc::collections::BTreeSet;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::declarations::{
    BitPiece, Declarations, Definition, Language, Member, MemberType, is_identifier, member_comment,
};
use super::error::SourceError;
use super::source::refused_type;
use crate::align::Align;
use crate::endian::Endian;
use crate::layout::{Field, Layout, Type};
use crate::named::named_enum;
use crate::text::plural;

named_enum! {
    /// A Python library for which [`Layout::to_python`] describes a layout.
    ///
    /// ```
    /// use pep3118::layout::PythonLibrary;
    /// assert_eq!(PythonLibrary::by_name("numpy"), Some(PythonLibrary::NumPy));
    /// ```
    #[non_exhaustive]
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
    pub enum PythonLibrary {
        /// A `numpy.dtype`.
        NumPy = "numpy",
        /// Classes of the module `ctypes`, with assertions of the size and of the offsets.
        Ctypes = "ctypes",
        /// A `construct.Struct`.
        Construct = "construct",
        /// The C types of a `dissect.cstruct.cstruct`.
        Dissect = "dissect",
        /// A record class of the Python package `pep3118`, with annotations that type checkers read.
        Record = "python-record",
    }
}

impl Layout {
    /// Returns Python source that assigns the description of the layout for `library` to the variable `name`.
    ///
    /// The source declares every byte order and every pad byte. The description does not depend on the machine, with
    /// one exception: a record class with the padding of C has the alignments of the machine. The source asserts its
    /// size. A field whose name is not the name of a member in `library` becomes `field_4` (at byte 4).
    ///
    /// ```
    /// use pep3118::layout::PythonLibrary;
    /// use pep3118::{DataModel, Dialect, Layout};
    /// let layout = Layout::read(b"T{<H:id:>d:price:}", &Dialect::PEP3118, &DataModel::LP64)?;
    /// let source = layout.to_python("tick", PythonLibrary::Construct).unwrap();
    /// assert!(source.contains("tick = Struct(\n    \"id\" / Int16ul,\n    \"price\" / Float64b,\n)\n"));
    /// let error = layout.to_python("tick", PythonLibrary::Dissect).unwrap_err();
    /// assert_eq!(error.to_string(), "dissect cannot describe float64 `price`: all fields have one byte order");
    /// # Ok::<(), pep3118::LayoutError>(())
    /// ```
    ///
    /// # Errors
    /// - `to_python("class", …)` or `to_python("np", …)`, because a variable of the source cannot have this name:
    ///   [`SourceError::Name`]
    /// - a field whose type the library does not have, such as a `longdouble`: [`SourceError::Type`]
    /// - a bit-field, except for `Record`: [`SourceError::Type`]
    /// - two byte orders for [`Dissect`](PythonLibrary::Dissect) or [`Record`](PythonLibrary::Record), and fields that
    ///   share bytes or an item that is not one record for `Record`: [`SourceError::Type`]
    /// - an item of 0 bytes for `Record`: [`SourceError::EmptyItem`]
    pub fn to_python(&self, name: &str, library: PythonLibrary) -> Result<String, SourceError> {
        if !is_python_name(name) || USED_NAMES.contains(&name) {
            return Err(SourceError::Name { language: "Python", name: name.to_string() });
        }
        if library != PythonLibrary::Record
            && let Some((_, field)) = self.leaves().find(|(_, leaf)| leaf.bit_field().is_some())
        {
            return Err(refused(library.as_str(), field, NO_BIT_FIELDS));
        }
        let head = format!("# {} for the data model {}.\n", plural(self.size(), "byte"), self.model());
        let body = match library {
            PythonLibrary::NumPy => {
                let dtype = with_shape_numpy(&numpy_type(self.item(), 0)?, self.item().shape());
                format!("import numpy as np\n\n{name} = np.dtype({dtype})\nassert {name}.itemsize == {}\n", self.size())
            }
            PythonLibrary::Ctypes => ctypes_source(self, name)?,
            PythonLibrary::Construct => construct_source(self, name)?,
            PythonLibrary::Dissect => dissect_source(self, name)?,
            PythonLibrary::Record => record_source(self, name)?,
        };
        Ok(format!("{head}{body}"))
    }
}

/// The names that the generated source uses.
const USED_NAMES: &[&str] = &["construct", "cstruct", "ctypes", "np"];

/// The keywords of Python.
const KEYWORDS: &[&str] = &[
    "False", "None", "True", "and", "as", "assert", "async", "await", "break", "class", "continue", "def", "del",
    "elif", "else", "except", "finally", "for", "from", "global", "if", "import", "in", "is", "lambda", "nonlocal",
    "not", "or", "pass", "raise", "return", "try", "while", "with", "yield",
];

/// Returns whether a member or a variable of Python can have the name `name`: an identifier of ASCII characters that is
/// not a keyword and does not start with `__`.
pub fn is_python_name(name: &str) -> bool {
    is_identifier(name) && !KEYWORDS.contains(&name) && !name.starts_with("__")
}

/// Returns the declarations of `layout` as a type with the name `name`, for a library that reads the members one after
/// the other. `can_name_member` returns whether its argument can be the name of a member.
fn declarations<'l>(layout: &'l Layout, name: &str, can_name_member: &dyn Fn(&str) -> bool) -> Declarations<'l> {
    let language = Language {
        align: &|_| Align::ONE,
        can_name_member,
        can_name_type: &|name| can_name_member(name) && !USED_NAMES.contains(&name),
        type_name: &|words| words.join("_"),
        has_bit_fields: false,
        element: "element",
    };
    Declarations::new(layout, name, &language)
}

/// Returns the error for `field`, which `library` cannot describe. `reason` is a clause, such as [`NO_TYPE`].
fn refused(library: &'static str, field: Field<'_>, reason: &str) -> SourceError {
    let name = field.name_text().map(|name| format!(" `{}`", crate::text::escape(&name))).unwrap_or_default();
    SourceError::Type { library, what: format!("{}{name}", field.ty()), reason: reason.to_string() }
}

/// The reason why a `long double` cannot be described.
const NO_LONG_DOUBLE: &str = "the library has the long double of its own machine only";
/// The reason why a bit-field cannot be described. NumPy has no bit-fields, and the other libraries place bit-fields by
/// rules of their own.
const NO_BIT_FIELDS: &str = "the library cannot place a bit-field at every bit";
/// The reason why a field with a type that the library does not have cannot be described.
const NO_TYPE: &str = "the library has no such type";

/// Returns `text` as a Python string. The string is ASCII.
pub fn python_string(text: &str) -> String {
    let mut out = String::from("\"");
    for character in text.chars() {
        let number = u32::from(character);
        match character {
            '"' | '\\' => out.extend(['\\', character]),
            ' '..='~' => out.push(character),
            _ if number < 0x100 => out.push_str(&format!("\\x{number:02x}")),
            _ if number < 0x1_0000 => out.push_str(&format!("\\u{number:04x}")),
            _ => out.push_str(&format!("\\U{number:08x}")),
        }
    }
    out.push('"');
    out
}

/// Returns `shape` as the text of a Python tuple: `(2, 3)`, `(2,)`.
pub(in crate::layout) fn tuple(shape: &[u64]) -> String {
    let lengths: Vec<String> = shape.iter().map(u64::to_string).collect();
    format!("({}{})", lengths.join(", "), if shape.len() == 1 { "," } else { "" })
}

/// Returns the NumPy type `ty` as an array with the dimensions `shape`.
fn with_shape_numpy(ty: &str, shape: &[u64]) -> String {
    if shape.is_empty() { ty.to_string() } else { format!("({ty}, {})", tuple(shape)) }
}

/// Returns the argument of `numpy.dtype` for one element of `field`. `level` is the number of enclosing records.
/// Returns an error if NumPy has no type for a field.
// The function calls itself once per level of nested records. The parser and `LayoutBuilder` permit 64 levels.
fn numpy_type(field: Field<'_>, level: usize) -> Result<String, SourceError> {
    if field.ty() != Type::Record {
        return Ok(format!("\"{}\"", numpy_code(field)?));
    }
    let indent = "    ".repeat(level);
    let (mut names, mut formats, mut offsets) = (Vec::new(), Vec::new(), Vec::new());
    let mut used = BTreeSet::new();
    for member in field.fields() {
        let text = member.name().and_then(|name| core::str::from_utf8(name).ok()).filter(|name| !name.is_empty());
        let mut name = text.map_or_else(|| format!("field_{}", member.offset()), String::from);
        if !used.insert(name.clone()) {
            name = format!("{name}_{}", used.len());
            if !used.insert(name.clone()) {
                return Err(refused("numpy", member, "two fields have one name"));
            }
        }
        names.push(python_string(&name));
        formats.push(with_shape_numpy(&numpy_type(member, level.saturating_add(1))?, member.shape()));
        offsets.push(member.offset().to_string());
    }
    Ok(format!(
        "{{\n{indent}    \"names\": [{}],\n{indent}    \"formats\": [{}],\n{indent}    \"offsets\": [{}],\n{indent}    \"itemsize\": {},\n{indent}}}",
        names.join(", "),
        formats.join(", "),
        offsets.join(", "),
        field.size()
    ))
}

/// Returns the type string of NumPy for one element of `field`, which is not a record: `<i4`. Returns an error if NumPy
/// has no such type.
fn numpy_code(field: Field<'_>) -> Result<String, SourceError> {
    let order = match field.endian() {
        Some(Endian::Little) => "<",
        Some(Endian::Big) => ">",
        None => "|",
    };
    let size = field.size();
    // `unit` is 4 in each call, so the default is never used.
    let characters = |unit: u64| size.checked_div(unit).unwrap_or(0);
    Ok(match field.ty() {
        Type::Bool if size == 1 => "?".to_string(),
        Type::Char | Type::Bytes => format!("S{size}"),
        Type::Int8 | Type::Int16 | Type::Int32 | Type::Int64 => format!("{order}i{size}"),
        Type::UInt8 | Type::UInt16 | Type::UInt32 | Type::UInt64 => format!("{order}u{size}"),
        Type::Float16 | Type::Float32 | Type::Float64 => format!("{order}f{size}"),
        Type::Complex64 | Type::Complex128 => format!("{order}c{size}"),
        Type::Ucs4 => format!("{order}U{}", characters(4)),
        Type::Wchar if field.natural_align().bytes() == 4 => format!("{order}U{}", characters(4)),
        Type::Void | Type::Opaque | Type::Bits => format!("V{size}"),
        Type::Pointer | Type::CharPointer | Type::WcharPointer | Type::Function | Type::Object => {
            format!("{order}u{size}")
        }
        Type::LongDouble | Type::ComplexLongDouble => return Err(refused("numpy", field, NO_LONG_DOUBLE)),
        Type::Bool | Type::Complex32 | Type::Pascal | Type::Ucs2 | Type::Wchar | Type::Record => {
            return Err(refused("numpy", field, NO_TYPE));
        }
    })
}

/// Returns the Python source that declares `layout` for the library `ctypes`, as a type with the name `name`. A field
/// without a type in `ctypes` is declared as integers or bytes, with a comment, so the function never returns an error.
fn ctypes_source(layout: &Layout, name: &str) -> Result<String, SourceError> {
    let can_name_member = |name: &str| is_python_name(name) && !name.starts_with('_');
    let declarations = declarations(layout, name, &|name| can_name_member(name) || name.starts_with("_pad"));
    let mut out = String::from("import ctypes\n");
    for definition in &declarations.definitions {
        let Definition { name, is_union, size, members, empty_fields, .. } = &**definition;
        let base = if *is_union { "Union" } else { "Structure" };
        out.push_str(&format!("\n\nclass {name}(ctypes.{base}):\n"));
        // CPython 3.14 requires `_layout_` beside `_pack_`. Without bit-fields, the value of `_layout_` has no effect.
        out.push_str("    _layout_ = \"ms\"\n    _pack_ = 1\n    _fields_ = [\n");
        for member in members {
            let (ty, note) = match &member.ty {
                MemberType::Value(field) => ctypes_type(*field),
                MemberType::Defined(inner) => (inner.name.clone(), String::new()),
                MemberType::Padding | MemberType::Bits(_) => ("ctypes.c_uint8".to_string(), String::new()),
            };
            let ty = member.shape.iter().rev().fold(ty, |ty, length| format!("{ty} * {length}"));
            let note = member_comment(member.field_name.as_deref(), &note);
            out.push_str(&format!("        (\"{}\", {ty}),{}\n", member.name, comment(&note)));
        }
        out.push_str("    ]\n");
        for text in empty_fields {
            out.push_str(&format!("   {}\n", comment(text)));
        }
        out.push_str(&format!("\n\nassert ctypes.sizeof({name}) == {size}\n"));
        for member in definition.fields() {
            out.push_str(&format!("assert {name}.{}.offset == {}\n", member.name, member.offset));
        }
    }
    let item = layout.item();
    let element = match declarations.definitions.last() {
        Some(_) if item.shape().is_empty() => return Ok(out),
        Some(element) => element.name.clone(),
        None => ctypes_type(item).0,
    };
    let ty = item.shape().iter().rev().fold(element, |ty, length| format!("{ty} * {length}"));
    out.push_str(&format!("\n{name} = {ty}\n"));
    Ok(out)
}

/// Returns the ctypes type of `field`, which is not a record, and a note: a property of the field that the type does
/// not express.
fn ctypes_type(field: Field<'_>) -> (String, String) {
    let size = field.size();
    let ordered = |name: &str| match field.endian() {
        Some(Endian::Little) => format!("ctypes.{name}.__ctype_le__"),
        Some(Endian::Big) => format!("ctypes.{name}.__ctype_be__"),
        None => format!("ctypes.{name}"),
    };
    let units = |unit: u64, name: &str| match size.checked_div(unit) {
        Some(1) | None => ordered(name),
        Some(units) => format!("{} * {units}", ordered(name)),
    };
    let with_note = |text: String| (text, field.ty().to_string());
    let text = match field.ty() {
        Type::Bool if size == 2 => return with_note(ordered("c_int16")),
        Type::Bool => "ctypes.c_bool".to_string(),
        Type::Char => "ctypes.c_char".to_string(),
        Type::Int8 => "ctypes.c_int8".to_string(),
        Type::UInt8 => "ctypes.c_uint8".to_string(),
        Type::Int16 => ordered("c_int16"),
        Type::UInt16 => ordered("c_uint16"),
        Type::Int32 => ordered("c_int32"),
        Type::UInt32 => ordered("c_uint32"),
        Type::Int64 => ordered("c_int64"),
        Type::UInt64 => ordered("c_uint64"),
        Type::Float32 => ordered("c_float"),
        Type::Float64 => ordered("c_double"),
        Type::Bytes => format!("ctypes.c_char * {size}"),
        Type::Float16 => return with_note(ordered("c_uint16")),
        Type::Complex32 => return with_note(format!("{} * 2", ordered("c_uint16"))),
        Type::Complex64 => return with_note(format!("{} * 2", ordered("c_float"))),
        Type::Complex128 => return with_note(format!("{} * 2", ordered("c_double"))),
        Type::Ucs2 => return with_note(units(2, "c_uint16")),
        Type::Ucs4 => return with_note(units(4, "c_uint32")),
        Type::Wchar if field.natural_align().bytes() == 2 => return with_note(units(2, "c_uint16")),
        Type::Wchar => return with_note(units(4, "c_uint32")),
        // An address of another machine is not a pointer of this machine.
        Type::Pointer | Type::CharPointer | Type::WcharPointer | Type::Function | Type::Object => {
            return with_note(ordered(if size == 4 { "c_uint32" } else { "c_uint64" }));
        }
        Type::LongDouble
        | Type::ComplexLongDouble
        | Type::Pascal
        | Type::Void
        | Type::Bits
        | Type::Opaque
        | Type::Record => return with_note(format!("ctypes.c_uint8 * {size}")),
    };
    (text, String::new())
}

/// Returns the Python source that declares `layout` for the library `construct`, as a type with the name `name`.
/// Returns an error if `construct` has no type for a field, or if `name` starts like the name of a type of `construct`.
fn construct_source(layout: &Layout, name: &str) -> Result<String, SourceError> {
    let is_type = |name: &str| CONSTRUCT_NAMES.iter().any(|prefix| name.starts_with(prefix));
    if is_type(name) {
        return Err(SourceError::Name { language: "construct", name: name.to_string() });
    }
    let declarations = declarations(layout, name, &|name| is_python_name(name) && !is_type(name));
    let mut out = String::new();
    for definition in &declarations.definitions {
        let Definition { name, is_union, size, members, empty_fields, .. } = &**definition;
        let (open, close) = if *is_union {
            (format!("FixedSized({size}, Union(\n    None,"), "))")
        } else {
            ("Struct(".to_string(), ")")
        };
        out.push_str(&format!("\n{name} = {open}\n"));
        for member in members {
            let (ty, note) = match &member.ty {
                MemberType::Value(field) => construct_type(*field)?,
                MemberType::Defined(inner) => (inner.name.clone(), String::new()),
                MemberType::Padding | MemberType::Bits(_) => {
                    // The members of a union do not move the position, so padding has no effect.
                    if !is_union {
                        out.push_str(&format!("    Padding({}),\n", member.size));
                    }
                    continue;
                }
            };
            let ty = member.shape.iter().rev().fold(ty, |ty, length| format!("Array({length}, {ty})"));
            let note = member_comment(member.field_name.as_deref(), &note);
            out.push_str(&format!("    \"{}\" / {ty},{}\n", member.name, comment(&note)));
        }
        for text in empty_fields {
            out.push_str(&format!("   {}\n", comment(text)));
        }
        out.push_str(&format!("{close}\n"));
    }
    let item = layout.item();
    let element = match declarations.definitions.last() {
        Some(_) if item.shape().is_empty() => None,
        Some(element) => Some(element.name.clone()),
        None => Some(construct_type(item)?.0),
    };
    if let Some(element) = element {
        let ty = item.shape().iter().rev().fold(element, |ty, length| format!("Array({length}, {ty})"));
        out.push_str(&format!("\n{name} = {ty}\n"));
    }
    let words: BTreeSet<&str> = out.split(|character: char| !character.is_ascii_alphanumeric()).collect();
    let imports: Vec<&str> = CONSTRUCT_IMPORTS.iter().copied().filter(|import| words.contains(import)).collect();
    Ok(format!("from construct import {}\n{out}", imports.join(", ")))
}

/// The names that the source for `construct` can import.
const CONSTRUCT_IMPORTS: &[&str] = &[
    "Array",
    "Byte",
    "Bytes",
    "FixedSized",
    "Flag",
    "Float16b",
    "Float16l",
    "Float32b",
    "Float32l",
    "Float64b",
    "Float64l",
    "GreedyBytes",
    "Int8sb",
    "Int8ub",
    "Int16sb",
    "Int16sl",
    "Int16ub",
    "Int16ul",
    "Int32sb",
    "Int32sl",
    "Int32ub",
    "Int32ul",
    "Int64sb",
    "Int64sl",
    "Int64ub",
    "Int64ul",
    "PaddedString",
    "Padding",
    "Prefixed",
    "Struct",
    "Union",
];

/// The texts with which the names in [`CONSTRUCT_IMPORTS`] start.
const CONSTRUCT_NAMES: &[&str] = &[
    "Array",
    "Byte",
    "FixedSized",
    "Flag",
    "Float",
    "GreedyBytes",
    "Int",
    "PaddedString",
    "Padding",
    "Prefixed",
    "Struct",
    "Union",
];

/// Returns the type of `construct` for `field`, which is not a record, and a note: a property of the field that the
/// type does not express. Returns an error if `construct` has no such type.
fn construct_type(field: Field<'_>) -> Result<(String, String), SourceError> {
    let size = field.size();
    // The last letter of a type is `l` or `b` for the byte order. A type of one byte has no byte order, and `construct`
    // then uses the letter `b`: `Int8ub`.
    let order = if field.endian() == Some(Endian::Little) { "l" } else { "b" };
    let bits = size.saturating_mul(8);
    let text = |encoding: &str| {
        let suffix = if order == "l" { "le" } else { "be" };
        format!("PaddedString({size}, \"utf_{encoding}_{suffix}\")")
    };
    let with_note = |text: String| (text, field.ty().to_string());
    let ty = match field.ty() {
        Type::Bool if size == 1 => "Flag".to_string(),
        Type::Int8 | Type::Int16 | Type::Int32 | Type::Int64 => format!("Int{bits}s{order}"),
        Type::UInt8 | Type::UInt16 | Type::UInt32 | Type::UInt64 => format!("Int{bits}u{order}"),
        Type::Float16 | Type::Float32 | Type::Float64 => format!("Float{bits}{order}"),
        Type::Char | Type::Bytes => format!("Bytes({size})"),
        Type::Bool => return Ok(with_note(format!("Int16s{order}"))),
        Type::Complex32 => return Ok(with_note(format!("Array(2, Float16{order})"))),
        Type::Complex64 => return Ok(with_note(format!("Array(2, Float32{order})"))),
        Type::Complex128 => return Ok(with_note(format!("Array(2, Float64{order})"))),
        Type::Ucs2 => text("16"),
        Type::Ucs4 => text("32"),
        Type::Wchar => text(if field.natural_align().bytes() == 2 { "16" } else { "32" }),
        Type::Pascal => format!("FixedSized({size}, Prefixed(Byte, GreedyBytes))"),
        Type::Void | Type::Bits | Type::Opaque => return Ok(with_note(format!("Bytes({size})"))),
        Type::Pointer | Type::CharPointer | Type::WcharPointer | Type::Function | Type::Object => {
            return Ok(with_note(format!("Int{bits}u{order}")));
        }
        Type::LongDouble | Type::ComplexLongDouble | Type::Record => {
            return Err(refused("construct", field, NO_TYPE));
        }
    };
    Ok((ty, String::new()))
}

/// Returns the Python source that declares `layout` for the library `dissect.cstruct`, as a type with the name `name`.
/// Returns an error if `dissect.cstruct` has no type for a field, if the fields have two byte orders, or if `name` is
/// in [`DISSECT_NAMES`].
fn dissect_source(layout: &Layout, name: &str) -> Result<String, SourceError> {
    let declarations = declarations(layout, name, &|name| is_python_name(name) && !DISSECT_NAMES.contains(&name));
    if DISSECT_NAMES.contains(&name) {
        return Err(SourceError::Name { language: "dissect", name: name.to_string() });
    }
    // One `cstruct` has one byte order, so all fields must have this byte order.
    let mut order: Option<Endian> = None;
    for (_, leaf) in layout.leaves().filter(|(_, leaf)| leaf.size() > 1) {
        match (order, leaf.endian()) {
            (_, None) => {}
            (Some(order), Some(endian)) if order != endian => {
                return Err(refused("dissect", leaf, "all fields have one byte order"));
            }
            (_, endian) => order = endian,
        }
    }
    let mut text = String::new();
    for definition in &declarations.definitions {
        let Definition { name, is_union, members, empty_fields, .. } = &**definition;
        text.push_str(&format!("{} {name} {{\n", if *is_union { "union" } else { "struct" }));
        for member in members {
            let (ty, length, note) = match &member.ty {
                MemberType::Value(field) => dissect_type(*field)?,
                MemberType::Defined(inner) => (inner.name.clone(), None, String::new()),
                MemberType::Padding | MemberType::Bits(_) => ("uint8".to_string(), None, String::new()),
            };
            let lengths: Vec<String> = member.shape.iter().chain(&length).map(|length| format!("[{length}]")).collect();
            let note = member_comment(member.field_name.as_deref(), &note).replace('\\', "/").replace('"', "'");
            let note = if note.is_empty() { note } else { format!(" // {note}") };
            text.push_str(&format!("    {ty} {}{};{note}\n", member.name, lengths.concat()));
        }
        for empty in empty_fields {
            text.push_str(&format!(
                "    // {}\n",
                empty.escape_default().to_string().replace('\\', "/").replace('"', "'")
            ));
        }
        text.push_str("};\n");
    }
    let item = layout.item();
    let element = match declarations.definitions.last() {
        Some(_) if item.shape().is_empty() => None,
        Some(element) => Some((element.name.clone(), None)),
        None => {
            let (ty, length, _) = dissect_type(item)?;
            Some((ty, length))
        }
    };
    let value = match element {
        None => format!("types.{name}"),
        Some((ty, length)) => {
            // The innermost dimension is written first.
            let lengths: Vec<String> =
                item.shape().iter().chain(&length).rev().map(|length| format!("[{length}]")).collect();
            format!("types.{ty}{}", lengths.concat())
        }
    };
    let order = if order == Some(Endian::Big) { ">" } else { "<" };
    Ok(format!(
        "from dissect.cstruct import cstruct\n\ntypes = cstruct(endian=\"{order}\")\ntypes.load(\"\"\"\n{text}\"\"\")\n{name} = {value}\nassert len({name}) == {}\n",
        layout.size()
    ))
}

/// The names that the definitions of `dissect.cstruct` or the source for the library use.
const DISSECT_NAMES: &[&str] = &[
    "bool", "char", "const", "double", "enum", "flag", "float", "float16", "int", "int16", "int32", "int64", "int8",
    "long", "short", "signed", "size", "sizeof", "struct", "typedef", "types", "uint16", "uint32", "uint64", "uint8",
    "union", "unsigned", "void", "wchar",
];

/// Returns three parts of the declaration of `field`, which is not a record: the type of `dissect.cstruct`, the length
/// of an additional innermost dimension, and a note. The note is a property of the field that the type does not
/// express. Returns an error if `dissect.cstruct` has no such type.
fn dissect_type(field: Field<'_>) -> Result<(String, Option<u64>, String), SourceError> {
    let size = field.size();
    let bits = size.saturating_mul(8);
    let note = field.ty().to_string();
    let plain = |name: &str| Ok((name.to_string(), None, String::new()));
    match field.ty() {
        Type::Char => plain("char"),
        Type::Int8 | Type::Int16 | Type::Int32 | Type::Int64 => plain(&format!("int{bits}")),
        Type::UInt8 | Type::UInt16 | Type::UInt32 | Type::UInt64 => plain(&format!("uint{bits}")),
        Type::Float16 => plain("float16"),
        Type::Float32 => plain("float"),
        Type::Float64 => plain("double"),
        Type::Bytes => Ok(("char".to_string(), Some(size), String::new())),
        Type::Bool if size == 1 => Ok(("uint8".to_string(), None, note)),
        Type::Bool => Ok(("int16".to_string(), None, note)),
        Type::Complex32 => Ok(("float16".to_string(), Some(2), note)),
        Type::Complex64 => Ok(("float".to_string(), Some(2), note)),
        Type::Complex128 => Ok(("double".to_string(), Some(2), note)),
        Type::Ucs2 => Ok(("wchar".to_string(), size.checked_div(2), String::new())),
        Type::Wchar if field.natural_align().bytes() == 2 => {
            Ok(("wchar".to_string(), size.checked_div(2), String::new()))
        }
        Type::Pascal | Type::Void | Type::Bits | Type::Opaque => Ok(("char".to_string(), Some(size), note)),
        Type::Pointer | Type::CharPointer | Type::WcharPointer | Type::Function | Type::Object => {
            Ok((format!("uint{bits}"), None, note))
        }
        Type::LongDouble | Type::ComplexLongDouble | Type::Ucs4 | Type::Wchar | Type::Record => {
            Err(refused("dissect", field, NO_TYPE))
        }
    }
}

/// The names of types that the source of a record class can import from `pep3118`.
const RECORD_TYPES: &[&str] = &[
    "bits",
    "bool_",
    "char",
    "complex128",
    "complex64",
    "f16",
    "f32",
    "f64",
    "i16",
    "i32",
    "i64",
    "i8",
    "u16",
    "u32",
    "u64",
    "u8",
    "ucs2",
    "ucs4",
];

/// The names of the methods and attributes of a record class, which a field cannot have.
const RECORD_MEMBERS: &[&str] = &[
    "_asdict",
    "_field_defaults",
    "_fields",
    "_make",
    "_replace",
    "format",
    "from_c",
    "from_format",
    "itemsize",
    "iter_unpack",
    "pack",
    "pack_into",
    "unpack",
    "unpack_from",
];

/// Returns the Python source of the record class `name` with the layout `layout`, and of the classes of its nested
/// records. Returns an error if `layout` is not a single record or has 0 bytes, if a record class cannot have a field,
/// or if the source uses `name` for a type.
fn record_source(layout: &Layout, name: &str) -> Result<String, SourceError> {
    // A class with one of these names would hide the name in later annotations.
    let is_used =
        |name: &str| RECORD_TYPES.contains(&name) || ["Annotated", "Record", "bytes", "list", "str"].contains(&name);
    if is_used(name) {
        return Err(SourceError::Name { language: "Python", name: name.to_string() });
    }
    let item = layout.item();
    if item.ty() != Type::Record || !item.shape().is_empty() {
        return Err(refused("python-record", item, "a record class has the layout of one record"));
    }
    if layout.size() == 0 {
        return Err(SourceError::EmptyItem);
    }
    // With `align=True`, a class has the alignments of its machine. On most machines, the alignment of a number is its
    // size. The classes of a layout with other alignments have explicit padding.
    let is_usual = layout.leaves().all(|(_, leaf)| {
        !matches!(leaf.ty(), Type::Int64 | Type::UInt64 | Type::Float64 | Type::Complex128)
            || leaf.natural_align().bytes() == 8
    });
    let language = Language {
        align: &|field| if is_usual { field.natural_align() } else { Align::ONE },
        can_name_member: &|name| is_python_name(name) && !RECORD_MEMBERS.contains(&name),
        can_name_type: &|name| is_python_name(name) && !is_used(name),
        type_name: &|words| words.join("_"),
        has_bit_fields: true,
        element: "element",
    };
    let declarations = Declarations::new(layout, name, &language);
    let has_gaps = |definition: &Definition<'_>| {
        definition.members.iter().fold(0_u64, |size, member| size.saturating_add(member.size)) != definition.size
    };
    let is_aligned = declarations.definitions.iter().any(|definition| has_gaps(definition));
    let mut classes = String::new();
    for definition in &declarations.definitions {
        classes.push_str(&record_class(definition, is_aligned)?);
    }
    let words: BTreeSet<&str> =
        classes.split(|character: char| !character.is_ascii_alphanumeric() && character != '_').collect();
    let imports: Vec<&str> = RECORD_TYPES.iter().copied().filter(|import| words.contains(import)).collect();
    let typing = if words.contains("Annotated") { "from typing import Annotated\n\n" } else { "" };
    let imports = ["Record"].into_iter().chain(imports).collect::<Vec<_>>().join(", ");
    Ok(format!("{typing}from pep3118 import {imports}\n{classes}"))
}

/// Returns the Python source of the record class for `definition`. `is_aligned` is `true` if a class of the source has
/// the padding of C. Returns an error if a record class cannot have a field, if fields share bytes, or if the fields
/// have two byte orders.
fn record_class(definition: &Definition<'_>, is_aligned: bool) -> Result<String, SourceError> {
    let Definition { name, is_union, is_packed, size, members, empty_fields, .. } = definition;
    if *is_union {
        return Err(refused_type("python-record", definition, "fields that share bytes have no annotation"));
    }
    let mut order: Option<Endian> = None;
    let mut fields = String::new();
    for (index, member) in members.iter().enumerate() {
        let own = match &member.ty {
            // A bit-field of one byte has no byte order, but the byte order of its class numbers its bits.
            MemberType::Bits(pieces) => {
                let field = pieces.iter().find_map(|piece| piece.field.as_ref().map(|(_, field)| *field));
                field.map(|field| (field, field.endian().unwrap_or(field.model().endian)))
            }
            MemberType::Value(field) if field.size() > 1 => field.endian().map(|endian| (*field, endian)),
            _ => None,
        };
        if let Some((field, endian)) = own {
            if order.is_some_and(|order| order != endian) {
                return Err(refused("python-record", field, "all fields of a record class have one byte order"));
            }
            order = Some(endian);
        }
        if let MemberType::Bits(pieces) = &member.ty {
            write_bit_pieces(&mut fields, pieces, members, member.offset);
            continue;
        }
        let (ty, note) = record_annotation(member)?;
        // A caller that creates a record need not give the padding at its end.
        let is_last = index.saturating_add(1) == members.len();
        let default = if is_last && matches!(member.ty, MemberType::Padding) { " = b\"\"" } else { "" };
        let note = comment(&member_comment(member.field_name.as_deref(), &note));
        fields.push_str(&format!("    {}: {ty}{default}{note}\n", member.name));
    }
    for text in empty_fields {
        fields.push_str(&format!("   {}\n", comment(text)));
    }
    if members.is_empty() {
        fields.push_str("    pass\n");
    }
    let order = match order {
        Some(Endian::Little) => ", order=\"<\"",
        Some(Endian::Big) => ", order=\">\"",
        None => "",
    };
    let align = if is_aligned && !is_packed { ", align=True" } else { "" };
    Ok(format!("\n\nclass {name}(Record{order}{align}):\n{fields}\n\nassert {name}.itemsize == {size}\n"))
}

/// Appends a line for each of `pieces`, the bit-fields and the pad bits that start at the byte `offset`, to `out`.
/// `members` are the members of the class.
fn write_bit_pieces(out: &mut String, pieces: &[BitPiece<'_>], members: &[Member<'_>], offset: u64) {
    let is_used = |wanted: &str| {
        members.iter().any(|member| match &member.ty {
            MemberType::Bits(pieces) => {
                pieces.iter().filter_map(|piece| piece.field.as_ref()).any(|(name, _)| name == wanted)
            }
            _ => member.name == wanted,
        })
    };
    let mut bit = 0_u64;
    for BitPiece { field, ty, width } in pieces {
        // The types of bit-fields are integers and `bool`.
        let ty = match ty {
            Type::Bool => "bool_".to_string(),
            ty => ty.as_str().replace("uint", "u").replace("int", "i"),
        };
        let (name, note) = match field {
            Some((name, field)) => (name.clone(), field.name_text().filter(|text| text != name)),
            None => {
                let mut name = format!("_pad{offset}_{bit}");
                while is_used(&name) {
                    name.push('_');
                }
                (name, None)
            }
        };
        let note = comment(&member_comment(note.as_deref(), ""));
        out.push_str(&format!("    {name}: bits[{ty}, {width}]{note}\n"));
        bit = bit.saturating_add(*width);
    }
}

/// Returns the annotation of `member` in a record class, and a property of the field that the annotation does not
/// express. The annotation has a form that type checkers understand: `Annotated[list[f64], 3]` instead of `f64[3]`.
/// Returns an error if a record class has no type for `member`.
fn record_annotation(member: &Member<'_>) -> Result<(String, String), SourceError> {
    let lists = |ty: &str, shape: &[u64]| shape.iter().fold(ty.to_string(), |ty, _| format!("list[{ty}]"));
    let array = |ty: &str| match member.shape.as_slice() {
        [] => ty.to_string(),
        [length] => format!("Annotated[{}, {length}]", lists(ty, &member.shape)),
        shape => format!("Annotated[{}, {}]", lists(ty, shape), tuple(shape)),
    };
    // The last dimension is the length of the string.
    let string = |value: &str, ty: &str, length: u64| {
        let lengths: Vec<String> = member.shape.iter().chain([&length]).map(u64::to_string).collect();
        format!("Annotated[{}, {ty}[{}]]", lists(value, &member.shape), lengths.join(", "))
    };
    let field = match &member.ty {
        MemberType::Defined(inner) => return Ok((array(&inner.name), String::new())),
        MemberType::Padding | MemberType::Bits(_) => {
            return Ok((format!("Annotated[bytes, char[{}]]", member.size), String::new()));
        }
        MemberType::Value(field) if field.bit_field().is_some() => {
            return Err(refused("python-record", *field, NO_BIT_FIELDS));
        }
        MemberType::Value(field) => field,
    };
    let size = field.size();
    let bits = size.saturating_mul(8);
    let note = field.ty().to_string();
    // `unit` is 2 or 4 in each call, so the default is never used.
    let text = |ty: &str, unit: u64| string("str", ty, size.checked_div(unit).unwrap_or(0));
    Ok(match field.ty() {
        Type::Bool if size == 1 => (array("bool_"), String::new()),
        Type::Int8 | Type::Int16 | Type::Int32 | Type::Int64 => (array(&format!("i{bits}")), String::new()),
        Type::UInt8 | Type::UInt16 | Type::UInt32 | Type::UInt64 => (array(&format!("u{bits}")), String::new()),
        Type::Float16 | Type::Float32 | Type::Float64 => (array(&format!("f{bits}")), String::new()),
        Type::Complex64 | Type::Complex128 => (array(&format!("complex{bits}")), String::new()),
        Type::Char if member.shape.is_empty() => ("char".to_string(), String::new()),
        Type::Char | Type::Bytes => (string("bytes", "char", size), String::new()),
        Type::Ucs2 => (text("ucs2", 2), String::new()),
        Type::Ucs4 => (text("ucs4", 4), String::new()),
        Type::Wchar if field.natural_align().bytes() == 2 => (text("ucs2", 2), note),
        Type::Wchar => (text("ucs4", 4), note),
        Type::Void | Type::Opaque => (string("bytes", "char", size), note),
        // An address of another machine is not an address of this machine.
        Type::Pointer | Type::CharPointer | Type::WcharPointer | Type::Function | Type::Object => {
            (array(&format!("u{bits}")), note)
        }
        Type::Bool
        | Type::Complex32
        | Type::LongDouble
        | Type::ComplexLongDouble
        | Type::Pascal
        | Type::Bits
        | Type::Record => return Err(refused("python-record", *field, NO_TYPE)),
    })
}

/// Returns two spaces and the Python comment `# text`, to be appended to a line of code. `text` must have no line feed.
/// Returns an empty text if `text` is empty.
fn comment(text: &str) -> String {
    if text.is_empty() { String::new() } else { format!("  # {text}") }
}
