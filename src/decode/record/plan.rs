//! A plan beside a struct, compared once.

use alloc::vec::Vec;
use core::marker::PhantomData;

use bytemuck::{AnyBitPattern, NoUninit};

use super::super::error::wide;
use super::super::plan::Plan;
use super::copy_ops::Move;
use super::error::{Mismatch, NotInPlace, RecordError};
use super::match_layout::{Matched, Strategy};
use super::member::Record;

/// How items of a plan become structs, and back: made once by [`Plan::records`], used for any number
/// of items.
///
#[cfg_attr(feature = "derive", doc = "```")]
#[cfg_attr(not(feature = "derive"), doc = "```ignore")]
/// use pep3118::{DataModel, Dialect, Layout, Record, decode::Plan};
/// #[derive(Record, Debug, PartialEq)]
/// struct Point {
///     x: i16,
///     y: i16,
/// }
/// let plan = Plan::new(&Layout::read(b"T{>h:x:>h:y:}", &Dialect::PEP3118, &DataModel::HOST)?)?;
/// let points = plan.records::<Point>()?;
/// assert_eq!(points.read(&[0, 1, 0, 2])?, [Point { x: 1, y: 2 }]);
/// assert_eq!(points.encode(&[Point { x: 3, y: 4 }])?, [0, 3, 0, 4]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct RecordPlan<'p, T> {
    pub(super) plan: &'p Plan,
    pub(super) matched: Matched,
    /// From the layout of the struct to the item, for [`Strategy::Moved`].
    pub(super) back: Vec<Move>,
    records: PhantomData<fn() -> T>,
}

impl Plan {
    /// The plan for items that are one struct after the other.
    ///
    /// # Errors
    /// - items that the struct does not [match](Record::matches)
    pub fn records<T: Record>(&self) -> Result<RecordPlan<'_, T>, Mismatch> {
        let matched = Matched::new(self, &T::LAYOUT)?;
        let back = match matched.way {
            Strategy::Moved => matched.moves.iter().map(Move::turned).collect(),
            _ => Vec::new(),
        };
        Ok(RecordPlan { plan: self, matched, back, records: PhantomData })
    }

    /// The items that lie one after the other, as structs where they lie; see [`RecordPlan::cast`].
    ///
    /// # Errors
    /// - as [`RecordPlan::cast`]
    /// - items that the struct does not [match](Record::matches)
    pub fn cast_records<'i, T: Record + AnyBitPattern>(&self, items: &'i [u8]) -> Result<&'i [T], RecordError> {
        self.records()?.cast(items)
    }
}

impl<T: Record> RecordPlan<'_, T> {
    /// The items that lie one after the other, as structs where they lie: nothing is copied.
    ///
    #[cfg_attr(feature = "derive", doc = "```")]
    #[cfg_attr(not(feature = "derive"), doc = "```ignore")]
    /// use pep3118::{DataModel, Dialect, Layout, Record, decode::Plan};
    /// #[derive(Record, bytemuck::AnyBitPattern, Clone, Copy, Debug, PartialEq)]
    /// #[repr(C)]
    /// struct Pixel {
    ///     rgb: [u8; 3],
    ///     alpha: u8,
    /// }
    /// let plan = Plan::new(&Layout::read(b"T{3s:rgb:B:alpha:}", &Dialect::PEP3118, &DataModel::HOST)?)?;
    /// let pixels: &[Pixel] = plan.cast_records(&[1, 2, 3, 4, 5, 6, 7, 8])?;
    /// assert_eq!(pixels[1], Pixel { rgb: [5, 6, 7], alpha: 8 });
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// - a field of another byte order, at another place, in an item of another size
    /// - a struct that is not `repr(C)`
    /// - items that begin at byte 1 where the struct is aligned to 8
    /// - 10 bytes for items of 4
    pub fn cast<'i>(&self, items: &'i [u8]) -> Result<&'i [T], RecordError>
    where
        T: AnyBitPattern,
    {
        self.in_place(items)?;
        // Where nothing is, begins anywhere.
        if items.is_empty() {
            return Ok(&[]);
        }
        bytemuck::try_cast_slice(items).map_err(|_| unaligned::<T>(items).into())
    }

    /// The same, to be written to.
    ///
    /// # Errors
    /// - as [`cast`](Self::cast)
    pub fn cast_mut<'i>(&self, items: &'i mut [u8]) -> Result<&'i mut [T], RecordError>
    where
        T: AnyBitPattern + NoUninit,
    {
        self.in_place(items)?;
        if items.is_empty() {
            return Ok(&mut []);
        }
        let refused = unaligned::<T>(items);
        bytemuck::try_cast_slice_mut(items).map_err(|_| refused.into())
    }

    /// Whether items lie as the struct does, or the first difference.
    fn in_place(&self, items: &[u8]) -> Result<(), RecordError> {
        self.plan.items_in(items.len())?;
        let (item, record) = (wide(self.plan.itemsize()), wide(size_of::<T>()));
        if !T::LAYOUT.in_memory {
            return Err(NotInPlace::Repr.into());
        }
        for step in &self.matched.moves {
            if !step.is_in_place() {
                let (from, to) = (wide(step.from), wide(step.to));
                return Err(NotInPlace::Moved { from, to }.into());
            }
            if step.swap {
                return Err(NotInPlace::Swapped { offset: wide(step.from) }.into());
            }
        }
        if item == record { Ok(()) } else { Err(NotInPlace::Itemsize { item, record }.into()) }
    }
}

fn unaligned<T>(items: &[u8]) -> NotInPlace {
    let align = align_of::<T>();
    NotInPlace::Unaligned { past: wide(items.as_ptr().addr().checked_rem(align).unwrap_or(0)), align: wide(align) }
}
