//! [`Layout::emit`]: writes a format for a layout and a reader ([`Target`]). The reader gives this format the same
//! layout.
//!
//! A canonical format declares each pad byte as an `x` and each change of the byte order by a byte-order character. No
//! field depends on implicit alignment. Every dialect that has the format characters of a canonical format gives this
//! format the same layout. Before `emit` returns a format, `emit` reads the format in the dialect of the target, and
//! checks that the layouts are equal.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::compare::{Comparison, Equivalence};
use super::dialect::Dialect;
use super::table::join_lengths;
use super::tree::{Field, Layout};
use super::ty::Type;
use crate::endian::Endian;
use crate::named::named_enum;
use crate::text::plural;

named_enum! {
    /// A reader of format strings that [`Layout::emit`] can write for.
    ///
    /// ```
    /// use pep3118::{DataModel, Dialect, Layout, Target};
    /// let layout = Layout::read(b"T{<Zd:z:}", &Dialect::PEP3118, &DataModel::LP64)?;
    /// assert_eq!(layout.emit(Target::CPython314).unwrap(), b"<D");
    /// assert_eq!(layout.emit(Target::CPython315).unwrap(), b"<Zd");
    /// assert_eq!(Target::by_name("numpy"), Some(Target::NumPy));
    /// # Ok::<(), pep3118::LayoutError>(())
    /// ```
    #[non_exhaustive]
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
    pub enum Target {
        /// Every reader that implements PEP 3118.
        Canonical = "canonical",
        /// The `struct` module of every CPython version. The format contains no names and no `T{}`.
        Struct = "struct",
        /// The `struct` module of CPython 3.14: complex numbers are `F` and `D`.
        CPython314 = "cpython-3.14",
        /// The `struct` module of CPython 3.15: complex numbers are `Zf` and `Zd`.
        CPython315 = "cpython-3.15",
        /// NumPy's reader.
        NumPy = "numpy",
        /// The buffer check of Cython, on a machine with the data model of the layout.
        Cython = "cython",
    }
}

impl Target {
    /// Returns the dialect by which this target reads a format.
    fn dialect(self) -> &'static Dialect {
        match self {
            Self::Canonical => &Dialect::PEP3118,
            Self::Struct => &Dialect::STRUCT_3_13,
            Self::CPython314 => &Dialect::STRUCT_3_14,
            Self::CPython315 => &Dialect::STRUCT,
            Self::NumPy => &Dialect::NUMPY_READER,
            Self::Cython => &Dialect::CYTHON,
        }
    }

    /// Returns whether this target is the `struct` module, which has no structures, no names and no shapes.
    fn is_struct_module(self) -> bool {
        matches!(self, Self::Struct | Self::CPython314 | Self::CPython315)
    }
}

/// The error of [`Layout::emit`] for a layout that a target cannot read.
///
/// ```
/// use pep3118::{DataModel, Dialect, Layout, Target};
/// let layout = Layout::read(b"T{&i:a:}", &Dialect::PEP3118, &DataModel::LP64)?;
/// assert!(layout.emit(Target::Canonical).is_ok());
/// assert_eq!(layout.emit(Target::NumPy).unwrap_err().to_string(), "numpy cannot read the pointer at byte 0");
/// # Ok::<(), pep3118::LayoutError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[error("{target} cannot read {what}")]
pub struct EmitError {
    /// The target that the format was requested for.
    pub target: Target,
    /// The part of the layout that the target cannot read, with the offset in bytes: "the pointer at byte 8".
    pub what: String,
}

