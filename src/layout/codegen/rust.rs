//! [`Layout::to_rust`]: generates the Rust type of a layout.

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::{String, ToString};

use super::declarations::{
    Declarations, Definition, Language, Member, MemberType, bits_note, is_identifier, member_comment, swapped_endian,
};
use super::error::SourceError;
use crate::align::Align;
use crate::endian::Endian;
use crate::layout::{Field, Layout, Type};
use crate::text::plural;

impl Layout {
    /// Returns Rust source that defines a type with the name `name`. The type has this layout.
    ///
    /// The source contains an assertion for each size and each offset, and an assertion of the byte order if a field
    /// depends on it. The compiler evaluates the assertions. A field for which Rust has no type, such as a bit-field, a
    /// `long double` or an integer in the opposite byte order, becomes an array of bytes `[u8; N]` with a comment. A
    /// field whose name is not the name of a Rust member becomes `field_4` (at byte 4), with a comment.
    ///
    /// ```
    /// use pep3118::{DataModel, Dialect, Layout};
    /// let layout = Layout::read(b"T{b:a:i:b:}", &Dialect::PEP3118, &DataModel::LP64)?;
    /// let source = layout.to_rust("Sample").unwrap();
    /// assert!(source.contains("pub struct Sample {\n    pub a: i8,\n    pub b: i32,\n}\n"));
    /// assert!(source.contains("const _: () = assert!(core::mem::offset_of!(Sample, b) == 4);"));
    /// # Ok::<(), pep3118::LayoutError>(())
    /// ```
    ///
    /// # Errors
    /// - `to_rust("fn")` or `to_rust("core")`, because a type cannot have this name: [`SourceError::Name`]
    pub fn to_rust(&self, name: &str) -> Result<String, SourceError> {
        if !can_name_type(name) {
            return Err(SourceError::Name { language: "Rust", name: name.to_string() });
        }
        let language = Language {
            align: &rust_align,
            can_name_member: &can_name_member,
            can_name_type: &can_name_type,
            type_name: &type_name,
            has_bit_fields: false,
            element: "element",
        };
        let declarations = Declarations::new(self, name, &language);
        let mut out = format!("// {} for the data model {}.\n", plural(self.size(), "byte"), self.model());
        if self.leaves().any(|(_, leaf)| leaf.endian().is_some()) {
            // The assertions of sizes and offsets do not detect a machine with the opposite byte order.
            let one = if self.model().endian == Endian::Little { "[1, 0]" } else { "[0, 1]" };
            write_assert(&mut out, &format!("u16::from_ne_bytes({one}) == 1"));
        }
        for definition in &declarations.definitions {
            write_definition(&mut out, definition);
        }
        let item = self.item();
        let (ty, note) = match declarations.definitions.last() {
            Some(_) if item.shape().is_empty() => return Ok(out),
            Some(element) => (element.name.clone(), String::new()),
            None => rust_type(item),
        };
        out.push_str(&format!("\npub type {name} = {};{}\n", array_type(&ty, item.shape()), comment(&note)));
        write_assert(&mut out, &format!("core::mem::size_of::<{name}>() == {}", self.size()));
        Ok(out)
    }
}

/// Appends the Rust source of `definition`, with its assertions, to `out`.
fn write_definition(out: &mut String, definition: &Definition<'_>) {
    let type_name = &definition.name;
    let packed = if definition.is_packed { ", packed" } else { "" };
    let keyword = if definition.is_union { "union" } else { "struct" };
    out.push_str(&format!("\n#[repr(C{packed})]\n#[derive(Clone, Copy)]\npub {keyword} {type_name} {{\n"));
    let mut sizes = BTreeMap::new();
    for Member { name, field_name, shape, ty, size, .. } in &definition.members {
        let (element, note) = match ty {
            MemberType::Value(field) => rust_type(*field),
            MemberType::Defined(inner) => (inner.name.clone(), String::new()),
            // `has_bit_fields` is `false`, so the last type does not occur.
            MemberType::Padding | MemberType::Bits(_) => ("u8".to_string(), String::new()),
        };
        let rust_type = array_type(&element, shape);
        let comment = comment(&member_comment(field_name.as_deref(), &note));
        out.push_str(&format!("    pub {name}: {rust_type},{comment}\n"));
        if !matches!(ty, MemberType::Padding) {
            sizes.insert(rust_type, *size);
        }
    }
    for text in &definition.empty_fields {
        out.push_str(&format!("   {}\n", comment(text)));
    }
    out.push_str("}\n");
    write_assert(out, &format!("core::mem::size_of::<{type_name}>() == {}", definition.size));
    for Member { name, offset, .. } in definition.fields() {
        write_assert(out, &format!("core::mem::offset_of!({type_name}, {name}) == {offset}"));
    }
    for (rust_type, size) in sizes {
        write_assert(out, &format!("core::mem::size_of::<{rust_type}>() == {size}"));
    }
}

/// Appends an assertion of the Rust expression `condition` to `out`. The compiler evaluates the assertion.
fn write_assert(out: &mut String, condition: &str) {
    out.push_str(&format!("const _: () = assert!({condition});\n"));
}

/// Returns a space and the Rust comment `// text`, to be appended to a line of code. `text` must have no line feed.
/// Returns an empty text if `text` is empty.
fn comment(text: &str) -> String {
    if text.is_empty() { String::new() } else { format!(" // {text}") }
}

