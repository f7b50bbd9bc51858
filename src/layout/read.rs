//! The functions that read a format: [`Layout::read`], [`Format::resolve`] and [`calcsize_in`].
//!
//! Formats of format characters alone take the fast path, all others are parsed and resolved. The layout is the same.

use alloc::vec::Vec;

use super::dialect::{Dialect, Nul, Syntax};
use super::error::LayoutError;
use super::fast_path;
use super::resolve::{Resolver, run};
use super::tree::{Layout, ROOT, close_root};
use crate::abi::DataModel;
use crate::align::Align;
use crate::format::{Failure, Format, Limits, Stop, parse_events};

impl Layout {
    /// Computes the layout of a format in a dialect and a data model.
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
    pub fn read(format: &[u8], dialect: &Dialect, model: &DataModel) -> Result<Self, LayoutError> {
        let mut nodes = Vec::with_capacity(capacity(format));
        let Some(align) = fast_path::fill(format, dialect, model, &mut nodes) else {
            let mut layout = Self { nodes, dims: Vec::new(), names: Vec::new(), align: Align::ONE, model: *model };
            return layout.read_resolved(format, dialect, model).map(|()| layout);
        };
        // A local variable would be copied to the return value.
        Ok(Self { nodes, dims: Vec::new(), names: Vec::new(), align, model: *model })
    }

    /// Computes the layout of a format in the memory of this layout. After an error the layout is empty.
    ///
    /// # Errors
    /// As [`read`](Layout::read).
    pub fn read_into(&mut self, format: &[u8], dialect: &Dialect, model: &DataModel) -> Result<(), LayoutError> {
        self.nodes.clear();
        self.dims.clear();
        self.names.clear();
        self.model = *model;
        self.nodes.reserve(capacity(format));
        if let Some(align) = fast_path::fill(format, dialect, model, &mut self.nodes) {
            self.align = align;
            return Ok(());
        }
        self.align = Align::ONE;
        self.read_resolved(format, dialect, model)
    }

    /// Parses and resolves a format that does not take the fast path. `self` has the root and no other node.
    pub(super) fn read_resolved(
        &mut self,
        format: &[u8],
        dialect: &Dialect,
        model: &DataModel,
    ) -> Result<(), LayoutError> {
        let format = readable(format, dialect);
        self.fill(format, dialect, model, |resolver| parse_events(format, &Limits::DEFAULT, resolver))
    }

    /// Resolves the events that `visit` makes for `format`. `self` has the root and no other node.
    fn fill(
        &mut self,
        format: &[u8],
        dialect: &Dialect,
        model: &DataModel,
        visit: impl FnOnce(&mut Resolver<'_, Self>) -> Result<(), Failure>,
    ) -> Result<(), LayoutError> {
        match run(format, dialect, model, self, visit) {
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

/// The number of nodes to reserve: one for each byte of the format, up to `RESERVE`, and one for the root.
#[inline]
fn capacity(format: &[u8]) -> usize {
    format.len().min(RESERVE).saturating_add(1)
}

impl Format {
    /// Returns the layout of the format in a dialect, on a machine.
    ///
    /// The result is that of [`Layout::read`] for the same bytes, but the bytes are not parsed again.
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
        let mut nodes = Vec::with_capacity(capacity(self.as_bytes()));
        nodes.push(ROOT);
        let mut layout = Layout { nodes, dims: Vec::new(), names: Vec::new(), align: Align::ONE, model: *model };
        let visit = |resolver: &mut Resolver<'_, Layout>| self.replay(resolver).map_err(|Stop| Failure::Stopped);
        layout.fill(self.as_bytes(), dialect, model, visit).map(|()| layout)
    }
}

/// Returns the size of an item in bytes, in a dialect and a data model. Nothing is allocated.
///
/// ```
/// use pep3118::{DataModel, Dialect, layout::calcsize_in};
/// assert_eq!(calcsize_in(b"bd", &Dialect::STRUCT, &DataModel::LP64)?, 16);
/// assert_eq!(calcsize_in(b"bd", &Dialect::STRUCT, &DataModel::I386)?, 12);
/// # Ok::<(), pep3118::LayoutError>(())
/// ```
///
/// # Errors
/// As [`Layout::read`].
#[inline]
pub fn calcsize_in(format: &[u8], dialect: &Dialect, model: &DataModel) -> Result<u64, LayoutError> {
    if let Some((size, _)) = fast_path::lay_out(format, dialect, model, |_| ()) {
        return Ok(size);
    }
    calcsize_resolved(format, dialect, model)
}

/// Computes the size of a format that does not take the fast path.
#[inline(never)]
fn calcsize_resolved(format: &[u8], dialect: &Dialect, model: &DataModel) -> Result<u64, LayoutError> {
    if dialect.syntax.contains(Syntax::NAMES) && !dialect.syntax.contains(Syntax::DUPLICATE_NAMES) {
        // Finding duplicate names needs the layout.
        return Layout::read(format, dialect, model).map(|layout| layout.size());
    }
    let format = readable(format, dialect);
    let visit = |resolver: &mut Resolver<'_, ()>| parse_events(format, &Limits::DEFAULT, resolver);
    run(format, dialect, model, &mut (), visit).map(|resolved| resolved.size)
}

/// The largest number of fields for which memory is reserved in advance.
const RESERVE: usize = 64;

/// Returns the part of the format before a NUL, if the dialect ends the format there.
#[inline]
fn readable<'f>(format: &'f [u8], dialect: &Dialect) -> &'f [u8] {
    match dialect.nul {
        Nul::Refused => format,
        Nul::Ends => format.split(|byte| *byte == 0).next().unwrap_or_default(),
    }
}