impl Layout {
    /// Returns a format for which `target` computes this layout. A format for the `struct` module gives only the values
    /// of this layout, without names and structures.
    ///
    /// ```
    /// use pep3118::{DataModel, Dialect, Layout, Target};
    /// let layout = Layout::read(b"T{b:a:i:b:}", &Dialect::PEP3118, &DataModel::LP64)?;
    /// assert_eq!(layout.emit(Target::Canonical).unwrap(), b"T{b:a:3x<i:b:}");
    /// assert_eq!(layout.emit(Target::Struct).unwrap(), b"<b3xi");
    ///
    /// let pointer = Layout::read(b"T{&i:p:}", &Dialect::PEP3118, &DataModel::LP64)?;
    /// let error = pointer.emit(Target::NumPy).unwrap_err();
    /// assert_eq!(error.to_string(), "numpy cannot read the pointer at byte 0");
    /// # Ok::<(), pep3118::LayoutError>(())
    /// ```
    ///
    /// # Errors
    /// - a layout that no format describes: fields share bytes or are not in the order of their offsets, a void field
    ///   has no name, a bit-field is signed or starts above bit 0, a `long double` or an address is byte-swapped
    /// - [`Target::NumPy`] and a layout with a pointer: NumPy has no pointers
    /// - [`Target::Struct`] and a layout with two byte orders or an array of structures: `struct` has neither
    /// - [`Target::Cython`] and a big-endian number in a little-endian data model: Cython reads only native numbers
    /// - a target other than [`Target::Canonical`] and a layout with a user type
    pub fn emit(&self, target: Target) -> Result<Vec<u8>, EmitError> {
        let mut writer = FormatWriter { target, out: Vec::new(), order: None };
        if target.is_struct_module() {
            writer.write_struct_format(self)?;
        } else {
            writer.write_field(self.item(), 0)?;
        }
        let format = writer.out;
        // Read the format in the dialect of the target and compare the layouts. A format for `struct` contains no names
        // and no structures, so only its values are compared.
        let read = Layout::read(&format, target.dialect(), self.model());
        let same = read.is_ok_and(|read| {
            if target.is_struct_module() {
                return same_values(self, &read);
            }
            Comparison::of_layouts(self, &read).equivalence >= Some(Equivalence::Scalars)
        });
        if same { Ok(format) } else { Err(EmitError { target, what: "this layout".to_string() }) }
    }
}

