//! Items of any strides in a file, in blocks with the last index fastest.
//!
//! Columns of a large file lie far apart, so items are not read in the order in which they are
//! wanted. A block is a box of indices: as many of one dimension as fit, with all of the dimensions
//! behind it. Its places are visited in the order of the file, through a window that moves forwards,
//! and each item is put where it belongs in the block. So a file is passed over once for each block
//! at the most, whatever the strides, and memory is that of a block and a window.

use std::io::{self, Read as _, Seek as _, SeekFrom};

use super::Failure;
use super::decode::refused;
use super::input::Anywhere;

/// Bytes of a block where the order of the file is not the wanted one.
const BLOCK: usize = 1 << 25;
/// Bytes of a block where it is.
const SMALL_BLOCK: usize = 1 << 18;
/// Bytes of the window.
const WINDOW: i64 = 1 << 20;
/// Bytes that are rather read than leapt over.
const GAP: i64 = 1 << 12;

/// A dimension of a block.
#[derive(Clone, Copy, Debug)]
struct Axis {
    extent: i64,
    /// From one index to the next in the file, in bytes; not negative.
    step: i64,
    /// The same in the block.
    out: i64,
}

/// The items of a shape with strides.
pub(super) struct Strided {
    file: Window,
    /// Where the item of all indices 0 lies.
    origin: i64,
    shape: Vec<i64>,
    strides: Vec<i64>,
    itemsize: i64,
    /// The dimension that is cut, and how many of its indices are in a block.
    cut: usize,
    most: i64,
    /// Indices of the next block in the dimensions up to `cut`.
    indices: Vec<i64>,
    ended: bool,
    block: Vec<u8>,
}

impl Strided {
    /// The caller has seen to it that all items lie in the file and that places fit 63 bits.
    pub(super) fn new(file: Box<dyn Anywhere>, origin: i64, shape: &[i64], strides: &[i64], itemsize: i64) -> Self {
        let ordered = strides.is_sorted_by(|outer, inner| outer.unsigned_abs() >= inner.unsigned_abs());
        let budget = i64::try_from(if ordered { SMALL_BLOCK } else { BLOCK }).unwrap_or(i64::MAX);
        let budget = budget.checked_div(itemsize).unwrap_or(1).max(1);
        // All dimensions behind `cut`, whole, are `inner` items.
        let mut cut = shape.len().saturating_sub(1);
        let mut inner = 1_i64;
        while let Some(extent) = shape.get(cut)
            && cut > 0
            && inner.saturating_mul(*extent) <= budget
        {
            inner = inner.saturating_mul(*extent);
            cut = cut.saturating_sub(1);
        }
        let most = budget.checked_div(inner).unwrap_or(1).max(1);
        Self {
            file: Window { file, bytes: Vec::new(), start: 0 },
            origin,
            shape: shape.to_vec(),
            strides: strides.to_vec(),
            itemsize,
            cut,
            most,
            indices: vec![0; if shape.is_empty() { 0 } else { cut.saturating_add(1) }],
            ended: shape.contains(&0),
            block: Vec::new(),
        }
    }

    /// The next items.
    pub(super) fn next(&mut self) -> Result<Option<&[u8]>, Failure> {
        if self.ended {
            return Ok(None);
        }
        let len = self.load()?;
        self.advance();
        Ok(self.block.get(..len))
    }

    /// Reads the block at the indices; its length in bytes.
    fn load(&mut self) -> Result<usize, Failure> {
        let here = |place: i64, (index, stride): (&i64, &i64)| place.wrapping_add(index.wrapping_mul(*stride));
        let mut low = self.indices.iter().zip(&self.strides).fold(self.origin, here);
        let mut high = low.wrapping_add(self.itemsize);
        let (mut out, mut to) = (self.itemsize, 0_i64);
        let mut axes = Vec::new();
        let dimensions = self.shape.iter().zip(&self.strides).enumerate().skip(self.cut);
        for (dimension, (extent, stride)) in dimensions.rev() {
            let before = if dimension == self.cut { self.indices.last().copied().unwrap_or(0) } else { 0 };
            let extent = extent.wrapping_sub(before).min(if dimension == self.cut { self.most } else { i64::MAX });
            let last = extent.wrapping_sub(1);
            // From the low end to the high one, as the file is read.
            let reach = stride.wrapping_mul(last);
            if reach < 0 {
                low = low.wrapping_add(reach);
                to = to.saturating_add(out.saturating_mul(last));
                axes.push(Axis { extent, step: stride.wrapping_neg(), out: out.saturating_neg() });
            } else {
                high = high.wrapping_add(reach);
                axes.push(Axis { extent, step: *stride, out });
            }
            out = out.saturating_mul(extent);
        }
        let len = usize::try_from(out).unwrap_or(usize::MAX);
        if let Some(more) = len.checked_sub(self.block.len()).filter(|more| *more > 0) {
            let none = |_| refused(format_args!("there is no memory for an item of {len} bytes"));
            self.block.try_reserve_exact(more).map_err(none)?;
            self.block.resize(len, 0);
        }
        axes.sort_by_key(|axis| axis.step);
        self.visit(&axes, low, high, to)?;
        Ok(len)
    }

