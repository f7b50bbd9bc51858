//! [`Layout::to_c`]: generates the C type of a layout.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::declarations::{
    BitPiece, Declarations, Definition, Language, Member, MemberType, bits_note, is_identifier, member_comment,
    swapped_endian,
};
use super::error::SourceError;
use crate::abi::LongDoubleFormat;
use crate::align::Align;
use crate::layout::{Field, Layout, Type};
use crate::text::plural;

/// The names of the headers that the generated source includes.
const HEADERS: [&str; 6] = ["assert", "float", "stdbool", "stddef", "stdint", "wchar"];

impl Layout {
    /// Returns C source that defines a type with the name `name`. The type has this layout.
    ///
    /// The source contains a static assertion for each size and each offset, except for bit-fields. A field whose name
    /// is not the name of a C member becomes `field_4` (at byte 4), with a comment.
    ///
    /// ```
    /// use pep3118::{DataModel, Dialect, Layout};
    /// let layout = Layout::read(b"T{b:a:7x>i:b:d:c:}", &Dialect::PEP3118, &DataModel::LP64)?;
    /// let source = layout.to_c("sample").unwrap();
    /// assert!(source.contains("    int8_t a;\n    unsigned char _pad1[7];\n    unsigned char b[4]; /* int32, big-endian */\n"));
    /// assert!(source.contains("static_assert(offsetof(struct sample, c) == 12, \"sample.c is at byte 12\");"));
    /// # Ok::<(), pep3118::LayoutError>(())
    /// ```
    ///
    /// # Errors
    /// - `to_c("int")` or `to_c("size_t")`, because a type cannot have this name: [`SourceError::Name`]
    /// - an item of 0 bytes, because C has no such type: [`SourceError::Empty`]
    pub fn to_c(&self, name: &str) -> Result<String, SourceError> {
        if !can_name_type(name) {
            return Err(SourceError::Name { language: "C", name: name.to_string() });
        }
        if self.size() == 0 {
            return Err(SourceError::Empty);
        }
        let language = Language {
            align: &|field| if swapped_endian(field).is_some() { Align::ONE } else { field.natural_align() },
            can_name_member: &can_name_member,
            can_name_type: &can_name_type,
            type_name: &|words| words.join("_"),
            has_bit_fields: true,
            element: "element",
        };
        let declarations = Declarations::new(self, name, &language);
        let mut out = format!("/* {} for the data model {}. */\n", plural(self.size(), "byte"), self.model());
        for header in HEADERS {
            out.push_str(&format!("#include <{header}.h>\n"));
        }
        assert_machine(&mut out, self);
        for definition in &declarations.definitions {
            write_definition(&mut out, definition);
        }
        out.push('\n');
        let item = self.item();
        let ty = match declarations.definitions.last() {
            Some(definition) => TypeText::of_definition(definition),
            None => TypeText::of_value(item),
        };
        out.push_str(&format!("typedef {};{}\n", ty.declare(name, item.shape()), comment(&ty.note)));
        write_assert(
            &mut out,
            &format!("sizeof({name}) == {}", self.size()),
            &format!("{name} has {}", plural(self.size(), "byte")),
        );
        Ok(out)
    }
}

/// Appends assertions of the rule for bit-fields, of the byte order and of the representation of `long double` to
/// `out`, if fields of `layout` depend on these properties. The assertions of sizes and offsets do not detect a machine
/// that differs only in these properties.
fn assert_machine(out: &mut String, layout: &Layout) {
    let model = layout.model();
    if layout.leaves().any(|(_, leaf)| leaf.bit_field().is_some()) {
        let (condition, rule) =
            if model.has_microsoft_bit_fields() { ("!defined", "Microsoft") } else { ("defined", "System V") };
        out.push_str(&format!("#if {condition}(_WIN32)\n#error \"made for the bit-fields of {rule}\"\n#endif\n"));
    }
    if layout.leaves().any(|(_, leaf)| leaf.endian().is_some() || leaf.bit_field().is_some()) {
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
        write_assert(out, &format!("LDBL_MANT_DIG == {digits}"), &format!("long double has {digits} binary digits"));
    }
}