/// Returns whether `flat` and `layout` have the same size, and values of equal types, sizes, counts and byte orders at
/// equal offsets. Ignores the structures, the names and the shapes.
fn same_values(layout: &Layout, flat: &Layout) -> bool {
    let values = |layout: &Layout| -> Vec<_> {
        let value =
            |(at, leaf): (u64, Field<'_>)| (at, leaf.size(), leaf.count(), leaf.ty(), leaf.endian(), leaf.bit_field());
        layout.leaves().map(value).collect()
    };
    layout.size() == flat.size() && values(layout) == values(flat)
}

/// Writes one format for [`Layout::emit`].
struct FormatWriter {
    target: Target,
    /// The bytes of the format so far.
    out: Vec<u8>,
    /// The byte-order character that was written last, or `None` if no byte-order character was written.
    order: Option<&'static str>,
}

impl FormatWriter {
    /// Returns the error for a part of the layout that the target cannot read. `what` describes the part with its
    /// offset: "the pointer at byte 8".
    fn refuse<T>(&self, what: impl Into<String>) -> Result<T, EmitError> {
        Err(EmitError { target: self.target, what: what.into() })
    }

    /// Writes `text` without changes.
    fn push_text(&mut self, text: &str) {
        self.out.extend_from_slice(text.as_bytes());
    }

    /// Writes the format of `bytes` pad bytes: nothing for 0, `x` for 1, `3x` for 3.
    fn write_padding(&mut self, bytes: u64) {
        match bytes {
            0 => {}
            1 => self.push_text("x"),
            bytes => self.push_text(&format!("{bytes}x")),
        }
    }

    /// Writes the shape, the type and the name of `field`. `at` is the offset of `field` in bytes from the start of the
    /// item. Returns an error if the target cannot read `field` or a field inside `field`.
    // The function calls itself once per level of nested structures. The parser and the builder permit 64 levels.
    fn write_field(&mut self, field: Field<'_>, at: u64) -> Result<(), EmitError> {
        if !field.shape().is_empty() {
            self.push_text(&format!("({})", join_lengths(field)));
        }
        if field.ty() == Type::Record {
            self.refuse_unordered(field, at)?;
            self.push_text("T{");
            let mut end = 0;
            for inner in field.fields() {
                self.write_padding(inner.offset().saturating_sub(end));
                self.write_field(inner, at.saturating_add(inner.offset()))?;
                end = inner.offset().saturating_add(inner.total_size());
            }
            self.write_padding(field.size().saturating_sub(end));
            self.push_text("}");
        } else {
            self.write_value(field, at)?;
        }
        if let Some(name) = field.name() {
            self.push_text(":");
            self.out.extend_from_slice(name);
            self.push_text(":");
        } else if field.ty() == Type::Void {
            return self.refuse(format!("the void without a name at byte {at}, which would be padding in a format"));
        }
        Ok(())
    }

    /// Writes the byte-order character and the format character of `field`, which must not be a record. `at` is the
    /// offset of `field` in bytes from the start of the item. Returns an error if the target cannot read `field`.
    fn write_value(&mut self, field: Field<'_>, at: u64) -> Result<(), EmitError> {
        let code = self.format_character(field, at)?;
        if self.target == Target::Cython && field.swapped_endian().is_some() {
            return self.refuse(format!("the {} at byte {at}, which is not in the machine's byte order", field.ty()));
        }
        let native = has_native_size_only(field.ty());
        if native && field.swapped_endian().is_some() {
            return self.refuse(format!("the byte-swapped {} at byte {at}", field.ty()));
        }
        match field.endian() {
            _ if native => self.write_order("^"),
            Some(Endian::Little) => self.write_order("<"),
            Some(Endian::Big) => self.write_order(">"),
            None => {}
        }
        self.push_text(&code);
        Ok(())
    }

    /// Writes the byte-order character `order`. Writes nothing if `order` was written last and is still in force.
    fn write_order(&mut self, order: &'static str) {
        if self.order != Some(order) {
            self.order = Some(order);
            self.push_text(order);
        }
    }

    /// Writes a format of `layout` for the `struct` module: one byte-order character, then the format character of each
    /// field that is not a record, with pad bytes between the fields. The fields of nested records are written without
    /// `T{}` and names. Returns an error if the fields have two byte orders, if `layout` has an array of records, or if
    /// the target cannot read a field.
    fn write_struct_format(&mut self, layout: &Layout) -> Result<(), EmitError> {
        let mut order: Option<(Endian, u64)> = None;
        for (at, leaf) in layout.leaves() {
            if let Some(endian) = leaf.endian() {
                if order.is_some_and(|(first, _)| first != endian) {
                    return self.refuse(format!("the {} at byte {at}, a second byte order", leaf.ty()));
                }
                order = order.or(Some((endian, at)));
            }
        }
        self.refuse_arrays(layout.item(), 0)?;
        // A pointer requires `@`. Under `@` the reader inserts padding before aligned fields. The format must not
        // contain this padding as `x`.
        let native = layout.leaves().any(|(_, leaf)| has_native_size_only(leaf.ty()));
        match order {
            _ if native => self.push_text("@"),
            Some((Endian::Big, _)) => self.push_text(">"),
            _ => self.push_text("<"),
        }
        let mut end = 0_u64;
        for (at, leaf) in layout.leaves() {
            let implied = if native { leaf.natural_align().padding_needed_for(end) } else { 0 };
            self.write_padding(at.saturating_sub(end).saturating_sub(implied));
            let code = self.format_character(leaf, at)?;
            if !leaf.shape().is_empty() {
                if code.starts_with(|first: char| first.is_ascii_digit())
                    || matches!(leaf.ty(), Type::Bytes | Type::Pascal)
                {
                    return self.refuse(format!("the array of {} at byte {at}", leaf.ty()));
                }
                self.push_text(&leaf.count().to_string());
            }
            self.push_text(&code);
            end = at.saturating_add(leaf.total_size());
        }
        self.write_padding(layout.size().saturating_sub(end));
        Ok(())
    }

    /// Returns an error if two fields of `record` share bytes or are not in the order of their offsets, because no
    /// format can express such a record. `at` is the offset of `record` in bytes from the start of the item.
    fn refuse_unordered(&self, record: Field<'_>, at: u64) -> Result<(), EmitError> {
        if record.overlaps() {
            return self.refuse(format!("the record at byte {at}, whose fields share bytes"));
        }
        let mut end = 0_u64;
        for field in record.fields() {
            if field.offset() < end {
                return self.refuse(format!("the record at byte {at}, whose fields are not in the order of offsets"));
            }
            end = field.offset();
        }
        Ok(())
    }

    /// Returns an error if `field` is or contains an array of records, which the `struct` module cannot read. Also
    /// returns an error if fields of one record share bytes or are not in the order of their offsets. `at` is the
    /// offset of `field` in bytes from the start of the item.
    fn refuse_arrays(&self, field: Field<'_>, at: u64) -> Result<(), EmitError> {
        if field.ty() != Type::Record {
            return Ok(());
        }
        self.refuse_unordered(field, at)?;
        if field.count() != 1 {
            return self.refuse(format!("the array of records at byte {at}"));
        }
        field.fields().try_for_each(|inner| self.refuse_arrays(inner, at.saturating_add(inner.offset())))
    }

    /// Returns the format character of `field`, such as `i`. If the type is a byte string, a Unicode text, void or
    /// bits, the length precedes the character: `5s`. Returns an error if the target does not have the format
    /// character. `at` is the offset of `field` in bytes from the start of the item, for the error.
    fn format_character(&self, field: Field<'_>, at: u64) -> Result<String, EmitError> {
        let size = field.size();
        let length = |units: u64, code: &str| if units == 1 { code.to_string() } else { format!("{units}{code}") };
        let wide = field.natural_align().bytes();
        let code = match field.ty() {
            Type::Bool if size == 2 => "v".to_string(),
            Type::Bool => "?".to_string(),
            Type::Char => "c".to_string(),
            Type::Int8 => "b".to_string(),
            Type::UInt8 => "B".to_string(),
            Type::Int16 => "h".to_string(),
            Type::UInt16 => "H".to_string(),
            Type::Int32 => "i".to_string(),
            Type::UInt32 => "I".to_string(),
            Type::Int64 => "q".to_string(),
            Type::UInt64 => "Q".to_string(),
            Type::Float16 => "e".to_string(),
            Type::Float32 => "f".to_string(),
            Type::Float64 => "d".to_string(),
            Type::LongDouble => "g".to_string(),
            Type::Complex32 => "Ze".to_string(),
            Type::Complex64 if self.target == Target::CPython314 => "F".to_string(),
            Type::Complex64 => "Zf".to_string(),
            Type::Complex128 if self.target == Target::CPython314 => "D".to_string(),
            Type::Complex128 => "Zd".to_string(),
            Type::ComplexLongDouble => "Zg".to_string(),
            Type::Bytes => length(size, "s"),
            Type::Pascal => length(size, "p"),
            Type::Void => length(size, "x"),
            Type::Bits => match field.bit_field() {
                None => format!("{}t", size.saturating_mul(8)),
                Some(bits) if bits.offset() == 0 && !bits.is_signed() => format!("{}t", bits.width()),
                Some(bits) => {
                    return self.refuse(format!("the bit-field of {} at byte {at}", plural(bits.width(), "bit")));
                }
            },
            Type::Ucs2 => length(size / 2, "u"),
            Type::Ucs4 => length(size / 4, "w"),
            Type::Wchar if wide == 2 => length(size / 2, "u"),
            Type::Wchar => length(size / 4, "w"),
            Type::Pointer => "P".to_string(),
            Type::CharPointer => "z".to_string(),
            Type::WcharPointer => "Z".to_string(),
            Type::Object => "O".to_string(),
            Type::Function => "X{}".to_string(),
            Type::Opaque
                if self.target == Target::Canonical
                    && let Some(user) = field.user_type() =>
            {
                return Ok(format!("[{}]", user.name()));
            }
            Type::Opaque | Type::Record => {
                return self.refuse(format!("the {} at byte {at}", field.ty()));
            }
        };
        let letters = code.trim_start_matches(|digit: char| digit.is_ascii_digit());
        let known = crate::format::Code::by_name(letters)
            .map_or(self.target == Target::Canonical, |known| self.target.dialect().codes.contains(known));
        if known { Ok(code) } else { self.refuse(format!("the {} at byte {at}", field.ty())) }
    }
}

/// Returns whether the format character of `ty` has no standard size, so that a format needs `@` or `^` before this
/// character.
fn has_native_size_only(ty: Type) -> bool {
    matches!(
        ty,
        Type::LongDouble
            | Type::ComplexLongDouble
            | Type::Pointer
            | Type::CharPointer
            | Type::WcharPointer
            | Type::Object
            | Type::Function
    )
}
