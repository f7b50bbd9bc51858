//! [`Layout::read`], [`Format::resolve`] and [`calcsize_in`]: compute the layout or the size of a format.
//!
//! The module `fast_path` reads a format that consists of format characters only. The parser and the resolver read
//! every other format. The fast path and the resolver give equal layouts.

use alloc::vec::Vec;

use super::dialect::{Dialect, Nul, Syntax};
use super::error::LayoutError;
use super::fast_path;
use super::resolve::{Resolver, resolve_events};
use super::tree::{Layout, ROOT, close_root};
use crate::abi::DataModel;
use crate::align::Align;
use crate::format::{Failure, Format, Limits, Stop, parse_events};

impl Layout {
    /// Computes the layout of `format` by the rules of `dialect` with the C sizes of `model`.
    ///
    /// ```
    /// use pep3118::{DataModel, Dialect, Layout};
    /// let layout = Layout::read(b"T{b:a:i:b:}", &Dialect::PEP3118, &DataModel::LP64)?;
    /// let offsets: Vec<u64> = layout.item().fields().map(|field| field.offset()).collect();
    /// assert_eq!(offsets, [0, 4]);
    /// # Ok::<(), pep3118::LayoutError>(())
    /// ```
    ///
    /// # Errors
    /// - `T{i`: the structure is not closed
    /// - `<n` in all dialects but `ctypes`: `ssize_t` has no standard size
    /// - `T{i:a:}` in `struct`, which has no structures
    /// - `9223372036854775807q`: more bytes than `PY_SSIZE_T_MAX`
    #[inline]
    pub fn read(format: impl AsRef<[u8]>, dialect: &Dialect, model: &DataModel) -> Result<Self, LayoutError> {
        Self::read_bytes(format.as_ref(), dialect, model)
    }

    /// Computes the layout of `format`, like [`read`](Layout::read), and returns the same errors. This function is not
    /// generic, so the compiler compiles it once.
    fn read_bytes(format: &[u8], dialect: &Dialect, model: &DataModel) -> Result<Self, LayoutError> {
        let mut nodes = Vec::with_capacity(node_capacity(format));
        let Some(align) = fast_path::fill(format, dialect, model, &mut nodes) else {
            let mut layout = Self { nodes, dims: Vec::new(), names: Vec::new(), align: Align::ONE, model: *model };
            return layout.read_resolved(format, dialect, model).map(|()| layout);
        };
        // The result is built in the return value. The compiler would copy a local variable of this size.
        Ok(Self { nodes, dims: Vec::new(), names: Vec::new(), align, model: *model })
    }

    /// Replaces this layout with the layout of `format`, and reuses the allocated memory of this layout.
    ///
    /// `dialect` and `model` have the same meaning as for [`read`](Layout::read). After an error, the layout is empty.
    ///
    /// ```
    /// use pep3118::{DataModel, Dialect, Layout};
    /// let mut layout = Layout::new();
    /// for (format, size) in [("<i", 4), ("T{<h:a:<d:b:}", 10)] {
    ///     layout.read_into(format, &Dialect::PEP3118, &DataModel::LP64)?;
    ///     assert_eq!(layout.size(), size);
    /// }
    /// # Ok::<(), pep3118::LayoutError>(())
    /// ```
    ///
    /// # Errors
    /// The function returns the same errors as [`read`](Layout::read).
    #[inline]
    pub fn read_into(
        &mut self,
        format: impl AsRef<[u8]>,
        dialect: &Dialect,
        model: &DataModel,
    ) -> Result<(), LayoutError> {
        self.read_bytes_into(format.as_ref(), dialect, model)
    }

    /// Replaces this layout, like [`read_into`](Layout::read_into), and returns the same errors.
    fn read_bytes_into(&mut self, format: &[u8], dialect: &Dialect, model: &DataModel) -> Result<(), LayoutError> {
        self.nodes.clear();
        self.dims.clear();
        self.names.clear();
        self.model = *model;
        self.nodes.reserve(node_capacity(format));
        if let Some(align) = fast_path::fill(format, dialect, model, &mut self.nodes) {
            self.align = align;
            return Ok(());
        }
        self.align = Align::ONE;
        self.read_resolved(format, dialect, model)
    }

