//! Layouts as C.

use alloc::collections::BTreeSet;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::declarations::{Declarations, Definition, Language, Member, MemberType, is_identifier, unique};
use super::error::SourceError;
use crate::abi::LongDoubleFormat;
use crate::align::Align;
use crate::layout::{Field, Layout, Type};
use crate::text::{escape, plural};

/// Keywords of C and C++, the names of the headers, and what compilers define.
const RESERVED: &str = " alignas alignof and and_eq asm assert auto bitand bitor bool break case catch char class \
    compl const constexpr const_cast continue default delete do double dynamic_cast else enum errno explicit export \
    extern false far float for friend goto huge i386 if inline int int8_t int16_t int32_t int64_t linux long mutable \
    namespace near new noexcept not not_eq NULL nullptr offsetof operator or or_eq private protected public register \
    reinterpret_cast restrict return short signed sizeof small static static_assert static_cast struct switch template \
    this thread_local throw true try typedef typeid typename typeof uint8_t uint16_t uint32_t uint64_t union unix \
    unsigned using virtual void volatile wchar_t while xor xor_eq ";

impl Layout {
    /// The item as a type of C, with assertions of sizes and offsets.
    ///
    /// ```
    /// use pep3118::{DataModel, Dialect, Layout};
    /// let layout = Layout::read(b"T{b:a:7x>i:b:d:c:}", &Dialect::PEP3118, &DataModel::LP64)?;
    /// let source = layout.to_c("sample").unwrap();
    /// assert!(source.contains("    int8_t a;\n    unsigned char _pad1[7];\n    unsigned char b[4]; /* int32, big-endian */\n"));
    /// assert!(source.contains("static_assert(offsetof(struct sample, c) == 12, \"sample.c begins at byte 12\");"));
    /// # Ok::<(), pep3118::LayoutError>(())
    /// ```
    ///
    /// # Errors
    /// - `"int"`: not a name for a type
    /// - an item without bytes
    pub fn to_c(&self, name: &str) -> Result<String, SourceError> {
        if !is_identifier(name) || is_reserved(name) {
            return Err(SourceError::Name { language: "C", name: name.to_string() });
        }
        if self.size() == 0 {
            return Err(SourceError::Empty);
        }
        let plan = Declarations::new(self, &Language { align: &align, reserved: &is_reserved, any: false });
        let mut out = format!("/* {} for the data model {}. */\n", plural(self.size(), "byte"), self.model());
        for header in ["assert", "float", "stdbool", "stddef", "stdint", "wchar"] {
            out.push_str(&format!("#include <{header}.h>\n"));
        }
        machine(&mut out, self);
        let item = self.item();
        let alone = item.shape().is_empty();
        let mut used = BTreeSet::new();
        if !alone {
            used.insert(name.to_string());
        }
        let mut names: Vec<String> = Vec::new();
        let last = plan.definitions.len().saturating_sub(1);
        for (index, definition) in plan.definitions.iter().enumerate() {
            let mut words = Vec::from([name.to_string()]);
            if index == last && !alone {
                words.push("element".to_string());
            }
            words.extend(definition.path.iter().cloned());
            let tag = unique(&words.join("_"), &mut used);
            let keyword = if definition.union { "union" } else { "struct" };
            let full = format!("{keyword} {tag}");
            define(&mut out, definition, &full, &tag, &names);
            names.push(full);
        }
        out.push('\n');
        let (ty, shape, note) = match names.last() {
            Some(defined) => (defined.clone(), Vec::new(), String::new()),
            None => value(item),
        };
        let shape: Vec<u64> = item.shape().iter().copied().chain(shape).collect();
        out.push_str(&format!("typedef {};{}\n", declare(&ty, name, &shape), comment(&note)));
        assert(
            &mut out,
            &format!("sizeof({name}) == {}", self.size()),
            &format!("{name} has {}", plural(self.size(), "byte")),
        );
        Ok(out)
    }
}

/// What sizes do not show: the byte order, and what a `long double` is.
fn machine(out: &mut String, layout: &Layout) {
    let model = layout.model();
    if layout.leaves().any(|(_, leaf)| leaf.endian().is_some()) {
        let order = model.endian.as_str();
        let macro_name = format!("__ORDER_{}_ENDIAN__", order.to_ascii_uppercase());
        out.push_str(&format!(
            "#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ != {macro_name}\n#error \"made for a {order}-endian machine\"\n#endif\n"
        ));
    }
    if layout.leaves().any(|(_, leaf)| matches!(leaf.ty(), Type::LongDouble | Type::ComplexLongDouble)) {
        let digits = match model.long_double.format {
            LongDoubleFormat::Double => 53,
            LongDoubleFormat::X87 => 64,
            LongDoubleFormat::Binary128 => 113,
            LongDoubleFormat::DoubleDouble => 106,
        };
        assert(out, &format!("LDBL_MANT_DIG == {digits}"), &format!("long double has {digits} binary digits"));
    }
}

