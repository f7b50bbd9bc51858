//! [`Layout::to_rust`]: the Rust type of a layout.

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::{String, ToString};

use super::declarations::{Declarations, Definition, Language, Member, MemberType, is_identifier, is_swapped, remark};
use super::error::SourceError;
use crate::align::Align;
use crate::endian::Endian;
use crate::layout::{Field, Layout, Type};
use crate::text::plural;

impl Layout {
    /// Returns the item as a Rust type, with assertions of sizes and offsets at compile time.
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
    /// - `"fn"`, `"core"`: a type cannot have that name
    pub fn to_rust(&self, name: &str) -> Result<String, SourceError> {
        if !can_name_type(name) {
            return Err(SourceError::Name { language: "Rust", name: name.to_string() });
        }
        let language = Language {
            align: &align,
            can_name_member: &can_name_member,
            can_name_type: &can_name_type,
            type_name: &type_name,
            element: "element",
        };
        let declarations = Declarations::new(self, name, &language);
        let mut out = format!("// {} for the data model {}.\n", plural(self.size(), "byte"), self.model());
        if self.leaves().any(|(_, leaf)| leaf.endian().is_some()) {
            // Sizes and offsets do not depend on the byte order.
            let one = if self.model().endian == Endian::Little { "[1, 0]" } else { "[0, 1]" };
            assert(&mut out, &format!("u16::from_ne_bytes({one}) == 1"));
        }
        for definition in &declarations.definitions {
            define(&mut out, definition);
        }
        let item = self.item();
        let (ty, note) = match declarations.definitions.last() {
            Some(_) if item.shape().is_empty() => return Ok(out),
            Some(element) => (element.name.clone(), String::new()),
            None => value(item),
        };
        out.push_str(&format!("\npub type {name} = {};{}\n", array(&ty, item.shape()), comment(&note)));
        assert(&mut out, &format!("core::mem::size_of::<{name}>() == {}", self.size()));
        Ok(out)
    }
}

fn define(out: &mut String, definition: &Definition<'_>) {
    let type_name = &definition.name;
    let packed = if definition.packed { ", packed" } else { "" };
    let keyword = if definition.union { "union" } else { "struct" };
    out.push_str(&format!("\n#[repr(C{packed})]\n#[derive(Clone, Copy)]\npub {keyword} {type_name} {{\n"));
    let mut sizes = BTreeMap::new();
    for Member { name, called, shape, what, size, .. } in &definition.members {
        let (ty, note) = match what {
            MemberType::Value(field) => value(*field),
            MemberType::Defined(inner) => (inner.name.clone(), String::new()),
            MemberType::Padding => ("u8".to_string(), String::new()),
        };
        let ty = array(&ty, shape);
        out.push_str(&format!("    pub {name}: {ty},{}\n", comment(&remark(called.as_deref(), &note))));
        if !matches!(what, MemberType::Padding) {
            sizes.insert(ty, *size);
        }
    }
    for absent in &definition.absent {
        out.push_str(&format!("   {}\n", comment(absent)));
    }
    out.push_str("}\n");
    assert(out, &format!("core::mem::size_of::<{type_name}>() == {}", definition.size));
    for Member { name, offset, .. } in definition.fields() {
        assert(out, &format!("core::mem::offset_of!({type_name}, {name}) == {offset}"));
    }
    for (ty, size) in sizes {
        assert(out, &format!("core::mem::size_of::<{ty}>() == {size}"));
    }
}

fn assert(out: &mut String, condition: &str) {
    out.push_str(&format!("const _: () = assert!({condition});\n"));
}

fn comment(text: &str) -> String {
    if text.is_empty() { String::new() } else { format!(" // {text}") }
}

/// Returns an array type: `[[i32; 3]; 2]` for the shape (2, 3).
fn array(ty: &str, shape: &[u64]) -> String {
    shape.iter().rev().fold(ty.to_string(), |ty, length| format!("[{ty}; {length}]"))
}

/// Returns the name of a type: `SampleShared4` from `Sample` and `shared_4`.
fn type_name(words: &[&str]) -> String {
    let Some((item, members)) = words.split_first() else { return String::new() };
    let mut name = item.to_string();
    for part in members.iter().flat_map(|word| word.split('_')) {
        let mut letters = part.chars();
        name.extend(letters.next().map(|first| first.to_ascii_uppercase()));
        name.push_str(letters.as_str());
    }
    name
}

/// The keywords of all editions.
const KEYWORDS: &[&str] = &[
    "Self", "abstract", "as", "async", "await", "become", "box", "break", "const", "continue", "crate", "do", "dyn",
    "else", "enum", "extern", "false", "final", "fn", "for", "gen", "if", "impl", "in", "let", "loop", "macro",
    "match", "mod", "move", "mut", "override", "priv", "pub", "ref", "return", "self", "static", "struct", "super",
    "trait", "true", "try", "type", "typeof", "unsafe", "unsized", "use", "virtual", "where", "while", "yield",
];

/// The types, and the crate, that the generated source names.
const USED: &[&str] = &[
    "Option", "bool", "char", "core", "f128", "f16", "f32", "f64", "i128", "i16", "i32", "i64", "i8", "isize", "str",
    "u128", "u16", "u32", "u64", "u8", "usize",
];

fn can_name_member(name: &str) -> bool {
    is_identifier(name) && !KEYWORDS.contains(&name)
}

fn can_name_type(name: &str) -> bool {
    can_name_member(name) && !USED.contains(&name)
}

/// Returns the alignment of the Rust type of a field, which is an array of bytes if Rust has no such type.
fn align(field: Field<'_>) -> Align {
    let bytes = matches!(field.ty(), Type::LongDouble | Type::ComplexLongDouble) || is_swapped(field);
    if bytes { Align::ONE } else { field.natural_align() }
}

/// Returns the type of a field, and a property of it that Rust does not express.
fn value(field: Field<'_>) -> (String, String) {
    let (size, ty) = (field.size(), field.ty());
    // A string of one character is a single value.
    let units = |word: &str, unit: u64| match size.checked_div(unit) {
        Some(units) if units != 1 => format!("[{word}; {units}]"),
        _ => word.to_string(),
    };
    if is_swapped(field) {
        let order = field.endian().map(|endian| format!(", {endian}-endian")).unwrap_or_default();
        return (format!("[u8; {size}]"), format!("{ty}{order}"));
    }
    let wchar = if field.natural_align().bytes() == 2 { "u16" } else { "u32" };
    let (word, note) = match ty {
        Type::Bool if size == 2 => ("i16", "VARIANT_BOOL"),
        // Foreign memory may have values other than 0 and 1, which a `bool` must not have.
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