/// Appends the C source of `definition`, with its assertions, to `out`.
fn write_definition(out: &mut String, definition: &Definition<'_>) {
    let full = full_name(definition);
    out.push('\n');
    if definition.is_packed {
        out.push_str("#pragma pack(push, 1)\n");
    }
    out.push_str(&format!("{full} {{\n"));
    for Member { name, field_name, shape, ty, .. } in &definition.members {
        let ty = match ty {
            MemberType::Value(field) => TypeText::of_value(*field),
            MemberType::Defined(inner) => TypeText::of_definition(inner),
            MemberType::Padding => TypeText::new("unsigned char "),
            MemberType::Bits(pieces) => {
                pieces.iter().for_each(|piece| write_bit_piece(out, piece, definition.is_union));
                continue;
            }
        };
        let comment = comment(&member_comment(field_name.as_deref(), &ty.note));
        out.push_str(&format!("    {};{comment}\n", ty.declare(name, shape)));
    }
    for text in &definition.empty_fields {
        out.push_str(&format!("   {}\n", comment(text)));
    }
    out.push_str("};\n");
    if definition.is_packed {
        out.push_str("#pragma pack(pop)\n");
    }
    let (tag, size) = (&definition.name, definition.size);
    write_assert(out, &format!("sizeof({full}) == {size}"), &format!("{tag} has {}", plural(size, "byte")));
    for Member { name, offset, size, .. } in definition.fields() {
        let message = format!("{tag}.{name} is at byte {offset}");
        write_assert(out, &format!("offsetof({full}, {name}) == {offset}"), &message);
        let message = format!("{tag}.{name} has {}", plural(*size, "byte"));
        write_assert(out, &format!("sizeof((({full} *)0)->{name}) == {size}"), &message);
    }
}

/// Appends the declaration of `piece`, a bit-field or pad bits, to `out`. Appends nothing for pad bits of a union.
fn write_bit_piece(out: &mut String, piece: &BitPiece<'_>, is_union: bool) {
    let BitPiece { field, ty, width } = piece;
    let before = number_type(*ty);
    match field {
        Some((name, field)) => {
            let field_name = field.name_text().filter(|field_name| field_name != name);
            let comment = comment(&member_comment(field_name.as_deref(), ""));
            out.push_str(&format!("    {before} {name} : {width};{comment}\n"));
        }
        None if is_union => {}
        None => out.push_str(&format!("    {before} : {width};\n")),
    }
}

/// Returns the name of the C type of `Bool` or of an integer type.
fn number_type(ty: Type) -> String {
    if ty == Type::Bool { ty.to_string() } else { format!("{ty}_t") }
}

/// Returns the keyword and the name of the type that `definition` defines: `struct sample`.
fn full_name(definition: &Definition<'_>) -> String {
    format!("{} {}", if definition.is_union { "union" } else { "struct" }, definition.name)
}

/// Appends a static assertion of the C expression `condition` to `out`. A compiler prints `message` if `condition` is
/// false.
fn write_assert(out: &mut String, condition: &str, message: &str) {
    out.push_str(&format!("static_assert({condition}, \"{message}\");\n"));
}

/// Returns a space and the C comment `/* text */`, to be appended to a line of code. Comment delimiters in `text` are
/// split by a space. Returns an empty text if `text` is empty.
fn comment(text: &str) -> String {
    if text.is_empty() { String::new() } else { format!(" /* {} */", text.replace("*/", "* /").replace("/*", "/ *")) }
}

/// A C type: the texts before and after the name in a declaration.
struct TypeText {
    /// The text before the name: `int32_t `.
    before: String,
    /// The length of an additional innermost dimension, for a type that is an array of characters or bytes.
    length: Option<u64>,
    /// The text after the dimensions: `)(void)`.
    after: &'static str,
    /// A property of the type that C cannot express: `UCS-2`. Empty for most types.
    note: String,
}

impl TypeText {
    /// Returns a type whose declaration is the text `before`, then the name, such as `int32_t x`.
    fn new(before: &str) -> Self {
        Self { before: before.to_string(), length: None, after: "", note: String::new() }
    }

    /// Returns the type that `definition` defines: `struct sample`.
    fn of_definition(definition: &Definition<'_>) -> Self {
        Self::new(&format!("{} ", full_name(definition)))
    }