    /// Copies the items of a box, in the order of the file. `axes`: the one of the shortest steps first.
    fn visit(&mut self, axes: &[Axis], low: i64, high: i64, to: i64) -> Result<(), Failure> {
        let ahead = dense(axes, self.itemsize);
        let (line, outer) = match axes.split_first() {
            Some((line, outer)) => (*line, outer),
            None => (Axis { extent: 1, step: 0, out: 0 }, axes),
        };
        // A line that lies in the file as it does in the block is one long item.
        let whole = line.step == self.itemsize && line.out == self.itemsize;
        let (size, count) =
            if whole { (self.itemsize.saturating_mul(line.extent), 1) } else { (self.itemsize, line.extent) };
        let mut indices = vec![0_i64; outer.len()];
        let (mut from, mut to) = (low, to);
        loop {
            let (mut place, mut put) = (from, to);
            for _ in 0..count {
                let start = usize::try_from(put).unwrap_or(usize::MAX);
                let end = start.saturating_add(usize::try_from(size).unwrap_or(usize::MAX));
                let room = self.block.get_mut(start..end).unwrap_or_default();
                self.file.read(place, room, ahead.min(high.wrapping_sub(place)))?;
                place = place.wrapping_add(line.step);
                put = put.wrapping_add(line.out);
            }
            let mut turned = false;
            for (index, axis) in indices.iter_mut().zip(outer) {
                *index = index.wrapping_add(1);
                if *index < axis.extent {
                    from = from.wrapping_add(axis.step);
                    to = to.wrapping_add(axis.out);
                    turned = true;
                    break;
                }
                *index = 0;
                let back = axis.extent.wrapping_sub(1);
                from = from.wrapping_sub(axis.step.wrapping_mul(back));
                to = to.wrapping_sub(axis.out.wrapping_mul(back));
            }
            if !turned {
                return Ok(());
            }
        }
    }

    /// Moves the indices to the next block.
    fn advance(&mut self) {
        let cut = self.cut;
        for (dimension, index) in self.indices.iter_mut().enumerate().rev() {
            *index = index.saturating_add(if dimension == cut { self.most } else { 1 });
            if self.shape.get(dimension).is_some_and(|extent| *index < *extent) {
                return;
            }
            *index = 0;
        }
        self.ended = true;
    }
}

/// How many bytes from an item on are worth reading at once: as long as the gaps are small.
fn dense(axes: &[Axis], itemsize: i64) -> i64 {
    let mut span = itemsize;
    for axis in axes {
        if axis.step > span.saturating_add(GAP) {
            break;
        }
        span = span.saturating_add(axis.step.saturating_mul(axis.extent.wrapping_sub(1)));
    }
    span.min(WINDOW)
}

/// A part of a file.
struct Window {
    file: Box<dyn Anywhere>,
    bytes: Vec<u8>,
    start: i64,
}

impl Window {
    /// Reads the bytes at `place`, and up to `ahead` bytes from there for those who ask next.
    fn read(&mut self, place: i64, room: &mut [u8], ahead: i64) -> Result<(), Failure> {
        let find = |bytes: &[u8], start: i64, len: usize| -> Option<core::ops::Range<usize>> {
            let from = usize::try_from(place.checked_sub(start)?).ok()?;
            let to = from.checked_add(len)?;
            (to <= bytes.len()).then_some(from..to)
        };
        if let Some(range) = find(&self.bytes, self.start, room.len()) {
            room.copy_from_slice(self.bytes.get(range).unwrap_or_default());
            return Ok(());
        }
        let cut = |error: io::Error| match error.kind() {
            io::ErrorKind::UnexpectedEof => refused("the file became shorter while it was read"),
            _ => Failure::Io(error),
        };
        self.file.seek(SeekFrom::Start(u64::try_from(place).unwrap_or(u64::MAX)))?;
        let ahead = usize::try_from(ahead).unwrap_or(0);
        if ahead <= room.len() {
            return self.file.read_exact(room).map_err(cut);
        }
        self.bytes.resize(ahead, 0);
        self.start = place;
        let read = self.file.read_exact(&mut self.bytes);
        if let Err(error) = read {
            self.bytes.clear();
            return Err(cut(error));
        }
        room.copy_from_slice(self.bytes.get(..room.len()).unwrap_or_default());
        Ok(())
    }
}
