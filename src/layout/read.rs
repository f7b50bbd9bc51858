//! Formats to layouts: the ways in.
//!
//! What is nothing but codes takes the short way of `plain`, the rest goes through the parser and the
//! resolver. Which way it was does not show in the layout.

use alloc::vec::Vec;

use super::dialect::{Dialect, Nul, Syntax};
use super::error::LayoutError;
use super::fast_path;
use super::model::{Layout, NO_NAME, Node};
use super::resolve::{Resolver, run};
use super::sink::narrow;
use super::ty::Type;
use crate::abi::DataModel;
use crate::align::Align;
use crate::format::{ByteOrder, Failure, Format, Limits, Stop, parse_events};
use crate::span::Span;

impl Layout {
    /// Reads a format string in a dialect, for a machine.
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
    /// - `T{i`: not a format at all
    /// - `<n` in any dialect but ctypes': `ssize_t` has no standard size
    /// - `T{i:a:}` in `struct`: no structures there
    /// - `9223372036854775807q`: more bytes than `PY_SSIZE_T_MAX`
    pub fn read(format: &[u8], dialect: &Dialect, model: &DataModel) -> Result<Self, LayoutError> {
        let mut nodes = Vec::with_capacity(room(format));
        let Some(align) = fast_path::fill(format, dialect, model, &mut nodes) else {
            let mut layout = Self { nodes, dims: Vec::new(), names: Vec::new(), align: Align::ONE, model: *model };
            return layout.read_on(format, dialect, model).map(|()| layout);
        };
        // The layout is made where it is to be returned, without a copy on the way.
        Ok(Self { nodes, dims: Vec::new(), names: Vec::new(), align, model: *model })
    }

    /// The same into an existing layout, whose memory is used again. After an error the layout is
    /// empty.
    ///
    /// # Errors
    /// As [`read`](Layout::read).
    pub fn read_into(&mut self, format: &[u8], dialect: &Dialect, model: &DataModel) -> Result<(), LayoutError> {
        self.nodes.clear();
        self.dims.clear();
        self.names.clear();
        self.model = *model;
        self.nodes.reserve(room(format));
        if let Some(align) = fast_path::fill(format, dialect, model, &mut self.nodes) {
            self.align = align;
            return Ok(());
        }
        self.align = Align::ONE;
        self.read_on(format, dialect, model)
    }

    /// Goes on with a format that is more than codes: the root is there, and nothing else.
    pub(super) fn read_on(&mut self, format: &[u8], dialect: &Dialect, model: &DataModel) -> Result<(), LayoutError> {
        let format = readable(format, dialect);
        self.fill(format, dialect, model, |resolver| parse_events(format, &Limits::DEFAULT, resolver))
    }

    /// Resolves the events that `visit` makes for `format`: the root is there, and nothing else.
    fn fill(
        &mut self,
        format: &[u8],
        dialect: &Dialect,
        model: &DataModel,
        visit: impl FnOnce(&mut Resolver<'_, Self>) -> Result<(), Failure>,
    ) -> Result<(), LayoutError> {
        match run(format, dialect, model, self, visit) {
            Ok(done) => {
                self.align = done.align;
                close(&mut self.nodes, done.size, format);
                if done.named {
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

/// Gives the root what was not known when it was pushed.
#[inline]
pub(super) fn close(nodes: &mut [Node], size: u64, format: &[u8]) {
    let end = narrow(nodes.len());
    if let Some(root) = nodes.first_mut() {
        root.size = size;
        root.end = end;
        root.span = Span::new(0, format.len());
    }
}

/// How many nodes to make room for: every field takes a byte at least, the root comes on top.
#[inline]
fn room(format: &[u8]) -> usize {
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
    /// - `<n` in any dialect but ctypes': `ssize_t` has no standard size
    /// - `T{i:a:}` in `struct`: no structures there
    /// - `9223372036854775807q`: more bytes than `PY_SSIZE_T_MAX`
    pub fn resolve(&self, dialect: &Dialect, model: &DataModel) -> Result<Layout, LayoutError> {
        let mut nodes = Vec::with_capacity(room(self.as_bytes()));
        nodes.push(ROOT);
        let mut layout = Layout { nodes, dims: Vec::new(), names: Vec::new(), align: Align::ONE, model: *model };
        let visit = |resolver: &mut Resolver<'_, Layout>| self.replay(resolver).map_err(|Stop| Failure::Stopped);
        layout.fill(self.as_bytes(), dialect, model, visit).map(|()| layout)
    }
}

/// The size of an item in bytes, in a dialect, for a machine; nothing is allocated.
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
    if let Some((size, _)) = fast_path::lay(format, dialect, model, |_| ()) {
        return Ok(size);
    }
    calcsize_on(format, dialect, model)
}

/// Goes on with a format that is more than codes.
#[inline(never)]
fn calcsize_on(format: &[u8], dialect: &Dialect, model: &DataModel) -> Result<u64, LayoutError> {
    if dialect.syntax.contains(Syntax::NAMES) && !dialect.syntax.contains(Syntax::DUPLICATE_NAMES) {
        // Whether two names are the same shows only in the layout.
        return Layout::read(format, dialect, model).map(|layout| layout.size());
    }
    let format = readable(format, dialect);
    let visit = |resolver: &mut Resolver<'_, ()>| parse_events(format, &Limits::DEFAULT, resolver);
    run(format, dialect, model, &mut (), visit).map(|done| done.size)
}

/// Fields for which room is made at once; more grow as they come.
const RESERVE: usize = 64;

pub(super) const ROOT: Node = Node {
    offset: 0,
    size: 0,
    count: 1,
    span: Span::ZERO,
    name: NO_NAME,
    end: 1,
    dims: 0,
    ndim: 0,
    ty: Type::Record,
    endian: None,
    order: ByteOrder::Native,
};

/// What a dialect that stops at a NUL gets to see.
#[inline]
fn readable<'f>(format: &'f [u8], dialect: &Dialect) -> &'f [u8] {
    match dialect.nul {
        Nul::Refused => format,
        Nul::Ends => format.split(|byte| *byte == 0).next().unwrap_or_default(),
    }
}
