//! [`StridedBuffer`]: random N-dimensional memory with the values of its items.

use alloc::string::String;
use alloc::vec::Vec;

use ::arbitrary::{Arbitrary, Error, Result, Unstructured};

use super::format::{data_model, layout};
use crate::decode::{DecodeError, Plan, Value};
use crate::layout::{Dialect, Layout};
use crate::view::{Block, Order, RawView, fill_contiguous_strides};

/// The number of bytes before and after the items in the memory.
const MARGIN: i64 = 3;

/// The size in bytes of the items of one dimension, approximately, if an item is large. A dimension has at most 2 more items.
const DIMENSION_BYTES: i64 = 1024;

/// A block of memory with items of a random layout, shape and strides. The strides can be negative, zero, unaligned or
/// smaller than an item. A shape has at most 3 dimensions and can contain 0.
///
/// ```
/// use arbitrary::{Arbitrary, Unstructured};
/// use pep3118::Request;
/// use pep3118::arbitrary::StridedBuffer;
/// use pep3118::decode::{Buffer, Plan, Value};
/// let random = StridedBuffer::arbitrary(&mut Unstructured::new(&[7, 130, 99, 4, 18, 201, 33, 60, 5, 77]))?;
/// let raw = random.raw();
/// let view = raw.check(Request::FULL_RO, None, Some(random.block())).view.unwrap();
/// let plan = Plan::new(random.layout())?;
/// let values: Result<Vec<Value>, _> = Buffer::new(&view, &plan, random.memory())?.values().collect();
/// assert_eq!(values?, random.values()?);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// ```
/// use arbitrary::{Arbitrary, Unstructured};
/// use pep3118::Order;
/// use pep3118::arbitrary::StridedBuffer;
/// let random = StridedBuffer::arbitrary(&mut Unstructured::new(&[7, 130, 99, 4, 18, 201, 33, 60, 5, 77]))?;
/// assert!(pep3118::parse(random.format()).is_ok());
/// assert_eq!(random.shape().len(), random.strides().len());
/// let items: i64 = random.shape().iter().product();
/// assert_eq!(random.items(Order::C).len(), items as usize);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct StridedBuffer {
    format: String,
    layout: Layout,
    shape: Vec<i64>,
    strides: Vec<i64>,
    /// The offset of the item with all indices 0, in bytes from the start of `memory`.
    origin: i64,
    memory: Vec<u8>,
}

impl StridedBuffer {
    /// Generates memory with items of a format that `dialect` accepts.
    ///
    /// # Errors
    /// - [`Error::IncorrectFormat`]: `dialect` has no format
    pub fn new(bytes: &mut Unstructured<'_>, dialect: &Dialect) -> Result<Self> {
        let model = data_model(bytes)?;
        let (format, layout) = layout(bytes, dialect, &model)?;
        let itemsize = i64::try_from(layout.size()).map_err(|_| Error::IncorrectFormat)?;
        let (mut shape, mut strides) = (Vec::new(), Vec::new());
        let ndim = bytes.int_in_range(0..=3_u8)?;
        // With large items in each dimension, a fuzz target would spend its time with copies.
        let most = DIMENSION_BYTES.checked_div(itemsize).unwrap_or(DIMENSION_BYTES).saturating_add(2);
        for _ in 0..ndim {
            // The library has a separate path for rows of 16 and more items.
            let longest = match ndim {
                1 => 40_i64,
                2 => 5,
                _ => 3,
            };
            shape.push(bytes.int_in_range(0..=longest.min(most))?);
            let odd = bytes.int_in_range(-3..=3)?;
            let stride: i64 = bytes.int_in_range(-3..=3)?;
            strides.push(stride.saturating_mul(itemsize).saturating_add(if bytes.ratio(1, 4)? { odd } else { 0 }));
        }
        if bytes.ratio(1, 3)? {
            let order = if bytes.arbitrary()? { Order::C } else { Order::Fortran };
            fill_contiguous_strides(&shape, itemsize, order, &mut strides).map_err(|_| Error::IncorrectFormat)?;
        }
        let (mut before, mut after) = (0_i64, 0_i64);
        for (length, stride) in shape.iter().zip(&strides) {
            let reach = length.saturating_sub(1).max(0).saturating_mul(*stride);
            let side = if reach < 0 { &mut before } else { &mut after };
            *side = side.saturating_add(reach.saturating_abs());
        }
        let origin = before.saturating_add(MARGIN);
        let len = origin.saturating_add(after).saturating_add(itemsize).saturating_add(MARGIN);
        let seed: Vec<u8> = bytes.arbitrary()?;
        // The factor changes from byte to byte, so that a short seed gives different items.
        let pattern = seed.iter().copied().chain([0x7f]).cycle();
        let factors = (0..=u8::MAX).map(|low| low | 1).cycle();
        let len = usize::try_from(len).map_err(|_| Error::IncorrectFormat)?;
        let memory = pattern.zip(factors).map(|(byte, factor)| byte.wrapping_mul(factor)).take(len).collect();
        Ok(Self { format, layout, shape, strides, origin, memory })
    }