fn define(out: &mut String, definition: &Definition<'_>, full: &str, tag: &str, names: &[String]) {
    out.push('\n');
    if definition.packed {
        out.push_str("#pragma pack(push, 1)\n");
    }
    out.push_str(&format!("{full} {{\n"));
    for Member { name, called, shape, what, .. } in &definition.members {
        let (ty, inner, mut note) = match *what {
            MemberType::Value(field) => value(field),
            MemberType::Defined(index) => (names.get(index).cloned().unwrap_or_default(), Vec::new(), String::new()),
            MemberType::Padding => ("unsigned char".to_string(), Vec::new(), String::new()),
        };
        if let Some(called) = called {
            let colon = if note.is_empty() { "" } else { ": " };
            note = format!("{}{colon}{note}", escape(called));
        }
        let shape: Vec<u64> = shape.iter().copied().chain(inner).collect();
        out.push_str(&format!("    {};{}\n", declare(&ty, name, &shape), comment(&note)));
    }
    for absent in &definition.absent {
        out.push_str(&format!("   {}\n", comment(absent)));
    }
    out.push_str("};\n");
    if definition.packed {
        out.push_str("#pragma pack(pop)\n");
    }
    let size = plural(definition.size, "byte");
    assert(out, &format!("sizeof({full}) == {}", definition.size), &format!("{tag} has {size}"));
    for Member { name, offset, size, .. } in definition.fields() {
        let begins = format!("{tag}.{name} begins at byte {offset}");
        assert(out, &format!("offsetof({full}, {name}) == {offset}"), &begins);
        let has = format!("{tag}.{name} has {}", plural(*size, "byte"));
        assert(out, &format!("sizeof((({full} *)0)->{name}) == {size}"), &has);
    }
}

fn assert(out: &mut String, condition: &str, message: &str) {
    out.push_str(&format!("static_assert({condition}, \"{message}\");\n"));
}

/// A declaration: `int32_t a[2][3]`, `void (*f[2])(void)`.
fn declare(ty: &str, name: &str, shape: &[u64]) -> String {
    let extents: String = shape.iter().map(|extent| format!("[{extent}]")).collect();
    match ty.split_once('@') {
        Some((before, after)) => format!("{before}{name}{extents}{after}"),
        None if ty.ends_with('*') => format!("{ty}{name}{extents}"),
        None => format!("{ty} {name}{extents}"),
    }
}

fn comment(text: &str) -> String {
    if text.is_empty() { String::new() } else { format!(" /* {} */", text.replace("*/", "* /").replace("/*", "/ *")) }
}

/// Whether the bytes are not as this machine's types have them.
pub(super) fn is_swapped(field: Field<'_>) -> bool {
    field.size() > 1 && field.endian().is_some_and(|endian| endian != field.model().endian)
}

fn align(field: Field<'_>) -> Align {
    if is_swapped(field) { Align::ONE } else { field.natural_align() }
}

fn is_reserved(name: &str) -> bool {
    // Names that begin so belong to the compiler.
    let owned = matches!(name.as_bytes(), [b'_', b'_' | b'A'..=b'Z', ..]);
    owned || RESERVED.contains(&format!(" {name} "))
}

/// The type, the dimensions that it adds, and what has to be said about it. `@` is where the name stands.
fn value(field: Field<'_>) -> (String, Vec<u64>, String) {
    let (size, ty) = (field.size(), field.ty());
    let units = |unit: u64| match size.checked_div(unit).unwrap_or(0) {
        1 => Vec::new(),
        units => Vec::from([units]),
    };
    if is_swapped(field) {
        let order = field.endian().map_or("", |endian| endian.as_str());
        return ("unsigned char".to_string(), Vec::from([size]), format!("{ty}, {order}-endian"));
    }
    let (word, shape, note) = match ty {
        Type::Bool if size == 2 => ("int16_t", Vec::new(), "VARIANT_BOOL"),
        Type::Bool => ("bool", Vec::new(), ""),
        Type::Char => ("char", Vec::new(), ""),
        Type::Int8 => ("int8_t", Vec::new(), ""),
        Type::UInt8 => ("uint8_t", Vec::new(), ""),
        Type::Int16 => ("int16_t", Vec::new(), ""),
        Type::UInt16 => ("uint16_t", Vec::new(), ""),
        Type::Int32 => ("int32_t", Vec::new(), ""),
        Type::UInt32 => ("uint32_t", Vec::new(), ""),
        Type::Int64 => ("int64_t", Vec::new(), ""),
        Type::UInt64 => ("uint64_t", Vec::new(), ""),
        Type::Float16 => ("_Float16", Vec::new(), ""),
        Type::Float32 => ("float", Vec::new(), ""),
        Type::Float64 => ("double", Vec::new(), ""),
        Type::LongDouble => ("long double", Vec::new(), ""),
        Type::Complex32 => ("_Float16 _Complex", Vec::new(), ""),
        Type::Complex64 => ("float _Complex", Vec::new(), ""),
        Type::Complex128 => ("double _Complex", Vec::new(), ""),
        Type::ComplexLongDouble => ("long double _Complex", Vec::new(), ""),
        Type::Bytes => ("char", Vec::from([size]), ""),
        Type::Pascal => ("unsigned char", Vec::from([size]), "the length, then so many bytes"),
        Type::Ucs2 => ("uint16_t", units(2), "UCS-2"),
        Type::Ucs4 => ("uint32_t", units(4), "UCS-4"),
        Type::Wchar => ("wchar_t", units(field.natural_align().bytes()), ""),
        Type::Pointer => ("void *", Vec::new(), ""),
        Type::CharPointer => ("char *", Vec::new(), ""),
        Type::WcharPointer => ("wchar_t *", Vec::new(), ""),
        Type::Function => ("void (*@)(void)", Vec::new(), ""),
        Type::Object => ("void *", Vec::new(), "PyObject *"),
        Type::Bits => ("unsigned char", Vec::from([size]), "bits"),
        Type::Void | Type::Opaque | Type::Record => ("unsigned char", Vec::from([size]), ty.as_str()),
    };
    (word.to_string(), shape, note.to_string())
}
