//! [`Layout::to_source`]: describes a layout in a [`SourceLanguage`]: for tools that read binary files (Kaitai Struct
//! and ImHex), or as a type of Go, Zig or Julia.

use alloc::collections::BTreeSet;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::declarations::{
    Declarations, Definition, Language, Member, MemberType, is_identifier, member_comment, swapped_endian,
};
use super::error::SourceError;
use crate::align::Align;
use crate::endian::Endian;
use crate::layout::{Field, Layout, Type};
use crate::named::named_enum;
use crate::text::{escape, plural};

named_enum! {
    /// A language in which [`Layout::to_source`] describes a layout.
    ///
    /// ```
    /// use pep3118::layout::SourceLanguage;
    /// assert_eq!(SourceLanguage::by_name("kaitai"), Some(SourceLanguage::Kaitai));
    /// ```
    #[non_exhaustive]
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
    pub enum SourceLanguage {
        /// A type of Kaitai Struct, the content of a `.ksy` file.
        Kaitai = "kaitai",
        /// A pattern of the hex editor ImHex.
        ImHex = "imhex",
        /// A structure of Go for memory of the same machine.
        Go = "go",
        /// An `extern struct` of Zig.
        Zig = "zig",
        /// A structure of Julia.
        Julia = "julia",
    }
}

/// The type of one element of a member in the target language.
struct ElementType {
    /// The name of the type.
    name: String,
    /// The number of elements if the value is an array in the target language, such as the 2 floats of a complex
    /// number.
    length: Option<u64>,
    /// A property of the field that the type does not express, or an empty text.
    note: String,
}

impl ElementType {
    /// Returns the type `name`, which is not an array and has no note.
    fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), length: None, note: String::new() }
    }

    /// Returns an array of `length` elements of the type `name`, with the note `note`.
    fn array(name: impl Into<String>, length: u64, note: &str) -> Self {
        Self { name: name.into(), length: Some(length), note: note.to_string() }
    }

    /// Returns the type with `note` as its note.
    fn with_note(self, note: &str) -> Self {
        Self { note: note.to_string(), ..self }
    }
}

/// The reason why a field with a type that the language does not have cannot be described.
const NO_TYPE: &str = "the language has no such type";
/// The reason why a bit-field cannot be described.
const NO_BITS: &str = "the language does not place bits as C does";
/// The reason why a field of the opposite byte order cannot be described.
const ONE_ORDER: &str = "numbers have the byte order of the machine";
/// The reason why an array of arrays cannot be described.
const ONE_DIMENSION: &str = "an array has one dimension";

impl Layout {
    /// Returns the description of the layout in `language`, as a type with the name `name`. A field whose name is not
    /// the name of a member in `language` becomes `field_4` (at byte 4). Go exports the type and its fields, so their
    /// names start with a capital letter.
    ///
    /// ```
    /// use pep3118::layout::SourceLanguage;
    /// use pep3118::{DataModel, Dialect, Layout};
    /// let layout = Layout::read(b"T{<H:id:>d:price:}", &Dialect::PEP3118, &DataModel::LP64)?;
    /// let source = layout.to_source("tick", SourceLanguage::ImHex).unwrap();
    /// assert!(source.contains("struct tick {\n    le u16 id;\n    be double price;\n};\n"));
    /// let error = layout.to_source("tick", SourceLanguage::Go).unwrap_err();
    /// assert_eq!(error.to_string(), "go cannot describe float64 `price`: numbers have the byte order of the machine");
    /// # Ok::<(), pep3118::LayoutError>(())
    /// ```
    ///
    /// # Errors
    /// - a type cannot have the name `name` in the language: [`SourceError::Name`]
    /// - the language cannot describe a field, such as a bit-field, a union in Go, or an array of two dimensions in
    ///   ImHex: [`SourceError::Type`]
    /// - the item has 0 bytes: [`SourceError::EmptyItem`]
    pub fn to_source(&self, name: &str, language: SourceLanguage) -> Result<String, SourceError> {
        let library = language.as_str();
        if self.size() == 0 {
            return Err(SourceError::EmptyItem);
        }
        if let Some((_, field)) =
            self.leaves().find(|(_, field)| field.bit_field().is_some() || field.ty() == Type::Bits)
        {
            return Err(refused(library, field, NO_BITS));
        }
        let head = format!("{} for the data model {}.", plural(self.size(), "byte"), self.model());
        match language {
            SourceLanguage::Kaitai => kaitai(self, name, &head),
            SourceLanguage::ImHex => imhex(self, name, &head),
            SourceLanguage::Go => go(self, name, &head),
            SourceLanguage::Zig => zig(self, name, &head),
            SourceLanguage::Julia => julia(self, name, &head),
        }
    }
}

/// Returns the error for `field`, which `library` cannot describe. `reason` is a clause.
fn refused(library: &'static str, field: Field<'_>, reason: &str) -> SourceError {
    let name = field.name_text().map(|name| format!(" `{}`", escape(&name))).unwrap_or_default();
    SourceError::Type { library, what: format!("{}{name}", field.ty()), reason: reason.to_string() }
}