    /// Adds the fields of `format` to this layout with the parser and the resolver, by the rules of `dialect` with the
    /// C sizes of `model`. Reads only the bytes before the first NUL if a NUL ends the format in `dialect`. Before the
    /// call, `self` must contain the root and no other node. After an error, `self` is empty.
    pub(super) fn read_resolved(
        &mut self,
        format: &[u8],
        dialect: &Dialect,
        model: &DataModel,
    ) -> Result<(), LayoutError> {
        let format = before_nul(format, dialect);
        self.resolve_with(format, dialect, model, |resolver| parse_events(format, &Limits::DEFAULT, resolver))
    }

    /// Adds the fields of `format` to this layout, by the rules of `dialect` with the C sizes of `model`. `visit` must
    /// call the method of the resolver for each token of `format`. Before the call, `self` must contain the root and no
    /// other node. After an error, `self` is empty.
    fn resolve_with(
        &mut self,
        format: &[u8],
        dialect: &Dialect,
        model: &DataModel,
        visit: impl FnOnce(&mut Resolver<'_, Self>) -> Result<(), Failure>,
    ) -> Result<(), LayoutError> {
        match resolve_events(format, dialect, model, self, visit) {
            Ok(resolved) => {
                self.align = resolved.align;
                close_root(&mut self.nodes, resolved.size, format);
                if resolved.named {
                    self.names.extend_from_slice(format);
                }
                Ok(())
            }
            Err(error) => {
                self.nodes.clear();
                self.dims.clear();
                Err(error)
            }
        }
    }
}

/// Returns the number of nodes for which memory is reserved: one node for the root, and one node for each of the first
/// [`MAX_RESERVED`] bytes of `format`.
#[inline]
fn node_capacity(format: &[u8]) -> usize {
    format.len().min(MAX_RESERVED).saturating_add(1)
}

impl Format {
    /// Computes the layout of this format by the rules of `dialect` with the C sizes of `model`.
    ///
    /// [`Layout::read`] returns an equal layout for the bytes of this format, but parses the bytes again.
    ///
    /// ```
    /// use pep3118::{DataModel, Dialect};
    /// let format = pep3118::parse("T{b:a:i:b:}")?;
    /// assert_eq!(format.resolve(&Dialect::PEP3118, &DataModel::LP64)?.size(), 8);
    /// assert_eq!(format.resolve(&Dialect::NUMPY, &DataModel::LP64)?.size(), 5);
    /// # Ok::<(), pep3118::LayoutError>(())
    /// ```
    ///
    /// # Errors
    /// - `<n` in all dialects but `ctypes`: `ssize_t` has no standard size
    /// - `T{i:a:}` in `struct`, which has no structures
    /// - `9223372036854775807q`: more bytes than `PY_SSIZE_T_MAX`
    pub fn resolve(&self, dialect: &Dialect, model: &DataModel) -> Result<Layout, LayoutError> {
        let mut nodes = Vec::with_capacity(node_capacity(self.as_bytes()));
        nodes.push(ROOT);
        let mut layout = Layout { nodes, dims: Vec::new(), names: Vec::new(), align: Align::ONE, model: *model };
        let visit = |resolver: &mut Resolver<'_, Layout>| self.replay(resolver).map_err(|Stop| Failure::Stopped);
        layout.resolve_with(self.as_bytes(), dialect, model, visit).map(|()| layout)
    }
}

/// Returns the size in bytes of an item with the format `format`, by the rules of `dialect` with the C sizes of
/// `model`.
///
/// For a format that `struct` accepts, the function allocates no memory, unless `dialect` has names and refuses
/// duplicate names, as `numpy-reader` does.
///
/// ```
/// use pep3118::{DataModel, Dialect, layout::calcsize_in};
/// assert_eq!(calcsize_in(b"bd", &Dialect::STRUCT, &DataModel::LP64)?, 16);
/// assert_eq!(calcsize_in(b"bd", &Dialect::STRUCT, &DataModel::I386)?, 12);
/// # Ok::<(), pep3118::LayoutError>(())
/// ```
///
/// # Errors
/// The function returns the same errors as [`Layout::read`].
#[inline]
pub fn calcsize_in(format: impl AsRef<[u8]>, dialect: &Dialect, model: &DataModel) -> Result<u64, LayoutError> {
    let format = format.as_ref();
    if let Some((size, _)) = fast_path::lay_out(format, dialect, model, |_| ()) {
        return Ok(size);
    }
    calcsize_resolved(format, dialect, model)
}

/// Returns the size in bytes of an item with the format `format`, computed by the parser and the resolver. `dialect`
/// and `model` have the same meaning as for [`calcsize_in`]. Returns an error if `format` has no layout.
#[inline(never)]
fn calcsize_resolved(format: &[u8], dialect: &Dialect, model: &DataModel) -> Result<u64, LayoutError> {
    if dialect.syntax.contains(Syntax::NAMES) && !dialect.syntax.contains(Syntax::DUPLICATE_NAMES) {
        // The sink `()` stores no names and cannot find duplicate names. Hence this branch reads a layout.
        return Layout::read(format, dialect, model).map(|layout| layout.size());
    }
    let format = before_nul(format, dialect);
    let visit = |resolver: &mut Resolver<'_, ()>| parse_events(format, &Limits::DEFAULT, resolver);
    resolve_events(format, dialect, model, &mut (), visit).map(|resolved| resolved.size)
}

/// The largest number of fields for which memory is reserved before the format is read.
const MAX_RESERVED: usize = 64;

/// Returns the bytes of `format` that `dialect` reads: the bytes before the first NUL if a NUL ends the format in
/// `dialect`, otherwise all bytes.
#[inline]
fn before_nul<'f>(format: &'f [u8], dialect: &Dialect) -> &'f [u8] {
    match dialect.nul {
        Nul::Refused => format,
        // The default is never used, because `split` always yields at least one slice.
        Nul::Ends => format.split(|byte| *byte == 0).next().unwrap_or_default(),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::arithmetic_side_effects, clippy::indexing_slicing)]