/// Returns the array type with elements of type `ty` and the dimensions `shape`: `[[i32; 3]; 2]` for `i32` and the
/// shape (2, 3).
fn array_type(ty: &str, shape: &[u64]) -> String {
    shape.iter().rev().fold(ty.to_string(), |ty, length| format!("[{ty}; {length}]"))
}

/// Returns the name of a type in camel case. The first of `words` must be the name of the item, and stays unchanged.
/// Example: `Sample` and `shared_4` give `SampleShared4`.
fn type_name(words: &[&str]) -> String {
    // The list is never empty, because the first word is the name of the item.
    let Some((item, members)) = words.split_first() else { return String::new() };
    let mut name = item.to_string();
    for part in members.iter().flat_map(|word| word.split('_')) {
        let mut letters = part.chars();
        name.extend(letters.next().map(|first| first.to_ascii_uppercase()));
        name.push_str(letters.as_str());
    }
    name
}

/// The keywords of all editions of Rust.
const KEYWORDS: &[&str] = &[
    "Self", "abstract", "as", "async", "await", "become", "box", "break", "const", "continue", "crate", "do", "dyn",
    "else", "enum", "extern", "false", "final", "fn", "for", "gen", "if", "impl", "in", "let", "loop", "macro",
    "match", "mod", "move", "mut", "override", "priv", "pub", "ref", "return", "self", "static", "struct", "super",
    "trait", "true", "try", "type", "typeof", "unsafe", "unsized", "use", "virtual", "where", "while", "yield",
];

/// The names of types and crates that the generated source uses.
const USED_NAMES: &[&str] = &[
    "Option", "bool", "char", "core", "f128", "f16", "f32", "f64", "i128", "i16", "i32", "i64", "i8", "isize", "str",
    "u128", "u16", "u32", "u64", "u8", "usize",
];

/// Returns whether a member of a structure or union can have the name `name`.
fn can_name_member(name: &str) -> bool {
    is_identifier(name) && !KEYWORDS.contains(&name)
}

/// Returns whether a type can have the name `name`.
fn can_name_type(name: &str) -> bool {
    can_name_member(name) && !USED_NAMES.contains(&name)
}

/// Returns the alignment of the Rust type of one element of `field`. `field` must not be a record. Rust has no `long
/// double` and no byte-swapped numbers. The source declares such a field as an array of bytes, whose alignment is 1
/// byte.
fn rust_align(field: Field<'_>) -> Align {
    let bytes = matches!(field.ty(), Type::LongDouble | Type::ComplexLongDouble) || swapped_endian(field).is_some();
    if bytes { Align::ONE } else { field.natural_align() }
}

/// Returns two texts for one element of `field`: the Rust type, and a property of the field that the Rust type does
/// not express. Example: `[u8; 4]` and `int32, big-endian`. The second text is empty for most types. `field` must not
/// be a record.
fn rust_type(field: Field<'_>) -> (String, String) {
    let (size, ty) = (field.size(), field.ty());
    // A text of one character is a single value and not an array.
    let units = |word: &str, unit: u64| match size.checked_div(unit) {
        Some(units) if units != 1 => format!("[{word}; {units}]"),
        _ => word.to_string(),
    };
    if ty == Type::Bits {
        return (format!("[u8; {size}]"), bits_note(field));
    }
    if let Some(endian) = swapped_endian(field) {
        return (format!("[u8; {size}]"), format!("{ty}, {endian}-endian"));
    }
    let wchar = if field.natural_align().bytes() == 2 { "u16" } else { "u32" };
    let (word, note) = match ty {
        Type::Bool if size == 2 => ("i16", "VARIANT_BOOL"),
        // The type is not `bool`, because a `bool` must be 0 or 1 and foreign memory can contain other values.
        Type::Bool => ("u8", "bool"),
        Type::Char => ("u8", "char"),
        Type::Int8 => ("i8", ""),
        Type::UInt8 => ("u8", ""),
        Type::Int16 => ("i16", ""),
        Type::UInt16 => ("u16", ""),
        Type::Int32 => ("i32", ""),
        Type::UInt32 => ("u32", ""),
        Type::Int64 => ("i64", ""),
        Type::UInt64 => ("u64", ""),
        Type::Float16 => ("u16", "float16"),
        Type::Float32 => ("f32", ""),
        Type::Float64 => ("f64", ""),
        Type::Complex32 => ("[u16; 2]", "complex32"),
        Type::Complex64 => ("[f32; 2]", "complex64"),
        Type::Complex128 => ("[f64; 2]", "complex128"),
        Type::Ucs2 => return (units("u16", 2), "UCS-2".to_string()),
        Type::Ucs4 => return (units("u32", 4), "UCS-4".to_string()),
        Type::Wchar => return (units(wchar, field.natural_align().bytes()), "wchar_t".to_string()),
        Type::Pointer => ("*mut core::ffi::c_void", ""),
        Type::CharPointer => ("*mut core::ffi::c_char", ""),
        Type::WcharPointer => return (format!("*mut {wchar}"), "wchar_t *".to_string()),
        Type::Function => ("Option<unsafe extern \"C\" fn()>", ""),
        Type::Object => ("*mut core::ffi::c_void", "PyObject *"),
        Type::LongDouble
        | Type::ComplexLongDouble
        | Type::Bytes
        | Type::Pascal
        | Type::Void
        | Type::Bits
        | Type::Opaque
        | Type::Record => return (format!("[u8; {size}]"), ty.as_str().to_string()),
    };
    (word.to_string(), note.to_string())
}
