//! [`NulHandling`]: the rule for the end of the value in a byte string or a Unicode text of fixed length.

use crate::named::named_enum;

named_enum! {
    /// The rule for the end of the value in a byte string or a Unicode text of fixed length.
    ///
    /// A value has fewer characters than the field if the program that owns the memory does not fill the field. The
    /// libraries that write such fields use different rules for the end of the value. The value is what the library of
    /// the owner reads:
    ///
    /// | owner | field | value of `b"a\0b\0"` | rule |
    /// |--|--|--|--|
    /// | `struct`, and all formats without another owner | `4s` | `b"a\0b\0"` | [`Keep`](Self::Keep) |
    /// | a single character `u` or `w`, such as an item of `array("w")` | `w` | | [`Keep`](Self::Keep) |
    /// | NumPy | `S4`, `U4` | `b"a\0b"` | [`StripTrailing`](Self::StripTrailing) |
    /// | a format with several characters, such as `4w` | `4w` | `"a\0b"` | [`StripTrailing`](Self::StripTrailing) |
    /// | ctypes | `c_char * 4`, `c_wchar * 4` in a structure | `b"a"` | [`StopAtFirst`](Self::StopAtFirst) |
    ///
    /// ```
    /// use pep3118::{DataModel, Dialect, Layout, layout::NulHandling};
    /// let handling = |format: &str| {
    ///     let layout = Layout::read(format.as_bytes(), &Dialect::PEP3118, &DataModel::LP64)?;
    ///     Ok::<_, pep3118::LayoutError>(layout.item().nul_handling())
    /// };
    /// assert_eq!(handling("4s")?, NulHandling::Keep);
    /// assert_eq!(handling("w")?, NulHandling::Keep);
    /// assert_eq!(handling("4w")?, NulHandling::StripTrailing);
    /// # Ok::<(), pep3118::LayoutError>(())
    /// ```
    #[non_exhaustive]
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
    pub enum NulHandling {
        /// All bytes or characters of the field belong to the value.
        Keep = "keep",
        /// The NULs at the end of the field do not belong to the value.
        StripTrailing = "strip-trailing",
        /// The value ends before the first NUL of the field.
        StopAtFirst = "stop-at-first",
    }
}

impl NulHandling {
    /// Returns the number of `units` that belong to the value. `units` are the bytes or the code units of the field.
    ///
    /// ```
    /// use pep3118::layout::NulHandling;
    /// let field = b"a\0b\0";
    /// assert_eq!(NulHandling::Keep.value_len(field), 4);
    /// assert_eq!(NulHandling::StripTrailing.value_len(field), 3);
    /// assert_eq!(NulHandling::StopAtFirst.value_len(field), 1);
    /// ```
    #[must_use]
    pub fn value_len<T: Default + PartialEq>(self, units: &[T]) -> usize {
        let nul = T::default();
        match self {
            Self::Keep => units.len(),
            Self::StripTrailing => units.iter().rposition(|unit| *unit != nul).map_or(0, |last| last.saturating_add(1)),
            Self::StopAtFirst => units.iter().position(|unit| *unit == nul).unwrap_or(units.len()),
        }
    }
}