    /// Returns the C type of one element of `field`, which must not be a record.
    fn of_value(field: Field<'_>) -> Self {
        let (size, ty) = (field.size(), field.ty());
        if ty != Type::Bits
            && let Some(endian) = swapped_endian(field)
        {
            let note = format!("{ty}, {endian}-endian");
            return Self { length: Some(size), note, ..Self::new("unsigned char ") };
        }
        // A text of one character is a single value and not an array.
        let units = |unit: u64| size.checked_div(unit).filter(|units| *units != 1);
        let (before, length, note) = match ty {
            Type::Bool if size == 2 => ("int16_t ", None, "VARIANT_BOOL"),
            Type::Bool => ("bool ", None, ""),
            Type::Char => ("char ", None, ""),
            Type::Int8 => ("int8_t ", None, ""),
            Type::UInt8 => ("uint8_t ", None, ""),
            Type::Int16 => ("int16_t ", None, ""),
            Type::UInt16 => ("uint16_t ", None, ""),
            Type::Int32 => ("int32_t ", None, ""),
            Type::UInt32 => ("uint32_t ", None, ""),
            Type::Int64 => ("int64_t ", None, ""),
            Type::UInt64 => ("uint64_t ", None, ""),
            Type::Float16 => ("_Float16 ", None, ""),
            Type::Float32 => ("float ", None, ""),
            Type::Float64 => ("double ", None, ""),
            Type::LongDouble => ("long double ", None, ""),
            Type::Complex32 => ("_Float16 _Complex ", None, ""),
            Type::Complex64 => ("float _Complex ", None, ""),
            Type::Complex128 => ("double _Complex ", None, ""),
            Type::ComplexLongDouble => ("long double _Complex ", None, ""),
            Type::Bytes => ("char ", Some(size), ""),
            Type::Pascal => ("unsigned char ", Some(size), "a length, then the characters"),
            Type::Ucs2 => ("uint16_t ", units(2), "UCS-2"),
            Type::Ucs4 => ("uint32_t ", units(4), "UCS-4"),
            Type::Wchar => ("wchar_t ", units(field.natural_align().bytes()), ""),
            Type::Pointer => ("void *", None, ""),
            Type::CharPointer => ("char *", None, ""),
            Type::WcharPointer => ("wchar_t *", None, ""),
            Type::Function => return Self { after: ")(void)", ..Self::new("void (*") },
            Type::Object => ("void *", None, "PyObject *"),
            Type::Bits => {
                return Self { length: Some(size), note: bits_note(field), ..Self::new("unsigned char ") };
            }
            Type::Void | Type::Opaque | Type::Record => ("unsigned char ", Some(size), ty.as_str()),
        };
        Self { length, note: note.to_string(), ..Self::new(before) }
    }

    /// Returns the declaration of `name` as an array of this type with the dimensions `shape`: `int32_t a[2][3]`,
    /// `void (*f[2])(void)`.
    fn declare(&self, name: &str, shape: &[u64]) -> String {
        let lengths: Vec<String> = shape.iter().chain(&self.length).map(|length| format!("[{length}]")).collect();
        format!("{}{name}{}{}", self.before, lengths.concat(), self.after)
    }
}

/// The keywords of C and C++, and the compiler-defined macros that do not start with an underscore, such as `linux`.
const KEYWORDS: &str = "\
    alignas alignof and and_eq asm auto bitand bitor bool break case catch char class compl const const_cast constexpr \
    continue default delete do double dynamic_cast else enum explicit export extern false far float for friend goto \
    huge i386 if inline int linux long mutable namespace near new noexcept not not_eq nullptr operator or or_eq \
    private protected public register reinterpret_cast restrict return short signed sizeof small static static_assert \
    static_cast struct switch template this thread_local throw true try typedef typeid typename typeof typeof_unqual \
    union unix unsigned using virtual void volatile while xor xor_eq";

/// Macros of [`HEADERS`], and of `stdio.h` and `time.h`. On some systems, the headers of `HEADERS` include these two
/// headers. The list also contains the types that the generated source uses. [`is_limit_macro`] recognizes further
/// macros.
const MACROS: &str = "\
    BUFSIZ CLOCKS_PER_SEC DECIMAL_DIG DEC_INFINITY DEC_NAN EOF FILENAME_MAX FOPEN_MAX INFINITY L_ctermid L_cuserid \
    L_tmpnam NAN NDEBUG NULL P_tmpdir SEEK_CUR SEEK_DATA SEEK_END SEEK_HOLE SEEK_SET TIME_UTC TMP_MAX WEOF assert \
    assert_perror errno int16_t int32_t int64_t int8_t offsetof stderr stdin stdout uint16_t uint32_t uint64_t uint8_t \
    unreachable wchar_t";