    /// Returns the format of an item.
    #[must_use]
    pub fn format(&self) -> &str {
        &self.format
    }

    /// Returns the layout of an item. The data model of the layout is random, so the machine of the caller can have
    /// other sizes and byte orders for native formats.
    #[must_use]
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// Returns the shape.
    #[must_use]
    pub fn shape(&self) -> &[i64] {
        &self.shape
    }

    /// Returns the strides in bytes.
    #[must_use]
    pub fn strides(&self) -> &[i64] {
        &self.strides
    }

    /// Returns the memory.
    #[must_use]
    pub fn memory(&self) -> &[u8] {
        &self.memory
    }

    /// Returns the length of the memory, and the offset of the item with all indices 0, both in bytes.
    #[must_use]
    pub fn block(&self) -> Block {
        Block { len: i64::try_from(self.memory.len()).unwrap_or(i64::MAX), offset: self.origin }
    }

    /// Returns the fields of a `Py_buffer` for the memory. The format is NULL, because a validation would read the
    /// format for the machine of the caller. Without dimensions, the shape and the strides are NULL, as rule A14
    /// requires.
    #[must_use]
    pub fn raw(&self) -> RawView<'_> {
        let itemsize = i64::try_from(self.layout.size()).unwrap_or(i64::MAX);
        RawView {
            len: self.shape.iter().fold(itemsize, |bytes, length| bytes.saturating_mul(*length)),
            itemsize,
            ndim: i32::try_from(self.shape.len()).unwrap_or(i32::MAX),
            shape: (!self.shape.is_empty()).then_some(self.shape.as_slice()),
            strides: (!self.shape.is_empty()).then_some(self.strides.as_slice()),
            ..RawView::default()
        }
    }

    /// Returns the bytes of each item, in the order `order`. [`Order::Any`] means C order.
    #[must_use]
    pub fn items(&self, order: Order) -> Vec<&[u8]> {
        let mut offsets = Vec::from([self.origin]);
        // Each call adds one axis, whose index changes fastest. It replaces each offset with `length` offsets, one for
        // each index of the axis.
        let mut add_axis = |(length, stride): (&i64, &i64)| {
            offsets = offsets
                .iter()
                .flat_map(|offset| (0..*length).map(|index| offset.saturating_add(index.saturating_mul(*stride))))
                .collect();
        };
        let axes = self.shape.iter().zip(&self.strides);
        match order {
            Order::Fortran => axes.rev().for_each(&mut add_axis),
            Order::C | Order::Any => axes.for_each(&mut add_axis),
        }
        let itemsize = usize::try_from(self.layout.size()).unwrap_or(usize::MAX);
        let item = |offset: &i64| {
            let start = usize::try_from(*offset).ok()?;
            self.memory.get(start..start.saturating_add(itemsize))
        };
        // `new` allocates the memory for every offset.
        offsets.iter().filter_map(item).collect()
    }

    /// Returns the expected value of each item, in C order.
    ///
    /// # Errors
    /// - [`Plan::new`] or [`Plan::value`] return an error, which is a fault of this library
    pub fn values(&self) -> core::result::Result<Vec<Value>, DecodeError> {
        let plan = Plan::new(&self.layout)?;
        self.items(Order::C).into_iter().map(|item| plan.value(item)).collect()
    }
}

/// The dialect of the formats is [`Dialect::PEP3118`].
impl<'a> Arbitrary<'a> for StridedBuffer {
    fn arbitrary(bytes: &mut Unstructured<'a>) -> Result<Self> {
        Self::new(bytes, &Dialect::PEP3118)
    }
}