/// Returns the error for `definition`, a record or a union that `library` cannot describe. `reason` is a clause.
pub(super) fn refused_type(library: &'static str, definition: &Definition<'_>, reason: &str) -> SourceError {
    let kind = if definition.is_union { "union" } else { "record" };
    SourceError::Type { library, what: format!("{kind} `{}`", definition.name), reason: reason.to_string() }
}

/// Returns the declarations of `layout` as a type with the name `name`, for a language whose types have no alignment.
/// `can_name` returns whether its argument can be the name of a member or a type. Returns an error if `name` cannot be
/// the name of a type.
fn sequential<'l>(
    layout: &'l Layout,
    name: &str,
    language: &'static str,
    can_name: &dyn Fn(&str) -> bool,
) -> Result<Declarations<'l>, SourceError> {
    aligned(layout, name, language, &|_| Align::ONE, can_name)
}

/// Returns the declarations of `layout` as a type with the name `name`, for a language whose types have the alignment
/// of C. `align` returns the alignment of a field. `can_name` returns whether its argument can be the name of a member
/// or a type. Returns an error if `name` cannot be the name of a type.
fn aligned<'l>(
    layout: &'l Layout,
    name: &str,
    language: &'static str,
    align: &dyn Fn(Field<'_>) -> Align,
    can_name: &dyn Fn(&str) -> bool,
) -> Result<Declarations<'l>, SourceError> {
    if !can_name(name) {
        return Err(SourceError::Name { language, name: name.to_string() });
    }
    let language = Language {
        align,
        can_name_member: can_name,
        can_name_type: can_name,
        type_name: &|words| words.join("_"),
        element: "element",
        // No member is therefore `MemberType::Bits`.
        has_bit_fields: false,
    };
    Ok(Declarations::new(layout, name, &language))
}

/// Returns the length of a member with one dimension, or `None` for a single value. `shape` has the dimensions of the
/// member, and `length` is the additional dimension of an element type that is an array. Returns the result of `error`
/// if the two together are more than one dimension.
fn one_dimension(
    shape: &[u64],
    length: Option<u64>,
    error: &dyn Fn(&str) -> SourceError,
) -> Result<Option<u64>, SourceError> {
    match (shape, length) {
        ([], length) => Ok(length),
        ([one], None) => Ok(Some(*one)),
        _ => Err(error(ONE_DIMENSION)),
    }
}

/// Returns a function that creates the error for `member` from the reason.
fn member_error<'m>(library: &'static str, member: &'m Member<'_>) -> impl Fn(&str) -> SourceError + 'm {
    move |reason| match &member.ty {
        MemberType::Value(field) => refused(library, *field, reason),
        MemberType::Defined(inner) => refused_type(library, inner, reason),
        MemberType::Padding | MemberType::Bits(_) => {
            SourceError::Type { library, what: "padding".to_string(), reason: reason.to_string() }
        }
    }
}