/// Types and functions of [`HEADERS`], `stdio.h` and `time.h`. [`can_name_type`] recognizes further names.
const DECLARED: &str = "\
    FILE asctime asctime_r btowc clearerr clock clock_t clockid_t ctermid ctime ctime_r difftime dprintf errno_t \
    fclose fdopen feof ferror fflush fgetc fgetpos fgets fgetwc fgetwc_unlocked fgetws fgetws_unlocked fileno \
    flockfile fmemopen fopen fpos_t fprintf fputc fputs fputwc fputwc_unlocked fputws fputws_unlocked fread freopen \
    fscanf fseek fseeko fsetpos ftell ftello ftrylockfile funlockfile fwide fwprintf fwrite fwscanf getc getchar \
    getdate getdelim getline gets getwc getwc_unlocked getwchar getwchar_unlocked gmtime gmtime_r locale_t localtime \
    localtime_r max_align_t mktime nullptr_t off_t open_memstream open_wmemstream pclose perror pid_t popen printf \
    ptrdiff_t putc putchar puts putwc putwc_unlocked putwchar putwchar_unlocked remove rename rewind rsize_t scanf \
    setbuf setvbuf size_t snprintf sprintf sscanf ssize_t strftime strptime swprintf swscanf tempnam time time_t \
    timer_t timespec timezone tm tmpfile tmpnam tzname tzset ungetc ungetwc va_list vdprintf vfprintf vfscanf \
    vfwprintf vfwscanf vprintf vscanf vsnprintf vsprintf vsscanf vswprintf vswscanf vwprintf vwscanf wcpcpy wcpncpy \
    wcrtomb wctob wctrans_t wctype wctype_t wcwidth wint_t wprintf wscanf";

/// Returns whether `word` is one of the words of `list`. The words of `list` must be separated by spaces.
fn contains_word(list: &str, word: &str) -> bool {
    list.split(' ').any(|listed| listed == word)
}

/// Returns whether a member of a structure or union can have the name `name`.
fn can_name_member(name: &str) -> bool {
    // C reserves these names for the compiler and its headers.
    let is_reserved = matches!(name.as_bytes(), [b'_', b'_' | b'A'..=b'Z', ..]);
    is_identifier(name)
        && !is_reserved
        && !contains_word(KEYWORDS, name)
        && !contains_word(MACROS, name)
        && !is_limit_macro(name)
}

/// Returns whether `name` has the form of a macro of `float.h`, `stdint.h` or `wchar.h`: `FLT_MAX`, `INT_FAST8_MIN`,
/// `UINT8_C`.
fn is_limit_macro(name: &str) -> bool {
    /// The texts with which these macros start.
    const PREFIXES: &[&str] =
        &["BOOL", "DBL", "DEC", "FLT", "INT", "LDBL", "PTRDIFF", "SIG_ATOMIC", "SIZE", "UINT", "WCHAR", "WINT"];
    /// The texts with which these macros end.
    const SUFFIXES: &[&str] = &[
        "_60559", "_C", "_DIG", "_EPSILON", "_EXP", "_MAX", "_METHOD", "_MIN", "_RADIX", "_ROUNDS", "_SNAN",
        "_SUBNORM", "_WIDTH",
    ];
    PREFIXES.iter().any(|prefix| name.starts_with(prefix)) && SUFFIXES.iter().any(|suffix| name.ends_with(suffix))
}

/// Returns whether a type can have the name `name`.
fn can_name_type(name: &str) -> bool {
    // `stdint.h` and `wchar.h` reserve names of these forms.
    let is_integer = ["int", "uint"].iter().any(|prefix| name.starts_with(prefix)) && name.ends_with("_t");
    let is_wide = ["mbr", "mbs", "wcs", "wmem"].iter().any(|prefix| name.starts_with(prefix));
    can_name_member(name) && !is_integer && !is_wide && !contains_word(DECLARED, name)
}
