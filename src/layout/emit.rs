//! [`Layout::emit`]: a format with a given layout, for a given reader.
//!
//! The canonical format is explicit: it has an `x` for each pad byte and a byte-order character before each change of
//! the byte order, and relies on no alignment. All dialects that have its format characters read it the same.
//! `emit` reads each format in the dialect of the target and compares the layouts before it returns the format.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::compare::{Comparison, Equivalence};
use super::dialect::Dialect;
use super::tree::{Field, Layout};
use super::ty::Type;
use crate::endian::Endian;
use crate::named::named_enum;

named_enum! {
    /// A reader for which a format can be spelled.
    ///
    /// ```
    /// use pep3118::{DataModel, Dialect, Layout, Target};
    /// let layout = Layout::read(b"T{<Zd:z:}", &Dialect::PEP3118, &DataModel::LP64)?;
    /// assert_eq!(layout.emit(Target::CPython314).unwrap(), b"<D");
    /// assert_eq!(layout.emit(Target::CPython315).unwrap(), b"<Zd");
    /// assert_eq!(Target::by_name("numpy"), Some(Target::NumPy));
    /// # Ok::<(), pep3118::LayoutError>(())
    /// ```
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
    pub enum Target {
        /// Every reader of PEP 3118.
        Canonical = "canonical",
        /// The `struct` module of every CPython: one structure of numbers, names left out.
        Struct = "struct",
        /// The `struct` module of CPython 3.14: complex numbers are `F` and `D`.
        CPython314 = "cpython-3.14",
        /// The `struct` module of CPython 3.15: complex numbers are `Zf` and `Zd`.
        CPython315 = "cpython-3.15",
        /// NumPy's reader.
        NumPy = "numpy",
        /// Cython's buffer check, on the machine of the layout.
        Cython = "cython",
    }
}

impl Target {
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

    /// Returns whether the target has neither structures nor names nor shapes.
    fn is_flat(self) -> bool {
        matches!(self, Self::Struct | Self::CPython314 | Self::CPython315)
    }
}

/// The part of a layout that a target cannot read.
///
/// ```
/// use pep3118::{DataModel, Dialect, Layout, Target};
/// let layout = Layout::read(b"T{&i:a:}", &Dialect::PEP3118, &DataModel::LP64)?;
/// assert!(layout.emit(Target::Canonical).is_ok());
/// assert_eq!(layout.emit(Target::NumPy).unwrap_err().to_string(), "numpy cannot read the pointer at byte 0");
/// # Ok::<(), pep3118::LayoutError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{target} cannot read {what}")]
pub struct EmitError {
    /// The target.
    pub target: Target,
    /// The part, with its offset in bytes: "the pointer at byte 8".
    pub what: String,
}

impl Layout {
    /// Returns a format that a reader interprets as this layout.
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
    /// - a pointer for NumPy
    /// - two byte orders or an array of structures for `struct`
    /// - a big-endian number in a little-endian data model for Cython
    pub fn emit(&self, target: Target) -> Result<Vec<u8>, EmitError> {
        let mut writer = FormatWriter { target, out: Vec::new(), order: None };
        if target.is_flat() {
            writer.flat(self)?;
        } else {
            writer.field(self.item(), 0)?;
        }
        let format = writer.out;
        // The format is read back and must give the same layout. Targets without structures have no names to compare.
        let read = Layout::read(&format, target.dialect(), self.model());
        let same = read.is_ok_and(|read| {
            if target.is_flat() {
                return same_values(self, &read);
            }
            Comparison::of_layouts(self, &read).equivalence >= Some(Equivalence::Scalars)
        });
        if same { Ok(format) } else { Err(EmitError { target, what: "this layout".to_string() }) }
    }
}

/// Returns whether `flat`, which has no structures, has the same values at the same offsets as `layout`.
fn same_values(layout: &Layout, flat: &Layout) -> bool {
    let values = |layout: &Layout| -> Vec<(u64, u64, u64, Type, Option<Endian>)> {
        layout.leaves().map(|(at, leaf)| (at, leaf.size(), leaf.count(), leaf.ty(), leaf.endian())).collect()
    };
    layout.size() == flat.size() && values(layout) == values(flat)
}

struct FormatWriter {
    target: Target,
    out: Vec<u8>,
    /// The byte-order character in force, if one was written.
    order: Option<&'static str>,
}

impl FormatWriter {
    fn refuse<T>(&self, what: impl Into<String>) -> Result<T, EmitError> {
        Err(EmitError { target: self.target, what: what.into() })
    }

    fn put(&mut self, text: &str) {
        self.out.extend_from_slice(text.as_bytes());
    }

    fn pad(&mut self, bytes: u64) {
        match bytes {
            0 => {}
            1 => self.put("x"),
            bytes => self.put(&format!("{bytes}x")),
        }
    }