/// Returns `little` or `big`, according to the byte order of `field`. Returns an empty text if the values of `field`
/// have no byte order.
fn order_suffix(field: Field<'_>, little: &'static str, big: &'static str) -> &'static str {
    match field.endian() {
        Some(Endian::Big) => big,
        Some(Endian::Little) => little,
        None => "",
    }
}

// Kaitai Struct

/// Returns whether an attribute or a type of Kaitai Struct can have the name `name`: lower-case letters, digits and
/// `_`, with a letter at the start. The name must not be a word of the expression language, such as `and`.
fn is_kaitai_name(name: &str) -> bool {
    is_identifier(name)
        && name.starts_with(|first: char| first.is_ascii_lowercase())
        && !name.bytes().any(|byte| byte.is_ascii_uppercase())
        && !["and", "false", "if", "not", "or", "true"].contains(&name)
}

/// Returns the content of a `.ksy` file that describes `layout` as the type `name`. `head` is the text of the first
/// comment. Returns an error if Kaitai Struct has no type for a field or cannot have `name`, or for an array of several
/// dimensions.
fn kaitai(layout: &Layout, name: &str, head: &str) -> Result<String, SourceError> {
    let declarations = sequential(layout, name, "Kaitai Struct", &is_kaitai_name)?;
    let mut out = format!("# {head}\nmeta:\n  id: {name}\n");
    let item = layout.item();
    let root = match declarations.definitions.split_last() {
        Some((root, _)) if item.shape().is_empty() => Some(root),
        _ => None,
    };
    match (root, declarations.definitions.last()) {
        (Some(root), _) => kaitai_members(&mut out, root, "")?,
        (None, element) => {
            let error = |reason: &str| refused("kaitai", item, reason);
            let (keys, length) = match element {
                Some(element) => (format!("type: {}\n    size: {}", element.name, element.size), None),
                None => {
                    let ElementType { name, length, .. } = kaitai_type(item)?;
                    (name, length)
                }
            };
            let repeat = kaitai_repeat(one_dimension(item.shape(), length, &error)?, "    ");
            out.push_str(&format!("seq:\n  - id: value\n    {keys}\n{repeat}"));
        }
    }
    let others = declarations.definitions.iter().filter(|other| root.is_none_or(|root| root.index != other.index));
    for (number, definition) in others.enumerate() {
        if number == 0 {
            out.push_str("types:\n");
        }
        out.push_str(&format!("  {}:\n", definition.name));
        kaitai_members(&mut out, definition, "    ")?;
    }
    Ok(out)
}

/// Returns the keys that repeat an attribute `length` times, on lines that start with `indent`. Returns an empty text
/// if `length` is `None`.
fn kaitai_repeat(length: Option<u64>, indent: &str) -> String {
    let keys = |length| format!("{indent}repeat: expr\n{indent}repeat-expr: {length}\n");
    length.map(keys).unwrap_or_default()
}

/// Appends the attributes of `definition` to `out`, in the language of Kaitai Struct. The members of a union become
/// attributes under the key `instances`, all at byte 0. Each line starts with `indent`. Returns an error if Kaitai
/// Struct has no type for a field, or for an array of several dimensions.
fn kaitai_members(out: &mut String, definition: &Definition<'_>, indent: &str) -> Result<(), SourceError> {
    out.push_str(&format!("{indent}{}:\n", if definition.is_union { "instances" } else { "seq" }));
    for member in &definition.members {
        let error = member_error("kaitai", member);
        let (keys, length, note) = match &member.ty {
            // The members of a union do not move the position, so padding has no effect.
            MemberType::Padding | MemberType::Bits(_) if definition.is_union => continue,
            MemberType::Padding | MemberType::Bits(_) => {
                out.push_str(&format!("{indent}  - size: {}\n", member.size));
                continue;
            }
            // The size gives the type a separate stream, in which the instances of a union start at byte 0.
            MemberType::Defined(inner) => {
                (format!("type: {}\n{indent}    size: {}", inner.name, inner.size), None, String::new())
            }
            MemberType::Value(field) => {
                let ElementType { name, length, note } = kaitai_type(*field)?;
                (name.replace('\n', &format!("\n{indent}    ")), length, note)
            }
        };
        let repeat = kaitai_repeat(one_dimension(&member.shape, length, &error)?, &format!("{indent}    "));
        let note = member_comment(member.field_name.as_deref(), &note);
        let doc = if note.is_empty() { note } else { format!("{indent}    doc: {}\n", yaml_string(&note)) };
        let start = if definition.is_union {
            format!("{indent}  {}:\n{indent}    pos: 0", member.name)
        } else {
            format!("{indent}  - id: {}", member.name)
        };
        out.push_str(&format!("{start}\n{indent}    {keys}\n{repeat}{doc}"));
    }
    Ok(())
}

/// Returns `text`, which is ASCII, as a quoted string of YAML.
fn yaml_string(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

/// Returns the keys of an attribute of Kaitai Struct for `field`, which is not a record. Returns an error if Kaitai
/// Struct has no such type.
fn kaitai_type(field: Field<'_>) -> Result<ElementType, SourceError> {
    let size = field.size();
    let order = order_suffix(field, "le", "be");
    let number = |kind: &str, size: u64| format!("type: {kind}{size}{}", if size == 1 { "" } else { order });
    let text = |encoding: &str| {
        ElementType::new(format!("type: str\nsize: {size}\nencoding: {encoding}{}", order.to_ascii_uppercase()))
    };
    let bytes = || ElementType::new(format!("size: {size}"));
    let note = field.ty().to_string();
    Ok(match field.ty() {
        Type::Bool if size == 1 => ElementType::new(number("u", 1)).with_note(&note),
        Type::Bool => ElementType::new(number("s", size)).with_note(&note),
        Type::Int8 | Type::Int16 | Type::Int32 | Type::Int64 => ElementType::new(number("s", size)),
        Type::UInt8 | Type::UInt16 | Type::UInt32 | Type::UInt64 => ElementType::new(number("u", size)),
        Type::Float32 | Type::Float64 => ElementType::new(number("f", size)),
        Type::Complex64 => ElementType::array(number("f", 4), 2, &note),
        Type::Complex128 => ElementType::array(number("f", 8), 2, &note),
        Type::Char | Type::Bytes => bytes(),
        Type::Pascal | Type::Void | Type::Opaque => bytes().with_note(&note),
        Type::Ucs2 => text("UTF-16"),
        Type::Ucs4 => text("UTF-32"),
        Type::Wchar => text(if field.natural_align().bytes() == 2 { "UTF-16" } else { "UTF-32" }),
        Type::Pointer | Type::CharPointer | Type::WcharPointer | Type::Function | Type::Object => {
            ElementType::new(number("u", size)).with_note(&note)
        }
        Type::Float16 | Type::Complex32 | Type::LongDouble | Type::ComplexLongDouble | Type::Bits | Type::Record => {
            return Err(refused("kaitai", field, NO_TYPE));
        }
    })
}

// ImHex

/// The words that have a meaning in the pattern language of ImHex.
const IMHEX_WORDS: &[&str] = &[
    "addressof",
    "as",
    "auto",
    "be",
    "bitfield",
    "bool",
    "break",
    "catch",
    "char",
    "char16",
    "const",
    "continue",
    "double",
    "else",
    "enum",
    "false",
    "float",
    "fn",
    "for",
    "from",
    "if",
    "import",
    "in",
    "le",
    "match",
    "namespace",
    "null",
    "out",
    "padding",
    "parent",
    "ref",
    "reference",
    "return",
    "s128",
    "s16",
    "s24",
    "s32",
    "s48",
    "s64",
    "s8",
    "s96",
    "sizeof",
    "str",
    "struct",
    "this",
    "true",
    "try",
    "typenameof",
    "u128",
    "u16",
    "u24",
    "u32",
    "u48",
    "u64",
    "u8",
    "u96",
    "union",
    "unsigned",
    "using",
    "value",
    "while",
];

/// Returns a pattern of ImHex that describes `layout` as the type `name`, with the variable `name_at_0` at byte 0 of
/// the file. `head` is the text of the first comment. Returns an error if ImHex has no type for a field or cannot have
/// `name`, or for an array of several dimensions.
fn imhex(layout: &Layout, name: &str, head: &str) -> Result<String, SourceError> {
    let can_name = |name: &str| is_identifier(name) && !IMHEX_WORDS.contains(&name);
    let declarations = sequential(layout, name, "ImHex", &can_name)?;
    let mut out = format!("// {head}\n");
    for definition in &declarations.definitions {
        let Definition { name, is_union, members, empty_fields, .. } = &**definition;
        out.push_str(&format!("\n{} {name} {{\n", if *is_union { "union" } else { "struct" }));
        for member in members {
            let error = member_error("imhex", member);
            let ElementType { name: ty, length, note } = match &member.ty {
                MemberType::Padding | MemberType::Bits(_) => {
                    out.push_str(&format!("    padding[{}];\n", member.size));
                    continue;
                }
                MemberType::Defined(inner) => ElementType::new(inner.name.clone()),
                MemberType::Value(field) => imhex_type(*field)?,
            };
            let length = one_dimension(&member.shape, length, &error)?;
            let length = length.map(|length| format!("[{length}]")).unwrap_or_default();
            let note = comment("//", &member_comment(member.field_name.as_deref(), &note));
            out.push_str(&format!("    {ty} {}{length};{note}\n", member.name));
        }
        for text in empty_fields {
            out.push_str(&format!("   {}\n", comment("//", text)));
        }
        out.push_str("};\n");
    }
    let item = layout.item();
    let ElementType { name: ty, length, .. } = match declarations.definitions.last() {
        Some(element) => ElementType::new(element.name.clone()),
        None => imhex_type(item)?,
    };
    let error = |reason: &str| refused("imhex", item, reason);
    let length = one_dimension(item.shape(), length, &error)?;
    let length = length.map(|length| format!("[{length}]")).unwrap_or_default();
    out.push_str(&format!("\n{ty} {name}_at_0{length} @ 0x0;\n"));
    Ok(out)
}

/// Returns the type of ImHex for `field`, which is not a record. Returns an error if ImHex has no such type.
fn imhex_type(field: Field<'_>) -> Result<ElementType, SourceError> {
    let size = field.size();
    let ordered = |name: &str| match order_suffix(field, "le", "be") {
        "" => name.to_string(),
        order => format!("{order} {name}"),
    };
    let bits = size.saturating_mul(8);
    let note = field.ty().to_string();
    let units = |unit: u64| size.checked_div(unit).filter(|units| *units != 1);
    let char16 = || ElementType { length: units(2), ..ElementType::new(ordered("char16")) };
    Ok(match field.ty() {
        Type::Bool if size == 1 => ElementType::new("bool"),
        Type::Bool => ElementType::new(ordered(&format!("s{bits}"))).with_note(&note),
        Type::Char => ElementType::new("char"),
        Type::Bytes => ElementType::array("char", size, ""),
        Type::Int8 | Type::Int16 | Type::Int32 | Type::Int64 => ElementType::new(ordered(&format!("s{bits}"))),
        Type::UInt8 | Type::UInt16 | Type::UInt32 | Type::UInt64 => ElementType::new(ordered(&format!("u{bits}"))),
        Type::Float32 => ElementType::new(ordered("float")),
        Type::Float64 => ElementType::new(ordered("double")),
        Type::Complex64 => ElementType::array(ordered("float"), 2, &note),
        Type::Complex128 => ElementType::array(ordered("double"), 2, &note),
        Type::Ucs2 => char16(),
        Type::Wchar if field.natural_align().bytes() == 2 => char16(),
        Type::Pascal | Type::Void | Type::Opaque => ElementType::array("u8", size, &note),
        Type::Pointer | Type::CharPointer | Type::WcharPointer | Type::Function | Type::Object => {
            ElementType::new(ordered(&format!("u{bits}"))).with_note(&note)
        }
        Type::Ucs4
        | Type::Wchar
        | Type::Float16
        | Type::Complex32
        | Type::LongDouble
        | Type::ComplexLongDouble
        | Type::Bits
        | Type::Record => return Err(refused("imhex", field, NO_TYPE)),
    })
}

// Go

/// The keywords of Go, and the types that the generated source uses.
const GO_WORDS: &[&str] = &[
    "bool",
    "break",
    "case",
    "chan",
    "complex128",
    "complex64",
    "const",
    "continue",
    "default",
    "defer",
    "else",
    "fallthrough",
    "float32",
    "float64",
    "for",
    "func",
    "go",
    "goto",
    "if",
    "import",
    "init",
    "int16",
    "int32",
    "int64",
    "int8",
    "interface",
    "main",
    "map",
    "package",
    "range",
    "return",
    "select",
    "struct",
    "switch",
    "type",
    "uint16",
    "uint32",
    "uint64",
    "uint8",
    "uintptr",
    "unsafe",
    "var",
];

/// Returns Go source that declares `layout` as the type `name`. The source asserts each size and each offset with a
/// declaration that does not compile on another machine. `head` is the text of the first comment. Returns an error if
/// Go has no type for a field or cannot have `name`, for packed records and unions, and for names that differ only in
/// the case of the first letter.
fn go(layout: &Layout, name: &str, head: &str) -> Result<String, SourceError> {
    let can_name = |name: &str| is_identifier(name) && !GO_WORDS.contains(&name);
    let declarations = aligned(layout, name, "Go", &number_align, &can_name)?;
    let mut out = format!("// {head}\npackage {}\n\nimport \"unsafe\"\n", name.to_ascii_lowercase());
    for definition in &declarations.definitions {
        refuse_packed_or_union("go", definition)?;
        let type_name = upper_first(&definition.name);
        let mut used = BTreeSet::new();
        out.push_str(&format!("\ntype {type_name} struct {{\n"));
        for member in &definition.members {
            let (name, ty, note) = match &member.ty {
                MemberType::Padding | MemberType::Bits(_) => ("_".to_string(), ElementType::new("byte"), String::new()),
                MemberType::Defined(inner) => {
                    (upper_first(&member.name), ElementType::new(upper_first(&inner.name)), String::new())
                }
                MemberType::Value(field) => {
                    let ty = go_type(*field)?;
                    let note = ty.note.clone();
                    (upper_first(&member.name), ty, note)
                }
            };
            if name != "_" && !used.insert(name.clone()) {
                return Err(member_error("go", member)("two fields have one name with a capital letter"));
            }
            let lengths: Vec<String> =
                member.shape.iter().chain(&ty.length).map(|length| format!("[{length}]")).collect();
            let note = comment("//", &member_comment(member.field_name.as_deref(), &note));
            out.push_str(&format!("\t{name} {}{}{note}\n", lengths.concat(), ty.name));
        }
        for text in &definition.empty_fields {
            out.push_str(&format!("\t//{}\n", comment("", text)));
        }
        out.push_str("}\n\n");
        let zero = format!("{type_name}{{}}");
        go_assert(&mut out, definition.size, &format!("unsafe.Sizeof({zero})"));
        for member in definition.fields() {
            go_assert(&mut out, member.offset, &format!("unsafe.Offsetof({zero}.{})", upper_first(&member.name)));
        }
    }
    let item = layout.item();
    let ty = match declarations.definitions.last() {
        Some(_) if item.shape().is_empty() => return Ok(out),
        Some(element) => ElementType::new(upper_first(&element.name)),
        None => go_type(item)?,
    };
    let lengths: Vec<String> = item.shape().iter().chain(&ty.length).map(|length| format!("[{length}]")).collect();
    let name = upper_first(name);
    out.push_str(&format!("\ntype {name} {}{}\n\n", lengths.concat(), ty.name));
    go_assert(&mut out, layout.size(), &format!("unsafe.Sizeof(*new({name}))"));
    Ok(out)
}

/// Appends a Go declaration to `out` that compiles only if the constant expression `actual` has the value `expected`.
fn go_assert(out: &mut String, expected: u64, actual: &str) {
    out.push_str(&format!("var _ = [1]struct{{}}{{}}[{actual}-{expected}]\n"));
}

/// Returns `name` with a capital letter at the start, because Go exports only such names. A name that starts with `_`
/// gets the prefix `X`.
fn upper_first(name: &str) -> String {
    let mut letters = name.chars();
    match letters.next() {
        Some(first) if first.is_ascii_alphabetic() => format!("{}{}", first.to_ascii_uppercase(), letters.as_str()),
        Some(_) => format!("X{name}"),
        None => String::new(),
    }
}

/// Returns an error if `definition` is a union, or if a compiler would place the members at other offsets.
fn refuse_packed_or_union(library: &'static str, definition: &Definition<'_>) -> Result<(), SourceError> {
    if definition.is_union {
        return Err(refused_type(library, definition, "the language has no fields that share bytes"));
    }
    if definition.is_packed {
        return Err(refused_type(library, definition, "the language aligns each field"));
    }
    Ok(())
}

/// Returns the alignment of the type of one element of `field` in Go, Zig and Julia. A `long double` and a number of
/// the opposite byte order are arrays of bytes, whose alignment is 1 byte.
fn number_align(field: Field<'_>) -> Align {
    let is_bytes = matches!(field.ty(), Type::LongDouble | Type::ComplexLongDouble) || swapped_endian(field).is_some();
    if is_bytes { Align::ONE } else { field.natural_align() }
}

/// Returns the type of Go for `field`, which is not a record. Returns an error if Go has no such type.
fn go_type(field: Field<'_>) -> Result<ElementType, SourceError> {
    let size = field.size();
    if swapped_endian(field).is_some() {
        return Err(refused("go", field, ONE_ORDER));
    }
    let bits = size.saturating_mul(8);
    let note = field.ty().to_string();
    let text = |unit: u64| ElementType {
        length: size.checked_div(unit).filter(|units| *units != 1),
        ..ElementType::new(format!("uint{}", unit.saturating_mul(8))).with_note(&note)
    };
    Ok(match field.ty() {
        // A `bool` of Go must be 0 or 1, but the memory can contain other values.
        Type::Bool if size == 1 => ElementType::new("uint8").with_note(&note),
        Type::Bool => ElementType::new("int16").with_note(&note),
        Type::Char => ElementType::new("byte").with_note(&note),
        Type::Int8 | Type::Int16 | Type::Int32 | Type::Int64 => ElementType::new(format!("int{bits}")),
        Type::UInt8 | Type::UInt16 | Type::UInt32 | Type::UInt64 => ElementType::new(format!("uint{bits}")),
        Type::Float16 => ElementType::new("uint16").with_note(&note),
        Type::Float32 | Type::Float64 => ElementType::new(format!("float{bits}")),
        Type::Complex32 => ElementType::array("uint16", 2, &note),
        Type::Complex64 | Type::Complex128 => ElementType::new(format!("complex{bits}")),
        Type::Bytes => ElementType::array("byte", size, ""),
        Type::Ucs2 => text(2),
        Type::Ucs4 => text(4),
        Type::Wchar => text(field.natural_align().bytes()),
        // An address is not a pointer of Go, because the garbage collector would follow the pointer.
        Type::Pointer | Type::CharPointer | Type::WcharPointer | Type::Function | Type::Object => {
            ElementType::new(format!("uint{bits}")).with_note(&note)
        }
        Type::LongDouble | Type::ComplexLongDouble | Type::Pascal | Type::Void | Type::Opaque => {
            ElementType::array("byte", size, &note)
        }
        Type::Bits | Type::Record => return Err(refused("go", field, NO_TYPE)),
    })
}

// Zig

/// The keywords of Zig. The name of a field or type that is a keyword is quoted.
const ZIG_KEYWORDS: &[&str] = &[
    "addrspace",
    "align",
    "allowzero",
    "and",
    "anyerror",
    "anyframe",
    "anyopaque",
    "anytype",
    "asm",
    "async",
    "await",
    "bool",
    "break",
    "callconv",
    "catch",
    "comptime",
    "comptime_float",
    "comptime_int",
    "const",
    "continue",
    "defer",
    "else",
    "enum",
    "errdefer",
    "error",
    "export",
    "extern",
    "false",
    "fn",
    "for",
    "if",
    "inline",
    "isize",
    "linksection",
    "noalias",
    "noinline",
    "noreturn",
    "nosuspend",
    "null",
    "opaque",
    "or",
    "orelse",
    "packed",
    "pub",
    "resume",
    "return",
    "std",
    "struct",
    "suspend",
    "switch",
    "test",
    "threadlocal",
    "true",
    "try",
    "type",
    "undefined",
    "union",
    "unreachable",
    "usingnamespace",
    "usize",
    "var",
    "void",
    "volatile",
    "while",
];

/// Returns `name` as an identifier of Zig: quoted if the name is a keyword, is a numeric type such as `u8`, or starts
/// with `c_` as the C types of Zig do.
fn zig_name(name: &str) -> String {
    let rest = name.strip_prefix(['i', 'u', 'f']).unwrap_or("x");
    let is_number = !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_digit());
    let is_c = name.starts_with("c_");
    if is_number || is_c || ZIG_KEYWORDS.contains(&name) { format!("@\"{name}\"") } else { name.to_string() }
}

/// Returns Zig source that declares `layout` as the type `name`, with assertions of sizes and offsets. `head` is the
/// text of the first comment. Returns an error if Zig has no type for a field, or if `name` is not an identifier.
fn zig(layout: &Layout, name: &str, head: &str) -> Result<String, SourceError> {
    let declarations = aligned(layout, name, "Zig", &number_align, &is_identifier)?;
    let mut out = format!("// {head}\nconst std = @import(\"std\");\n");
    for definition in &declarations.definitions {
        let (type_name, kind) = (zig_name(&definition.name), if definition.is_union { "union" } else { "struct" });
        out.push_str(&format!("\npub const {type_name} = extern {kind} {{\n"));
        for member in &definition.members {
            let ty = match &member.ty {
                MemberType::Padding | MemberType::Bits(_) => ElementType::new("u8"),
                MemberType::Defined(inner) => ElementType::new(zig_name(&inner.name)),
                MemberType::Value(field) => zig_type(*field)?,
            };
            let lengths: Vec<String> =
                member.shape.iter().chain(&ty.length).map(|length| format!("[{length}]")).collect();
            let align = if definition.is_packed { " align(1)" } else { "" };
            let note = comment("//", &member_comment(member.field_name.as_deref(), &ty.note));
            let name = zig_name(&member.name);
            out.push_str(&format!("    {name}: {}{}{align},{note}\n", lengths.concat(), ty.name));
        }
        for text in &definition.empty_fields {
            out.push_str(&format!("   {}\n", comment("//", text)));
        }
        out.push_str("};\n\ncomptime {\n");
        out.push_str(&format!("    std.debug.assert(@sizeOf({type_name}) == {});\n", definition.size));
        for member in definition.fields() {
            let (name, offset) = (&member.name, member.offset);
            out.push_str(&format!("    std.debug.assert(@offsetOf({type_name}, \"{name}\") == {offset});\n"));
        }
        out.push_str("}\n");
    }
    let item = layout.item();
    let ty = match declarations.definitions.last() {
        Some(_) if item.shape().is_empty() => return Ok(out),
        Some(element) => ElementType::new(zig_name(&element.name)),
        None => zig_type(item)?,
    };
    let lengths: Vec<String> = item.shape().iter().chain(&ty.length).map(|length| format!("[{length}]")).collect();
    let (name, size) = (zig_name(name), layout.size());
    out.push_str(&format!("\npub const {name} = {}{};\n\ncomptime {{\n", lengths.concat(), ty.name));
    out.push_str(&format!("    std.debug.assert(@sizeOf({name}) == {size});\n}}\n"));
    Ok(out)
}

/// Returns the type of Zig for `field`, which is not a record. Returns an error if Zig has no such type.
fn zig_type(field: Field<'_>) -> Result<ElementType, SourceError> {
    let (size, bits) = (field.size(), field.size().saturating_mul(8));
    let note = field.ty().to_string();
    if let Some(endian) = swapped_endian(field) {
        return Ok(ElementType::array("u8", size, &format!("{note}, {endian}-endian")));
    }
    let text = |unit: u64| ElementType {
        length: size.checked_div(unit).filter(|units| *units != 1),
        ..ElementType::new(format!("u{}", unit.saturating_mul(8))).with_note(&note)
    };
    Ok(match field.ty() {
        // A `bool` of Zig must be 0 or 1, but the memory can contain other values.
        Type::Bool if size == 1 => ElementType::new("u8").with_note(&note),
        Type::Bool => ElementType::new("i16").with_note(&note),
        Type::Char => ElementType::new("u8").with_note(&note),
        Type::Int8 | Type::Int16 | Type::Int32 | Type::Int64 => ElementType::new(format!("i{bits}")),
        Type::UInt8 | Type::UInt16 | Type::UInt32 | Type::UInt64 => ElementType::new(format!("u{bits}")),
        Type::Float16 | Type::Float32 | Type::Float64 => ElementType::new(format!("f{bits}")),
        Type::Complex32 => ElementType::array("f16", 2, &note),
        Type::Complex64 => ElementType::array("f32", 2, &note),
        Type::Complex128 => ElementType::array("f64", 2, &note),
        Type::Bytes => ElementType::array("u8", size, ""),
        Type::Ucs2 => text(2),
        Type::Ucs4 => text(4),
        Type::Wchar => text(field.natural_align().bytes()),
        Type::Pointer | Type::CharPointer | Type::WcharPointer | Type::Function | Type::Object => {
            ElementType::new(format!("u{bits}")).with_note(&note)
        }
        Type::LongDouble | Type::ComplexLongDouble | Type::Pascal | Type::Void | Type::Opaque => {
            ElementType::array("u8", size, &note)
        }
        Type::Bits | Type::Record => return Err(refused("zig", field, NO_TYPE)),
    })
}

// Julia

/// The keywords of Julia, and the types that the generated source uses.
const JULIA_WORDS: &[&str] = &[
    "Bool",
    "ComplexF16",
    "ComplexF32",
    "ComplexF64",
    "Float16",
    "Float32",
    "Float64",
    "Int16",
    "Int32",
    "Int64",
    "Int8",
    "NTuple",
    "UInt16",
    "UInt32",
    "UInt64",
    "UInt8",
    "abstract",
    "baremodule",
    "begin",
    "break",
    "catch",
    "const",
    "continue",
    "do",
    "else",
    "elseif",
    "end",
    "export",
    "false",
    "finally",
    "for",
    "function",
    "global",
    "if",
    "import",
    "in",
    "isa",
    "let",
    "local",
    "macro",
    "module",
    "mutable",
    "outer",
    "primitive",
    "public",
    "quote",
    "return",
    "struct",
    "true",
    "try",
    "type",
    "using",
    "where",
    "while",
];

/// Returns Julia source that declares `layout` as the type `name`, with assertions of sizes and offsets. `head` is the
/// text of the first comment. Returns an error if Julia has no type for a field or cannot have `name`, and for packed
/// records and unions.
fn julia(layout: &Layout, name: &str, head: &str) -> Result<String, SourceError> {
    let can_name = |name: &str| is_identifier(name) && !JULIA_WORDS.contains(&name);
    let declarations = aligned(layout, name, "Julia", &number_align, &can_name)?;
    let mut out = format!("# {head}\n");
    for definition in &declarations.definitions {
        refuse_packed_or_union("julia", definition)?;
        let type_name = &definition.name;
        out.push_str(&format!("\nstruct {type_name}\n"));
        for member in &definition.members {
            let ty = match &member.ty {
                MemberType::Padding | MemberType::Bits(_) => ElementType::new("UInt8"),
                MemberType::Defined(inner) => ElementType::new(inner.name.clone()),
                MemberType::Value(field) => julia_type(*field)?,
            };
            let text = julia_array(&ty, &member.shape);
            let note = comment("#", &member_comment(member.field_name.as_deref(), &ty.note));
            out.push_str(&format!("    {}::{text}{note}\n", member.name));
        }
        for text in &definition.empty_fields {
            out.push_str(&format!("   {}\n", comment("#", text)));
        }
        out.push_str(&format!("end\n\n@assert sizeof({type_name}) == {}\n", definition.size));
        for (member, number) in definition.members.iter().zip(1_u64..) {
            if !matches!(member.ty, MemberType::Padding) {
                let offset = member.offset;
                out.push_str(&format!("@assert fieldoffset({type_name}, {number}) == {offset} # {}\n", member.name));
            }
        }
    }
    let item = layout.item();
    let ty = match declarations.definitions.last() {
        Some(_) if item.shape().is_empty() => return Ok(out),
        Some(element) => ElementType::new(element.name.clone()),
        None => julia_type(item)?,
    };
    let text = julia_array(&ty, item.shape());
    out.push_str(&format!("\nconst {name} = {text}\n\n@assert sizeof({name}) == {}\n", layout.size()));
    Ok(out)
}

/// Returns the Julia type of an array with elements of type `ty`. `shape` has the dimensions in the order of the
/// memory.
fn julia_array(ty: &ElementType, shape: &[u64]) -> String {
    let lengths = shape.iter().chain(&ty.length).rev();
    lengths.fold(ty.name.clone(), |ty, length| format!("NTuple{{{length}, {ty}}}"))
}

/// Returns the type of Julia for `field`, which is not a record. Returns an error if Julia has no such type.
fn julia_type(field: Field<'_>) -> Result<ElementType, SourceError> {
    let size = field.size();
    if swapped_endian(field).is_some() {
        return Err(refused("julia", field, ONE_ORDER));
    }
    let bits = size.saturating_mul(8);
    let note = field.ty().to_string();
    let text = |unit: u64| ElementType {
        length: size.checked_div(unit).filter(|units| *units != 1),
        ..ElementType::new(format!("UInt{}", unit.saturating_mul(8))).with_note(&note)
    };
    Ok(match field.ty() {
        // A `Bool` of Julia must be 0 or 1, but the memory can contain other values.
        Type::Bool if size == 1 => ElementType::new("UInt8").with_note(&note),
        Type::Bool => ElementType::new("Int16").with_note(&note),
        Type::Char => ElementType::new("UInt8").with_note(&note),
        Type::Int8 | Type::Int16 | Type::Int32 | Type::Int64 => ElementType::new(format!("Int{bits}")),
        Type::UInt8 | Type::UInt16 | Type::UInt32 | Type::UInt64 => ElementType::new(format!("UInt{bits}")),
        Type::Float16 | Type::Float32 | Type::Float64 => ElementType::new(format!("Float{bits}")),
        Type::Complex32 => ElementType::new("ComplexF16"),
        Type::Complex64 => ElementType::new("ComplexF32"),
        Type::Complex128 => ElementType::new("ComplexF64"),
        Type::Bytes => ElementType::array("UInt8", size, ""),
        Type::Ucs2 => text(2),
        Type::Ucs4 => text(4),
        Type::Wchar => text(field.natural_align().bytes()),
        Type::Pointer | Type::CharPointer | Type::WcharPointer | Type::Function | Type::Object => {
            ElementType::new(format!("UInt{bits}")).with_note(&note)
        }
        Type::LongDouble | Type::ComplexLongDouble | Type::Pascal | Type::Void | Type::Opaque => {
            ElementType::array("UInt8", size, &note)
        }
        Type::Bits | Type::Record => return Err(refused("julia", field, NO_TYPE)),
    })
}

/// Returns a space, `mark`, a space and `text`: a comment to be appended to a line of code. `mark` starts a comment in
/// the language, such as `//`. `text` must have no line feed. Returns an empty text if `text` is empty.
fn comment(mark: &str, text: &str) -> String {
    if text.is_empty() { String::new() } else { format!(" {mark} {text}") }
}
