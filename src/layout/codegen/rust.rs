//! Layouts as Rust.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::c::is_swapped;
use super::declarations::{Declarations, Definition, Language, Member, MemberType, is_identifier, unique};
use super::error::SourceError;
use crate::align::Align;
use crate::endian::Endian;
use crate::layout::{Field, Layout, Type};
use crate::text::{escape, plural};

/// Keywords of every edition.
const RESERVED: &str = " Self abstract as async await become box break const continue crate do dyn else enum extern \
    false final fn for gen if impl in let loop macro match mod move mut override priv pub ref return self static \
    struct super trait true try type typeof unsafe unsized use virtual where while yield ";

impl Layout {
    /// The item as a type of Rust, with assertions of sizes and offsets.
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
    /// - `"fn"`: not a name for a type
    pub fn to_rust(&self, name: &str) -> Result<String, SourceError> {
        if !is_identifier(name) || is_reserved(name) || PRIMITIVES.contains(&name) {
            return Err(SourceError::Name { language: "Rust", name: name.to_string() });
        }
        let plan = Declarations::new(self, &Language { align: &align, reserved: &is_reserved, any: false });
        let mut out = format!("// {} for the data model {}.\n", plural(self.size(), "byte"), self.model());
        if self.leaves().any(|(_, leaf)| leaf.endian().is_some()) {
            // Sizes do not show the byte order.
            let one = if self.model().endian == Endian::Little { "[1, 0]" } else { "[0, 1]" };
            assert(&mut out, &format!("u16::from_ne_bytes({one}) == 1"));
        }
        let item = self.item();
        let alone = item.shape().is_empty();
        let mut used: BTreeSet<String> = PRIMITIVES.iter().map(ToString::to_string).collect();
        if !alone {
            used.insert(name.to_string());
        }
        let mut names: Vec<String> = Vec::new();
        let last = plan.definitions.len().saturating_sub(1);
        for (index, definition) in plan.definitions.iter().enumerate() {
            let mut full = name.to_string();
            if index == last && !alone {
                full.push_str("Element");
            }
            full.extend(definition.path.iter().map(|word| camel(word)));
            let full = unique(&full, &mut used);
            define(&mut out, definition, &full, &names);
            names.push(full);
        }
        if alone && !names.is_empty() {
            return Ok(out);
        }
        let (ty, note) = match names.last() {
            Some(defined) => (defined.clone(), String::new()),
            None => value(item),
        };
        out.push_str(&format!("\npub type {name} = {};{}\n", array(&ty, item.shape()), comment(&note)));
        assert(&mut out, &format!("core::mem::size_of::<{name}>() == {}", self.size()));
        Ok(out)
    }
}

fn define(out: &mut String, definition: &Definition<'_>, full: &str, names: &[String]) {
    let packed = if definition.packed { ", packed" } else { "" };
    let keyword = if definition.union { "union" } else { "struct" };
    out.push_str(&format!("\n#[repr(C{packed})]\n#[derive(Clone, Copy)]\npub {keyword} {full} {{\n"));
    let mut sizes = BTreeMap::new();
    for Member { name, called, shape, what, size, .. } in &definition.members {
        let (ty, mut note) = match *what {
            MemberType::Value(field) => value(field),
            MemberType::Defined(index) => (names.get(index).cloned().unwrap_or_default(), String::new()),
            MemberType::Padding => ("u8".to_string(), String::new()),
        };
        if let Some(called) = called {
            let colon = if note.is_empty() { "" } else { ": " };
            note = format!("{}{colon}{note}", escape(called));
        }
        let ty = array(&ty, shape);
        out.push_str(&format!("    pub {name}: {ty},{}\n", comment(&note)));
        if !matches!(what, MemberType::Padding) {
            sizes.insert(ty, *size);
        }
    }
    for absent in &definition.absent {
        out.push_str(&format!("   {}\n", comment(absent)));
    }
    out.push_str("}\n");
    assert(out, &format!("core::mem::size_of::<{full}>() == {}", definition.size));
    for Member { name, offset, .. } in definition.fields() {
        assert(out, &format!("core::mem::offset_of!({full}, {name}) == {offset}"));
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

/// `[[i32; 3]; 2]` for the shape (2, 3).
fn array(ty: &str, shape: &[u64]) -> String {
    shape.iter().rev().fold(ty.to_string(), |ty, extent| format!("[{ty}; {extent}]"))
}

/// `shared_4` as `Shared4`.
fn camel(word: &str) -> String {
    let mut out = String::new();
    for part in word.split('_') {
        let mut letters = part.chars();
        out.extend(letters.next().map(|first| first.to_ascii_uppercase()));
        out.push_str(letters.as_str());
    }
    out
}

const PRIMITIVES: [&str; 15] =
    ["bool", "char", "f32", "f64", "i8", "i16", "i32", "i64", "u8", "u16", "u32", "u64", "usize", "isize", "Option"];

fn is_reserved(name: &str) -> bool {
    RESERVED.contains(&format!(" {name} "))
}

/// The alignment of the type that Rust has for it: one byte where that is an array of bytes.
fn align(field: Field<'_>) -> Align {
    let bytes = matches!(field.ty(), Type::LongDouble | Type::ComplexLongDouble) || is_swapped(field);
    if bytes { Align::ONE } else { field.natural_align() }
}

/// The type, and what has to be said about it.
fn value(field: Field<'_>) -> (String, String) {
    let (size, ty) = (field.size(), field.ty());
    let units = |word: &str, unit: u64| match size.checked_div(unit).unwrap_or(0) {
        1 => word.to_string(),
        units => format!("[{word}; {units}]"),
    };
    if is_swapped(field) {
        let order = field.endian().map_or("", |endian| endian.as_str());
        return (format!("[u8; {size}]"), format!("{ty}, {order}-endian"));
    }
    let wchar = if field.natural_align().bytes() == 2 { "u16" } else { "u32" };
    let (word, note) = match ty {
        Type::Bool if size == 2 => ("i16", "VARIANT_BOOL"),
        // Foreign memory may hold what a `bool` must not.
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