    /// Writes a field with its shape and its name. `at` is its offset from the start of the item.
    // The recursion is as deep as the nesting of structures, at most 64 levels (the limit of the parser).
    fn field(&mut self, field: Field<'_>, at: u64) -> Result<(), EmitError> {
        if !field.shape().is_empty() {
            let lengths: Vec<String> = field.shape().iter().map(ToString::to_string).collect();
            self.put(&format!("({})", lengths.join(",")));
        }
        if field.ty() == Type::Record {
            self.refuse_unordered(field, at)?;
            self.put("T{");
            let mut end = 0;
            for inner in field.fields() {
                self.pad(inner.offset().saturating_sub(end));
                self.field(inner, at.saturating_add(inner.offset()))?;
                end = inner.offset().saturating_add(inner.total_size());
            }
            self.pad(field.size().saturating_sub(end));
            self.put("}");
        } else {
            self.value(field, at)?;
        }
        if let Some(name) = field.name() {
            self.put(":");
            self.out.extend_from_slice(name);
            self.put(":");
        } else if field.ty() == Type::Void {
            return self.refuse(format!("the void at byte {at}, which has no name: it would be padding"));
        }
        Ok(())
    }

    fn value(&mut self, field: Field<'_>, at: u64) -> Result<(), EmitError> {
        let code = self.code(field, at)?;
        if self.target == Target::Cython && field.endian().is_some_and(|endian| endian != field.model().endian) {
            return self.refuse(format!("the {} at byte {at}, which is not in the machine's byte order", field.ty()));
        }
        let native = has_native_size_only(field.ty());
        match field.endian() {
            Some(endian) if native && endian != field.model().endian => {
                return self.refuse(format!("the byte-swapped {} at byte {at}", field.ty()));
            }
            _ if native => self.order("^"),
            Some(Endian::Little) => self.order("<"),
            Some(Endian::Big) => self.order(">"),
            None => {}
        }
        self.put(&code);
        Ok(())
    }

    fn order(&mut self, order: &'static str) {
        if self.order != Some(order) {
            self.order = Some(order);
            self.put(order);
        }
    }

    /// Writes all fields as format characters in a row, for `struct`.
    fn flat(&mut self, layout: &Layout) -> Result<(), EmitError> {
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
        // A pointer needs `@`, which implies padding that must not be written, too.
        let native = layout.leaves().any(|(_, leaf)| has_native_size_only(leaf.ty()));
        match order {
            _ if native => self.put("@"),
            Some((Endian::Big, _)) => self.put(">"),
            _ => self.put("<"),
        }
        let mut end = 0_u64;
        for (at, leaf) in layout.leaves() {
            let implied = if native { leaf.natural_align().padding_needed_for(end) } else { 0 };
            self.pad(at.saturating_sub(end).saturating_sub(implied));
            let code = self.code(leaf, at)?;
            if !leaf.shape().is_empty() {
                if code.starts_with(|first: char| first.is_ascii_digit())
                    || matches!(leaf.ty(), Type::Bytes | Type::Pascal)
                {
                    return self.refuse(format!("the array of {} at byte {at}", leaf.ty()));
                }
                self.put(&leaf.count().to_string());
            }
            self.put(&code);
            end = at.saturating_add(leaf.total_size());
        }
        self.pad(layout.size().saturating_sub(end));
        Ok(())
    }

    /// Refuses records that formats cannot express: fields that share bytes or are not in the order of their offsets.
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

    /// Refuses arrays of structures: `struct` has no count for several format characters.
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

    /// Returns the format character of a value, after the length if its count is a length.
    fn code(&self, field: Field<'_>, at: u64) -> Result<String, EmitError> {
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
            Type::Bits => format!("{}t", size.saturating_mul(8)),
            Type::Ucs2 => length(size / 2, "u"),
            Type::Ucs4 => length(size / 4, "w"),
            Type::Wchar if wide == 2 => length(size / 2, "u"),
            Type::Wchar => length(size / 4, "w"),
            Type::Pointer => "P".to_string(),
            Type::CharPointer => "z".to_string(),
            Type::WcharPointer => "Z".to_string(),
            Type::Object => "O".to_string(),
            Type::Function => "X{}".to_string(),
            Type::Opaque | Type::Record => {
                return self.refuse(format!("the {} at byte {at}", field.ty()));
            }
        };
        let letters = code.trim_start_matches(|digit: char| digit.is_ascii_digit());
        let known = crate::format::Code::ALL
            .into_iter()
            .find(|known| known.as_str() == letters)
            .map_or(self.target == Target::Canonical, |known| self.target.dialect().codes.contains(known));
        if known { Ok(code) } else { self.refuse(format!("the {} at byte {at}", field.ty())) }
    }
}

/// Returns whether the format character of a type has no standard size.
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