mod tests {
    use alloc::format;
    use alloc::vec;

    use super::super::fast_path::fill;
    use super::super::tree::ROOT;
    use super::*;
    use crate::align::Align;
    use crate::format::Code;

    /// Returns all formats of one or two bytes that can start a token, and longer sequences of format characters.
    fn formats() -> Vec<Vec<u8>> {
        let codes: Vec<u8> = (0..=u8::MAX).filter(|byte| Code::from_byte(*byte).is_some()).collect();
        let mut alphabet = codes.clone();
        alphabet.extend(b"@=<>!^ 2Z:}T(&X[\0\xff");
        let mut formats = vec![Vec::new()];
        for &first in &alphabet {
            formats.push(vec![first]);
            formats.extend(alphabet.iter().map(|&second| vec![first, second]));
        }
        for len in [3, 5, 6, 9, 31] {
            for start in 0..codes.len() {
                let row = || codes.iter().cycle().skip(start).step_by(7).take(len);
                formats.push(row().copied().collect());
                formats.extend(b"@=<>!^".iter().map(|order| [order].into_iter().chain(row()).copied().collect()));
            }
        }
        formats
    }

    #[test]
    fn both_paths_give_the_same_layout() {
        let odd = [
            DataModel { long: u64::MAX, ..DataModel::LP64 },
            DataModel { long: 1 << 62, pointer: 3, wchar: 0, ..DataModel::LP64 },
            DataModel { long: 0, double_align: Align::new(1 << 63).unwrap(), ..DataModel::LP64 },
        ];
        let (mut fast, mut all) = (0, 0);
        for format in formats() {
            for dialect in Dialect::ALL {
                for model in DataModel::ALL.iter().chain(&odd) {
                    all += 1;
                    let mut nodes = Vec::new();
                    let Some(align) = fill(&format, dialect, model, &mut nodes) else {
                        assert_eq!(nodes.len(), 1);
                        continue;
                    };
                    fast += 1;
                    let about = format!("{} in {dialect} on {model:?}", format.escape_ascii());
                    let mut whole = Layout { nodes: vec![ROOT], ..Layout::new() };
                    whole.read_resolved(&format, dialect, model).expect(&about);
                    assert_eq!(align, whole.align, "{about}");
                    assert_eq!(format!("{nodes:?}"), format!("{:?}", whole.nodes), "{about}");
                    assert_eq!(calcsize_in(&format, dialect, model).ok(), Some(nodes[0].size), "{about}");
                }
            }
        }
        assert!(fast > 10_000, "{fast} of {all} formats take the fast path");
    }
}
